#pragma once

#include "engine/error/error.hpp"
#include "engine/store/database.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

namespace sluice::store {

/// A database that no other thread uses meanwhile.
class held_database {
 public:
  held_database(database& in, std::mutex& lock) : in_(in), lock_(lock) {}
  database& operator*() const { return in_; }
  database* operator->() const { return &in_; }

 private:
  database& in_;
  std::unique_lock<std::mutex> lock_;
};

/// Makes the writes of many threads durable by few transactions: while one is being synced, those that come wait and
/// then go together into the next. Each takes effect by itself: one that fails leaves the others as they are.
class store_writer {
 public:
  /// `reading` may be the same database: then a look waits for the transaction that is being written.
  store_writer(database& writing, database& reading) : writing_(writing), reading_(reading) {}

  /// Runs `work` inside a transaction; returns when it is durable, with its error or that of the transaction. The
  /// observer says when the write lock was got, and whether at once. Work is run again where the connection to the
  /// database was lost, so that it must not build on what it has left in variables.
  status write(const std::function<status(const observer&)>& work);
  /// Keeps the database for a look without a transaction.
  [[nodiscard]] held_database look() { return {reading_, &writing_ == &reading_ ? writing_lock_ : reading_lock_}; }
  /// Does something while no work and no look is under way.
  void alone(const std::function<void()>& what) {
    const std::scoped_lock both(writing_lock_, reading_lock_);
    what();
  }

 private:
  struct pending {
    const std::function<status(const observer&)>* work;
    status outcome = {};
    bool done = false;
  };
  void commit_all(std::deque<pending*>& group);
  status commit_in_one(std::deque<pending*>& group);

  database& writing_;
  database& reading_;
  std::mutex writing_lock_;
  std::mutex reading_lock_;
  std::mutex queue_lock_;
  std::condition_variable changed_;
  std::deque<pending*> queue_;
  bool committing_ = false;
};

}  // namespace sluice::store
