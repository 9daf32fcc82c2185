#include "engine/store/sqlite_writer.hpp"

#include "engine/store/sqlite_database.hpp"

namespace sluice::store {

namespace {

/// Longer waits for the write lock say nothing about who was silent meanwhile.
constexpr std::int64_t prompt_microseconds = 1'000'000;

status run_alone(sqlite_database& in, const std::function<status(const observer&)>& work, const observer& by) {
  SLUICE_TRY(in.execute("SAVEPOINT one"));
  auto outcome = work(by);
  if (!outcome.ok()) SLUICE_TRY(in.execute("ROLLBACK TO one"));
  SLUICE_TRY(in.execute("RELEASE one"));
  return outcome;
}

}  // namespace

status sqlite_writer::write(const std::function<status(const observer&)>& work) {
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

void sqlite_writer::commit_all(std::deque<pending*>& group) {
  const std::lock_guard lock(database_lock_);
  const auto committed = commit_in_one(group);
  if (committed.ok()) return;
  for (auto* one : group)
    if (one->outcome.ok()) one->outcome = committed;
}

status sqlite_writer::commit_in_one(std::deque<pending*>& group) {
  sqlite_transaction transaction(database_);
  const auto asked = uptime_microseconds();
  SLUICE_TRY(transaction.begin());
  auto by = observe();
  by.prompt = by.uptime - asked < prompt_microseconds;
  for (auto* one : group) one->outcome = run_alone(database_, *one->work, by);
  return transaction.commit();
}

}  // namespace sluice::store
