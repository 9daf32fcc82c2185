#include "engine/notify/start_channel.hpp"

#include "engine/component/run_context.hpp"
#include "engine/expression/expression.hpp"
#include "engine/notify/event_table.hpp"
#include "engine/store/deliveries.hpp"
#include "engine/store/schedules.hpp"
#include "engine/values/types.hpp"

#include <arrow/api.h>

#include <algorithm>
#include <utility>

namespace sluice::notify {

namespace {

/// How far before the end of a run its events are searched for its drain.
constexpr std::int64_t nearby = 200;

/// What expressions may name: the event's columns, data.NAME, and params of the run as $name and params.NAME.
struct event_scope {
  run_context context;
  expression::scope names;
  std::shared_ptr<arrow::RecordBatch> row;  ///< null: only types are known
};

result<std::shared_ptr<event_scope>> scope_of(const param_types& params, const store::event* what,
                                              const options& values) {
  auto made = std::make_shared<event_scope>();
  SLUICE_ASSIGN(auto table, event_table(params, what, values));
  made->names.inputs = {{.qualifier = "event", .schema = table.event},
                        {.qualifier = "params", .schema = table.params},
                        {.qualifier = "data", .schema = table.data}};
  made->context.params = std::move(table.values);
  made->names.context = &made->context;
  made->row = std::move(table.row);
  return made;
}

class start_channel final : public subscriber {
 public:
  start_channel(std::string pipeline, std::shared_ptr<const start_params> params, std::shared_ptr<store::store> in)
      : pipeline_(std::move(pipeline)), params_(std::move(params)), store_(std::move(in)) {}

  delivery_attempt deliver(const notice& what) override {
    using outcome = delivery_attempt::outcome;
    const auto& event = what.events.front();
    if (what.kind == "test") return {.what = outcome::delivered, .answer = "it would start " + pipeline_};
    // Told to a user, not done again: what was started by the first delivery has run.
    const auto drained = was_drained(event);
    if (!drained.ok()) return {.what = outcome::again, .answer = drained.problem().message};
    if (!what.replay.empty() && !what.again)
      return {.what = outcome::delivered, .answer = "a replayed event starts nothing again"};
    if (*drained) return {.what = outcome::delivered, .answer = "the run was drained: nothing is started"};
    auto start = start_for(what, event);
    if (!start.ok()) return {.what = outcome::again, .answer = start.problem().message};
    const auto run = store::run_of_start(start->key);
    const auto added = store::schedules_of(*store_).add({std::move(*start)});
    if (!added.ok()) return {.what = outcome::again, .answer = added.problem().message};
    return {.what = outcome::delivered, .answer = (*added > 0 ? "starts run " : "has started run ") + run};
  }

 private:
  result<store::pending_start> start_for(const notice& what, const store::event& event) {
    options params;
    if (!event.run.empty()) {
      SLUICE_ASSIGN(params, store::deliveries_of(*store_).params_of(event.run));
    }
    store::pending_start made;
    SLUICE_ASSIGN(made.params, params_->values(event, params));
    made.pipeline = pipeline_;
    made.key = "notify\n" + what.pipeline + "/" + what.rule + "\n" + what.id;
    if (!what.replay.empty()) made.key += "\n" + what.replay;
    made.due = event.time;
    made.reason = "notify";
    made.parents = options::array();
    if (!event.run.empty()) made.parents.push_back({{"pipeline", event.pipeline}, {"run", event.run}});
    return made;
  }

  /// A run that was drained has not done all of its work: nothing starts from its end.
  result<bool> was_drained(const store::event& event) {
    if (event.type != "run.succeeded") return false;
    SLUICE_ASSIGN(const auto before,
                  store_->events(std::max<std::int64_t>(0, event.cursor - nearby), event.run, nearby));
    return std::any_of(before.begin(), before.end(), [](const auto& one) { return one.type == "run.drained"; });
  }

  std::string pipeline_;
  std::shared_ptr<const start_params> params_;
  std::shared_ptr<store::store> store_;
};

}  // namespace

std::string start_channel_name(const std::string& pipeline) { return "start:" + pipeline; }

std::shared_ptr<const start_params> start_params::bind(const options& texts, const param_types& params,
                                                       diagnostics& faults) {
  const auto before = faults.size();
  auto scope = scope_of(params, nullptr, {});
  if (!scope.ok()) {
    faults.push_back(scope.problem());
    return nullptr;
  }
  for (const auto& [name, text] : texts.items())
    (void)expression::bind(text.text(), (*scope)->names, "/" + std::string(name), faults);
  if (faults.size() > before) return nullptr;
  auto made = std::make_shared<start_params>();
  made->texts_ = texts;
  made->params_ = params;
  return made;
}

result<options> start_params::values(const store::event& what, const options& params) const {
  options made = options::object();
  SLUICE_ASSIGN(const auto scope, scope_of(params_, &what, params));
  for (const auto& [name, text] : texts_.items()) {
    diagnostics faults;
    const auto bound = expression::bind(text.text(), scope->names, {}, faults);
    if (bound == nullptr || !faults.empty())
      return faults.empty() ? internal_error("invalid_param", "param " + std::string(name)) : faults.front();
    const auto as_text =
        bound->type()->id() == arrow::Type::STRING ? bound : expression::cast(bound, arrow::utf8(), scope->names);
    if (as_text == nullptr)
      return user_error("invalid_param", "the value of " + std::string(name) + " can't be written as a text");
    batch rows;
    rows.data = scope->row;
    SLUICE_ASSIGN(const auto value, as_text->evaluate(rows));
    if (value.values->IsNull(0))
      return user_error("invalid_param", "the value of the param " + std::string(name) + ", " + text.text() +
                                             ", is null for this event");
    made[name] = static_cast<const arrow::StringArray&>(*value.values).GetString(0);
  }
  return made;
}

result<std::shared_ptr<subscriber>> make_start_channel(const options& own, const param_types& params,
                                                       std::shared_ptr<store::store> in) {
  diagnostics faults;
  auto values = start_params::bind(own.contains("params") ? own["params"] : options::object(), params, faults);
  if (values == nullptr) return faults.front();
  return std::shared_ptr<subscriber>(
      std::make_shared<start_channel>(own.value("pipeline", ""), std::move(values), std::move(in)));
}

}  // namespace sluice::notify
