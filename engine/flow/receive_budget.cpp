#include "engine/flow/receive_budget.hpp"

#include <algorithm>
#include <utility>

namespace sluice::flow {

std::int64_t receive_budget::beyond(const channel_state& channel) const {
  return std::max(std::int64_t{0}, std::max(channel.allowed - channel.off, channel.here.bytes()) - limits_.least);
}

std::int64_t receive_budget::for_all_beyond() const {
  return std::max(std::int64_t{0}, limits_.bytes - static_cast<std::int64_t>(channels_.size()) * limits_.least);
}

std::uint64_t receive_budget::open() {
  auto& made = channels_[++next_];
  made.window = limits_.least;
  made.allowed = limits_.least;
  return next_;
}

void receive_budget::close(std::uint64_t number) {
  const auto found = channels_.find(number);
  if (found == channels_.end()) return;
  held_ -= found->second.here.bytes();
  beyond_ -= beyond(found->second);
  if (found->second.active) --active_;
  channels_.erase(found);
}

void receive_budget::arrived(std::uint64_t number, std::int64_t rows, std::int64_t bytes) {
  const auto found = channels_.find(number);
  if (found == channels_.end() || rows == 0) return;
  auto& channel = found->second;
  if (!std::exchange(channel.active, true)) ++active_;
  beyond_ -= beyond(channel);
  channel.here.sent(rows, bytes);
  channel.largest = std::max(channel.largest, bytes);
  beyond_ += beyond(channel);
  held_ += bytes;
  most_held_ = std::max(most_held_, held_);
}

std::int64_t receive_budget::next_window(const channel_state& channel) const {
  const auto all = for_all_beyond();
  const auto share = std::min(limits_.most, limits_.least + all / std::max(active_, std::int64_t{1}));
  const auto room = limits_.least + std::max(std::int64_t{0}, all - beyond_);
  return std::min({share, room, 2 * std::max(channel.window, channel.largest)});
}

std::optional<receive_budget::window> receive_budget::worked_off(std::uint64_t number, std::int64_t rows) {
  const auto found = channels_.find(number);
  if (found == channels_.end() || rows == 0) return {};
  auto& channel = found->second;
  const auto before = channel.here.bytes();
  const auto counted = beyond(channel);
  if (!channel.here.returned(rows, 0)) return {};
  channel.rows += static_cast<std::uint64_t>(rows);
  channel.off += before - channel.here.bytes();
  held_ -= before - channel.here.bytes();
  beyond_ -= counted;
  const auto next = next_window(channel);
  const bool due =
      next != channel.window || channel.here.bytes() == 0 || channel.off - channel.told_off >= channel.window / 4;
  if (due) {
    channel.window = next;
    channel.told_off = channel.off;
    // The sender may go by what it was told before, until it hears this.
    channel.allowed = std::max(channel.allowed, channel.off + next);
  }
  beyond_ += beyond(channel);
  if (!due) return {};
  return window{.rows = channel.rows, .bytes = next};
}

}  // namespace sluice::flow
