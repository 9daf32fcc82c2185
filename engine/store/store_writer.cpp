#include "engine/store/store_writer.hpp"

namespace sluice::store {

namespace {

/// Longer waits for the write lock say nothing about who was silent meanwhile.
constexpr std::int64_t prompt_microseconds = 1'000'000;

status run_alone(database& in, const std::function<status(const observer&)>& work, const observer& by) {
  SLUICE_TRY(in.set_savepoint());
  auto outcome = work(by);
  if (!outcome.ok()) SLUICE_TRY(in.go_back());
  SLUICE_TRY(in.leave_savepoint());
  return outcome;
}

}  // namespace

status store_writer::write(const std::function<status(const observer&)>& work) {
  pending mine{.work = &work};
  std::unique_lock queue(queue_lock_);
  queue_.push_back(&mine);
  changed_.wait(queue, [&] { return mine.done || !committing_; });
  if (mine.done) return std::move(mine.outcome);
  committing_ = true;
  auto group = std::exchange(queue_, {});
  queue.unlock();
  commit_all(group);
  queue.lock();
  for (auto* one : group) one->done = true;
  committing_ = false;
  changed_.notify_all();
  return std::move(mine.outcome);
}

void store_writer::commit_all(std::deque<pending*>& group) {
  const std::lock_guard lock(writing_lock_);
  auto committed = commit_in_one(group);
  while (!committed.ok() && writing_.goes_again(committed.problem())) committed = commit_in_one(group);
  if (committed.ok()) return;
  for (auto* one : group)
    if (one->outcome.ok()) one->outcome = committed;
}

status store_writer::commit_in_one(std::deque<pending*>& group) {
  store_transaction transaction(writing_);
  const auto asked = uptime_microseconds();
  SLUICE_TRY(transaction.begin());
  auto by = writing_.observed();
  by.prompt = by.prompt && by.uptime - asked < prompt_microseconds;
  if (group.size() == 1) {
    // Where it fails the transaction holds nothing else.
    auto& one = *group.front();
    one.outcome = (*one.work)(by);
    return one.outcome.ok() ? transaction.commit() : one.outcome;
  }
  for (auto* one : group) one->outcome = run_alone(writing_, *one->work, by);
  return transaction.commit();
}

}  // namespace sluice::store
