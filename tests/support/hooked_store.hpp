#pragma once

#include "engine/store/store.hpp"

#include <functional>
#include <memory>
#include <utility>

namespace sluice::test {

/// A Store in front of another one; what a test puts in is called first, and may hang as a disk does.
class hooked_store final : public store::store {
 public:
  explicit hooked_store(std::shared_ptr<sluice::store::store> real) : real_(std::move(real)) {}

  std::function<void()> before_create;
  std::function<void()> before_find;

  void enroll(const sluice::store::process_record& self) override { real_->enroll(self); }
  result<bool> beat() override { return real_->beat(); }
  result<std::int64_t> take_over(const std::string& run) override { return real_->take_over(run); }
  status release(const std::string& run) override { return real_->release(run); }
  result<bool> create_run(const sluice::store::run_record& run, std::vector<sluice::store::event> events) override {
    if (before_create) before_create();
    return real_->create_run(run, std::move(events));
  }
  result<std::vector<sluice::store::event>> apply(const sluice::store::change& what) override {
    return real_->apply(what);
  }
  result<std::vector<sluice::store::due_commit>> due_commits(const std::string& run) override {
    return real_->due_commits(run);
  }
  result<std::int64_t> last_cursor() override { return real_->last_cursor(); }
  result<sluice::store::store_totals> totals() override { return real_->totals(); }
  result<std::vector<sluice::store::run_record>> runs(const sluice::store::run_query& query) override {
    return real_->runs(query);
  }
  result<sluice::store::run_record> find_run(const std::string& reference) override {
    if (before_find) before_find();
    return real_->find_run(reference);
  }
  result<std::vector<sluice::store::event>> events(std::int64_t after, const std::string& run,
                                                   std::int64_t limit) override {
    return real_->events(after, run, limit);
  }
  result<std::int64_t> next_term() override { return real_->next_term(); }
  result<std::int64_t> cursor_of(const std::string& subscriber) override { return real_->cursor_of(subscriber); }
  status set_cursor(const std::string& subscriber, std::int64_t cursor) override {
    return real_->set_cursor(subscriber, cursor);
  }
  result<sluice::store::pipeline_state> sources_of(const std::string& pipeline) override {
    return real_->sources_of(pipeline);
  }
  result<std::vector<std::string>> pipelines_with_state() override { return real_->pipelines_with_state(); }
  result<std::int64_t> reset_sources(const sluice::store::state_reset& what) override {
    return real_->reset_sources(what);
  }

 private:
  std::shared_ptr<sluice::store::store> real_;
};

}  // namespace sluice::test
