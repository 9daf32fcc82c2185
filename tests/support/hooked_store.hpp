#pragma once

#include "engine/store/deliveries.hpp"
#include "engine/store/store.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace sluice::test {

/// A Store in front of another one: what a test puts in is called with the name of each call. It may hang as a disk
/// does, or give an error.
class hooked_store final : public store::store, public sluice::store::keeps_deliveries {
 public:
  explicit hooked_store(std::shared_ptr<sluice::store::store> real) : real_(std::move(real)) {}

  /// Before the call; an error keeps it from taking effect.
  std::function<status(const std::string& call)> before;
  /// Behind it; an error takes the place of its answer, which is lost.
  std::function<status(const std::string& call)> after;

  void enroll(const sluice::store::process_record& self) override { real_->enroll(self); }
  result<bool> beat() override {
    return hooked("beat", [&] { return real_->beat(); });
  }
  result<std::int64_t> take_over(const std::string& run) override {
    return hooked("take_over", [&] { return real_->take_over(run); });
  }
  status release(const std::string& run) override {
    return hooked("release", [&] { return real_->release(run); });
  }
  result<bool> create_run(const sluice::store::run_record& run, std::vector<sluice::store::event> events) override {
    return hooked("create_run", [&] { return real_->create_run(run, std::move(events)); });
  }
  result<std::vector<sluice::store::event>> apply(const sluice::store::change& what) override {
    return hooked("apply", [&] { return real_->apply(what); });
  }
  result<std::vector<sluice::store::due_commit>> due_commits(const std::string& run) override {
    return hooked("due_commits", [&] { return real_->due_commits(run); });
  }
  result<std::vector<sluice::store::checkpoint_record>> checkpoints(const std::string& run) override {
    return real_->checkpoints(run);
  }
  result<std::int64_t> last_cursor() override {
    return hooked("last_cursor", [&] { return real_->last_cursor(); });
  }
  result<sluice::store::store_totals> totals() override {
    return hooked("totals", [&] { return real_->totals(); });
  }
  result<std::vector<sluice::store::run_record>> runs(const sluice::store::run_query& query) override {
    return hooked("runs", [&] { return real_->runs(query); });
  }
  result<sluice::store::run_record> find_run(const std::string& reference) override {
    return hooked("find_run", [&] { return real_->find_run(reference); });
  }
  result<std::vector<sluice::store::event>> events(std::int64_t after_cursor, const std::string& run,
                                                   std::int64_t limit) override {
    return hooked("events", [&] { return real_->events(after_cursor, run, limit); });
  }
  result<std::int64_t> next_term() override {
    return hooked("next_term", [&] { return real_->next_term(); });
  }
  result<std::int64_t> cursor_of(const std::string& subscriber) override {
    return hooked("cursor_of", [&] { return real_->cursor_of(subscriber); });
  }
  status set_cursor(const std::string& subscriber, std::int64_t cursor) override {
    return hooked("set_cursor", [&] { return real_->set_cursor(subscriber, cursor); });
  }
  result<sluice::store::pipeline_state> sources_of(const std::string& pipeline) override {
    return hooked("sources_of", [&] { return real_->sources_of(pipeline); });
  }
  result<std::vector<std::string>> pipelines_with_state() override {
    return hooked("pipelines_with_state", [&] { return real_->pipelines_with_state(); });
  }
  result<std::int64_t> reset_sources(const sluice::store::state_reset& what) override {
    return hooked("reset_sources", [&] { return real_->reset_sources(what); });
  }
  sluice::store::delivery_log& deliveries() override { return sluice::store::deliveries_of(*real_); }

 private:
  template <class Call>
  auto hooked(const char* name, Call call) -> decltype(call()) {
    if (before) SLUICE_TRY(before(name));
    auto made = call();
    if (after) SLUICE_TRY(after(name));
    return made;
  }

  std::shared_ptr<sluice::store::store> real_;
};

}  // namespace sluice::test
