#pragma once

#include "engine/clients/postgres/connection.hpp"
#include "engine/component/down_note.hpp"
#include "engine/component/retry.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace sluice::postgres {

/// Connects when it is needed, and again after the connection was lost, as often as the unit's `retry:` allows.
class session {
 public:
  session(std::string url, const retry_rule& retry, std::uint64_t seed, interruption& stop)
      : url_(std::move(url)), waits_(retry, seed), stop_(stop) {}

  /// Does something that may be done again from its beginning. Errors that another try can help with (`retry`) lead to
  /// one, on a new connection; others, and the last one, are given.
  status with_connection(const std::function<status(connection&)>& work);
  /// The connection that is there; null: none, or it was lost.
  [[nodiscard]] connection* current() const { return held_ && held_->alive() ? held_.get() : nullptr; }
  void close() { held_.reset(); }
  /// Since when and why it is tried again. From any thread.
  [[nodiscard]] std::optional<down_state> down() const { return down_.state(); }

 private:
  std::string url_;
  backoff waits_;
  interruption& stop_;
  std::unique_ptr<connection> held_;
  down_note down_;
};

}  // namespace sluice::postgres
