#pragma once

#include "engine/error/error.hpp"
#include "engine/values/batch.hpp"

#include <compare>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::flow {

/// A batch and the output port that it leaves by.
struct outgoing_batch {
  int port = 0;
  batch rows;
};

/// Gives the batches that a unit makes their place in the stream.
///
/// A row-wise unit passes the keys of its input 0 on: what it makes of one batch is numbered as chunks of that batch's
/// place, on each port by itself, and a batch of which it makes nothing leaves an empty marker, so that the numbering
/// has no gaps. The last chunk must say that it is the last, so each port runs one batch late until `settled`. What it
/// makes when its input has ended (rows that were spilled) follows all that came, as one more split. Any other unit
/// numbers its batches afresh.
class order_stamper {
 public:
  /// `markers`: an empty batch for each port, used where there is nothing else to send.
  order_stamper(bool row_wise, std::vector<batch> markers);

  /// A batch of input 0 goes into the unit.
  void taken(const order_key& key);
  /// The unit made a batch. Of a unit with several inputs it carries the key of the batch that it comes from, because
  /// such a unit may answer late; with `only_input` the last key taken counts.
  void made(int port, batch rows, bool only_input, std::vector<outgoing_batch>& out);
  /// A barrier follows: what is held back goes before it, as chunks that are not the last of their places.
  void let_pass(std::vector<outgoing_batch>& out);
  /// Everything that was taken has been answered.
  void settled(std::vector<outgoing_batch>& out);

  /// What a successor needs to number on behind a barrier, after `let_pass`; and begins with. Error: foreign_state.
  [[nodiscard]] std::string state() const;
  status restore(const std::string& state);

 private:
  struct port_state {
    std::optional<batch> held;  ///< waits for its successor, to know whether it is the last chunk
    std::size_t at = 0;         ///< index in `open_` of the key that the port is at
    std::uint64_t fresh = 0;    ///< next sequence where numbered afresh
    std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> chunks;  ///< (split, sequence) -> next chunk
  };
  void pass_held(int port, const order_key& key, std::vector<outgoing_batch>& out);
  void close(int port, const order_key& key, std::vector<outgoing_batch>& out);
  std::uint32_t next_chunk(port_state& state, const order_key& key, bool last);

  bool row_wise_;
  std::uint32_t late_split_ = 0;  ///< behind all that came: for what is made when the input has ended
  std::vector<batch> markers_;
  std::vector<port_state> ports_;
  std::deque<order_key> open_;  ///< taken and not yet settled
};

/// Puts batches back in order: they may come in any order, and leave by (split, sequence, chunk) without gaps.
///
/// It never refuses a batch. What it holds is bounded because the enumerator hands out only splits within a window
/// above the lowest unfinished one.
template <class Item>
class reorder_buffer {
 public:
  void put(const order_key& key, Item item) { held_.emplace(place(key), entry{key, std::move(item)}); }
  /// True where an item with that key would leave at once.
  [[nodiscard]] bool is_next(const order_key& key) const { return place(key) == next_; }
  /// The next item in order, if it is there.
  std::optional<Item> pop() {
    const auto found = held_.find(next_);
    if (found == held_.end()) return std::nullopt;
    const auto key = found->second.key;
    auto item = std::optional<Item>(std::move(found->second.item));
    held_.erase(found);
    if (!key.last_chunk) {
      ++next_.chunk;
    } else if (!key.last_in_split) {
      next_ = place(next_.split, next_.sequence + 1, 0);
    } else {
      next_ = place(next_.split + 1, 0, 0);
    }
    return item;
  }
  [[nodiscard]] std::size_t held() const { return held_.size(); }
  /// Where the last of the held items stands.
  [[nodiscard]] order_key last() const { return std::prev(held_.end())->second.key; }
  /// The place that leaves next, and to go on there.
  [[nodiscard]] order_key next() const {
    order_key key;
    key.split = next_.split;
    key.sequence = next_.sequence;
    key.chunk = next_.chunk;
    return key;
  }
  void go_on(const order_key& key) { next_ = place(key); }
  /// True where the place comes before all that may still leave.
  [[nodiscard]] bool is_behind(const order_key& key) const { return place(key) < next_; }
  /// Forgets all items; gives the sum of `count` over them.
  template <class Count>
  std::uint64_t clear(Count count) {
    std::uint64_t sum = 0;
    for (const auto& [where, waiting] : held_) sum += count(waiting.item);
    held_.clear();
    return sum;
  }

 private:
  struct place {
    place() = default;
    explicit place(const order_key& key) : split(key.split), sequence(key.sequence), chunk(key.chunk) {}
    place(std::uint32_t a, std::uint64_t b, std::uint32_t c) : split(a), sequence(b), chunk(c) {}
    std::uint32_t split = 0;
    std::uint64_t sequence = 0;
    std::uint32_t chunk = 0;
    auto operator<=>(const place&) const = default;
  };
  struct entry {
    order_key key;
    Item item;
  };

  place next_;
  std::multimap<place, entry> held_;
};

}  // namespace sluice::flow
