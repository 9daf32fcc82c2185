#include "engine/store/masking_store.hpp"

#include "engine/secrets/known_secrets.hpp"
#include "engine/secrets/mask.hpp"
#include "engine/store/deliveries.hpp"
#include "engine/store/leadership.hpp"
#include "engine/store/schedules.hpp"

#include <utility>

namespace sluice::store {

namespace {

void mask_text(std::string& text) { text = secrets::mask(std::move(text)); }

void mask_events(std::vector<event>& events) {
  for (auto& one : events) secrets::mask(one.data);
}

run_record masked(run_record run) {
  for (auto* text : {&run.owner, &run.text}) mask_text(*text);
  for (auto& tag : run.tags) mask_text(tag);
  for (auto* json : {&run.cause, &run.params, &run.summary}) secrets::mask(*json);
  return run;
}

change masked(change what) {
  if (what.cause) secrets::mask(*what.cause);
  if (what.summary) secrets::mask(*what.summary);
  mask_events(what.events);
  if (what.decision)
    for (auto* sinks : {&what.decision->sinks, &what.decision->held})
      for (auto& sink : *sinks) mask_text(sink.target);
  return what;
}

class masking_store final : public store, public keeps_deliveries, public keeps_schedules, public keeps_leadership {
 public:
  explicit masking_store(std::shared_ptr<store> real) : real_(std::move(real)) {}

  result<bool> create_run(const run_record& run, std::vector<event> events) override {
    if (secrets::known() == nullptr) return real_->create_run(run, std::move(events));
    mask_events(events);
    return real_->create_run(masked(run), std::move(events));
  }
  result<std::vector<event>> apply(const change& what) override {
    return secrets::known() == nullptr ? real_->apply(what) : real_->apply(masked(what));
  }

  void enroll(const process_record& self) override { real_->enroll(self); }
  result<bool> beat() override { return real_->beat(); }
  result<std::int64_t> take_over(const std::string& run) override { return real_->take_over(run); }
  status release(const std::string& run) override { return real_->release(run); }
  result<std::vector<due_commit>> due_commits(const std::string& run) override { return real_->due_commits(run); }
  result<std::vector<checkpoint_record>> checkpoints(const std::string& run) override {
    return real_->checkpoints(run);
  }
  result<std::vector<run_record>> runs(const run_query& query) override { return real_->runs(query); }
  result<run_record> find_run(const std::string& reference) override { return real_->find_run(reference); }
  result<std::vector<event>> events(std::int64_t after, const std::string& run, std::int64_t limit) override {
    return real_->events(after, run, limit);
  }
  result<std::int64_t> last_cursor() override { return real_->last_cursor(); }
  result<store_totals> totals() override { return real_->totals(); }
  result<std::int64_t> next_term() override { return real_->next_term(); }
  result<std::int64_t> cursor_of(const std::string& subscriber) override { return real_->cursor_of(subscriber); }
  status set_cursor(const std::string& subscriber, std::int64_t cursor) override {
    return real_->set_cursor(subscriber, cursor);
  }
  result<pipeline_state> sources_of(const std::string& pipeline) override { return real_->sources_of(pipeline); }
  result<std::vector<std::string>> pipelines_with_state() override { return real_->pipelines_with_state(); }
  result<std::int64_t> reset_sources(const state_reset& what) override { return real_->reset_sources(what); }
  // What it keeps comes from events, which are masked, and it masks answers itself.
  delivery_log& deliveries() override { return deliveries_of(*real_); }
  // What it keeps refers to secrets by name.
  schedule_log& schedules() override { return schedules_of(*real_); }
  leadership& lead_of() override { return leadership_of(*real_); }

 private:
  std::shared_ptr<store> real_;
};

}  // namespace

std::shared_ptr<store> make_masking(std::shared_ptr<store> real) {
  return std::make_shared<masking_store>(std::move(real));
}

}  // namespace sluice::store
