#pragma once

#include "engine/component/component.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::actors::simulation {

/// A target as a database is one: what was prepared stays through crashes, commits are idempotent, and each row that
/// can be seen is counted.
struct ledger {
  std::map<std::string, std::vector<std::int64_t>> begun;     ///< by unit and try: not durable yet
  std::map<std::string, std::vector<std::int64_t>> prepared;  ///< by token
  std::map<std::string, std::vector<std::int64_t>> visible;   ///< by token
  bool each_epoch = false;                                    ///< it is to be committed with each checkpoint
  bool refuses = false;                                       ///< every commit, for good
  /// Asked before each call, with its name; an error is what the call gives. `commit answer` comes behind a commit.
  std::function<status(const std::string& call)> weather;

  /// All rows that a reader of the target finds.
  [[nodiscard]] std::vector<std::int64_t> rows() const;
  bool dead = false;
  /// The process is dead, and can't remove anything; when the next one begins, what was not durable is gone.
  void crash(bool now_dead) {
    dead = now_dead;
    begun.clear();
  }
};

/// A sink of a ledger. `unit` names run and unit; with the try and the epoch it makes a token.
std::unique_ptr<sink> open_ledger(std::shared_ptr<ledger> to, std::string unit);

}  // namespace sluice::actors::simulation
