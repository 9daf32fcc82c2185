#pragma once

#include "engine/error/error.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice::store {

class store;

/// The process that leads: the controller that all runs of a Store belong to.
struct leader {
  std::string process = {};  ///< its lease
  std::string node = {};
  std::string endpoint = {};  ///< host:port at which other nodes reach it
  std::string host = {};
  std::int64_t pid = 0;
  std::int64_t term = 0;    ///< with which it writes
  std::int64_t silent = 0;  ///< microseconds since its last sign of life
};

/// The part of a Store by which one of several controllers leads. Who leads does so until it steps down, or is silent
/// for longer than the others allow; who takes the lead takes a new term, so that what the one before writes is refused
/// (stale_term), and its runs are those of a dead process.
class leadership {
 public:
  virtual ~leadership() = default;
  /// How long a leader may be silent; as long as any lease holds, unless it is said here.
  virtual void allow_silence(std::chrono::microseconds most) = 0;
  /// Takes the lead where nobody has it who lives; gives the new term. Nullopt: another one leads. `endpoint` is told
  /// to those who look for the leader. `gone`: the process of a leader that is known to have ended.
  virtual result<std::optional<std::int64_t>> lead(const std::string& endpoint, const std::string& gone = {}) = 0;
  /// Who leads and lives.
  virtual result<std::optional<leader>> find_leader() = 0;
  /// Leaves the lead to the others; nothing where this process does not have it.
  virtual status step_down() = 0;
};

/// A Store that has one: each of them. Apart from `store`, because few need it.
class keeps_leadership {
 public:
  virtual ~keeps_leadership() = default;
  virtual leadership& lead_of() = 0;
};
/// The leadership of a Store; lives as long as it.
leadership& leadership_of(store& in);

}  // namespace sluice::store
