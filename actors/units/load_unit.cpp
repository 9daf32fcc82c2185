#include "actors/units/load_unit.hpp"

#include "actors/run/rejects_batch.hpp"
#include "actors/units/guarded.hpp"
#include "actors/units/unit_actor.hpp"
#include "engine/component/interrupt_switch.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <caf/all.hpp>

#include <utility>

namespace sluice::actors {

namespace {

/// The sink and what its calls need; shared with calls under way, which may outlive the actor.
struct open_sink {
  std::shared_ptr<const run_setup> setup;
  std::unique_ptr<sink> to = {};
  interrupt_switch<sink> stop = {};  ///< keeps a call that is stuck from holding up the end
};

/// A bounded run is one epoch, which ends with it.
constexpr std::uint64_t only_epoch = 1;

struct written {
  status done;
  row_errors refused;
};

std::shared_ptr<open_sink> make_open_sink(std::shared_ptr<const run_setup> setup) {
  auto made = std::make_shared<open_sink>();
  made->setup = std::move(setup);
  return made;
}

class load_actor : public unit_actor {
 public:
  load_actor(caf::actor_config& config, std::shared_ptr<const run_setup> setup, flow::instance_id who,
             const node_services& services)
      : unit_actor(config, setup, who, services), sink_(make_open_sink(std::move(setup))) {}

 protected:
  caf::message_handler own_messages() override {
    return {[this](const commit_load& message) { commit(message); }};
  }

  void begin() override {
    calls_.call(
        [to = sink_, unit = unit_index()]() -> status {
          SLUICE_ASSIGN(to->to, guarded("make the sink", [&] {
                          return to->setup->components.make_sink(*to->setup->what, unit, *to->setup->context);
                        }));
          to->stop.connect(to->to.get());
          return guarded("open the target", [&] { return to->to->open(to->setup->attempt); });
        },
        [this](const status& opened) {
          if (!working_) return;
          if (!opened.ok()) return fail(opened.problem());
          open_ = true;
          started();
          work();
        });
  }

  void work() override {
    if (!open_) return;
    while (rejects_.clear() && working_) {
      auto next = inbox_->next();
      if (!next) break;
      if (auto* arrived = std::get_if<flow::inbox::arrived_batch>(&*next)) write(std::move(*arrived));
    }
    if (working_ && inbox_->exhausted() && writes_ == 0) prepare();
  }

  /// The sink's last call; it waits for one that is stuck, without keeping anyone.
  void give_up() override {
    if (ended_) return abandon_done();
    ended_ = true;
    if (!committing_) sink_->stop.interrupt();
    calls_.call(
        [to = sink_] {
          if (to->to) to->to->abort();
          return 0;
        },
        [this](int) { abandon_done(); });
  }

  /// It may have been decided to commit: whoever settles the run publishes or removes it.
  [[nodiscard]] bool keeps_prepared() const override { return prepared_ && !ended_; }

  void let_go() override {
    if (!ended_ && !prepared_) {
      if (!committing_) sink_->stop.interrupt();
      calls_.post([to = sink_] {
        if (to->to) to->to->abort();
      });
    }
    sink_.reset();
  }

 private:
  void write(flow::inbox::arrived_batch arrived) {
    const auto rows = arrived.rows.rows();
    counters_.in += static_cast<std::uint64_t>(rows);
    ++counters_.batches;
    if (rows == 0) {
      if (arrived.owed) give_credit({*arrived.owed});
      return;
    }
    ++writes_;
    const auto copy = arrived.rows;
    calls_.call(
        [to = sink_, rows = copy] {
          written result;
          result.done = guarded("write to the target", [&] { return to->to->write(rows, result.refused); });
          return result;
        },
        [this, arrived = std::move(arrived)](const written& result) {
          --writes_;
          if (!working_) return;
          if (!result.done.ok()) return fail(result.done.problem());
          reject(arrived.rows, result.refused);
          if (arrived.owed) give_credit({*arrived.owed});
          work();
        });
  }

  void reject(const batch& in, const row_errors& why) {
    for (auto& record : rejected_rows(in, why)) {
      record.unit = unit().definition.name;
      ++counters_.rejected;
      rejects_.add(std::move(record));
    }
    rejects_.send();
  }

  void prepare() {
    if (prepared_) {
      if (report_) finish_when_passed_on();
      return;
    }
    prepared_ = true;
    calls_.call(
        [to = sink_] { return guarded("make the target durable", [&] { return to->to->prepare(only_epoch); }); },
        [this](const result<prepared_epoch>& made) {
          if (!working_) return;
          if (!made.ok()) return fail(made.problem());
          const auto& report = made->report;
          report_ = report;
          counters_.out = report.loaded;
          counters_.merged = report.merged;
          counters_.set_null = report.set_null;
          counters_.bytes = report.bytes;
          target_ = report.target;
          token_ = made->token;
          finish_when_passed_on();
        });
  }

  void commit(const commit_load& message) {
    if (message.at_once) sink_->stop.interrupt();
    if (std::exchange(committing_, true)) return;
    calls_.call(
        [to = sink_, token = message.token] {
          return guarded("publish the target", [&] { return to->to->commit(token); });
        },
        [this](const status& made) {
          if (!made.ok()) return fail(made.problem());
          ended_ = true;
          send(links_.supervisor, committed{who_});
        });
  }

  std::shared_ptr<open_sink> sink_;
  std::optional<sink_report> report_;
  int writes_ = 0;  ///< under way
  bool open_ = false;
  bool prepared_ = false;    ///< the call was made
  bool committing_ = false;  ///< told to commit: only that is to interrupt it any more
  bool ended_ = false;       ///< committed or aborted
};

}  // namespace

caf::actor spawn_load(caf::actor_system& system, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                      const node_services& services) {
  return system.spawn<load_actor>(std::move(setup), who, services);
}

}  // namespace sluice::actors
