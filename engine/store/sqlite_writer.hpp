#pragma once

#include "engine/error/error.hpp"
#include "engine/store/process.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

namespace sluice::store {

class sqlite_database;

/// Makes the writes of many threads durable by few transactions: while one is being synced, those that come wait and
/// then go together into the next. Each takes effect by itself: one that fails leaves the others as they are.
class sqlite_writer {
 public:
  explicit sqlite_writer(sqlite_database& database) : database_(database) {}

  /// Runs `work` inside a transaction; returns when it is durable, with its error or that of the transaction. The
  /// observer says when the write lock was got, and whether at once.
  status write(const std::function<status(const observer&)>& work);
  /// Keeps the database for a look without a transaction.
  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(database_lock_); }

 private:
  struct pending {
    const std::function<status(const observer&)>* work;
    status outcome = {};
    bool done = false;
  };
  void commit_all(std::deque<pending*>& group);
  status commit_in_one(std::deque<pending*>& group);

  sqlite_database& database_;
  std::mutex database_lock_;
  std::mutex queue_lock_;
  std::condition_variable changed_;
  std::deque<pending*> queue_;
  bool committing_ = false;
};

}  // namespace sluice::store
