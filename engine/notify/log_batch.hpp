#pragma once

#include "engine/notify/event_columns.hpp"
#include "engine/store/deliveries.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sluice::notify {

/// Events of the log that follow each other, as the rules of a process look at them together: what one rule has made of
/// them is there for the next. Not thread-safe.
class log_batch {
 public:
  /// `live`: just written, and no rule is behind them.
  log_batch(std::shared_ptr<const std::vector<store::event>> events, store::store& in, bool live);

  [[nodiscard]] const std::vector<store::event>& events() const { return *events_; }
  [[nodiscard]] bool live() const { return live_; }
  [[nodiscard]] std::shared_ptr<const store::event> event_at(std::int64_t cursor) const;
  event_columns& columns() { return columns_; }
  /// The silences by hand that are not over at `now`; read once.
  result<const std::vector<store::silence>*> silences(std::int64_t now);
  /// Whether somebody has made deliveries of a subscription due that were made elsewhere.
  [[nodiscard]] bool makes_due(const std::string& subscription) const;

 private:
  std::shared_ptr<const std::vector<store::event>> events_;
  store::store& store_;
  bool live_;
  event_columns columns_;
  std::optional<std::vector<store::silence>> silences_;
  bool flushed_ = false;
  std::set<std::string> replayed_;  ///< subscriptions
};

}  // namespace sluice::notify
