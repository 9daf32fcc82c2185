// Included by one file per SIMD level, inside its target pragma; everything here gets that file's own copy.
#pragma once

#include "engine/formats/csv/record_index.hpp"

#include <cstdint>

namespace sluice::csv {

/// Bits of 64 bytes that are the character in question, lowest bit first.
struct block_masks {
  std::uint64_t separator, quote, line_feed, carriage_return;
};

/// Scans whole blocks of 64 bytes. `Block` gives the masks of one and the XOR of all bits up to each.
///
/// Quotes and line ends come too irregularly to be foreseen, and a branch that is guessed wrong costs as much as a
/// third of a block. So every block takes the same way, with or without them; what stands between two blocks is kept in
/// bits.
template <class Block>
struct block_scan {
  static std::uint32_t run(record_index& index, const std::uint8_t* data, std::uint32_t from, std::uint32_t to) {
    Block block(index.rules_);
    block_scan scan(index);
    auto at = from;
    for (; to - at >= 64; at += 64) {
      const auto found = block.masks(data + at);
      // A CR before a LF is part of that line end; one at the block's end looks at the byte behind.
      const bool line_feed_next = at + 64 < to && data[at + 64] == '\n';
      const auto alone =
          found.carriage_return & ~((found.line_feed >> 1) | (std::uint64_t{line_feed_next ? 1U : 0U} << 63));
      if (scan.take(found, at, alone)) continue;
      scan.put_back(index);
      index.saw_quote_ = true;
      index.scan_bytes(data, at, at + 64, to);
      scan = block_scan(index);
    }
    scan.put_back(index);
    index.saw_high_ |= block.saw_high();
    return at;
  }

 private:
  explicit block_scan(record_index& index)
      : inside_(index.state_ == scan_state::quoted ? ~std::uint64_t{0} : 0),
        behind_quote_(index.state_ == scan_state::quote_seen ? 1 : 0),
        line_ended_(index.state_ == scan_state::record_start ? 1 : 0),
        may_open_(behind_quote_ | line_ended_ | (index.state_ == scan_state::field_start ? 1 : 0)),
        ends_(index.ends_.data()),
        fields_(index.ends_.size),
        records_(index.records_.data()),
        lines_(index.records_.size) {}

  void put_back(record_index& index) const {
    index.ends_.size = fields_;
    index.records_.size = lines_;
    index.saw_quote_ |= opened_ != 0;
    index.saw_carriage_return_ |= carriage_returns_ != 0;
    if (inside_ != 0) {
      index.state_ = scan_state::quoted;
    } else if (behind_quote_ != 0) {
      index.state_ = scan_state::quote_seen;
    } else if (line_ended_ != 0) {
      index.state_ = scan_state::record_start;
    } else {
      index.state_ = may_open_ != 0 ? scan_state::field_start : scan_state::unquoted;
    }
  }

  /// Takes one block; `alone` are CRs without a LF. False, and nothing changed, where a quote stands in an odd place.
  bool take(const block_masks& found, std::uint32_t at, std::uint64_t alone) {
    const auto inside = Block::prefix_xor(found.quote) ^ inside_;  // from an opening quote up to before its closing one
    const auto opening = found.quote & inside;
    const auto closing = found.quote & ~inside;
    const auto line_bytes = (found.line_feed | found.carriage_return) & ~inside;
    const auto delimiters = (found.separator & ~inside) | line_bytes;
    const auto may_follow = ((delimiters | closing) << 1) | may_open_;
    const auto behind_closing = (closing << 1) | behind_quote_;
    if (((opening & ~may_follow) | (behind_closing & ~(delimiters | opening))) != 0) return false;
    opened_ |= opening;
    carriage_returns_ |= found.carriage_return;
    inside_ = static_cast<std::uint64_t>(static_cast<std::int64_t>(inside) >> 63);
    behind_quote_ = closing >> 63;
    line_ended_ = line_bytes >> 63;
    may_open_ = (delimiters | closing) >> 63;
    const auto lines = (found.line_feed | alone) & ~inside;
    emit(at, (found.separator & ~inside) | lines, lines);
    return true;
  }

  void emit(std::uint32_t at, std::uint64_t fields, std::uint64_t lines) {
    const auto before = static_cast<std::uint32_t>(fields_ - 1);
    const auto number = [&](std::uint64_t left) {
      return before + static_cast<std::uint32_t>(__builtin_popcountll(fields & ((left & -left) - 1)));
    };
    // The first line end is written in any case and counts where there is one.
    records_[lines_] = number(lines);
    lines_ += lines != 0 ? 1 : 0;
    for (auto left = lines & (lines - 1); left != 0; left &= left - 1) records_[lines_++] = number(left);
    const auto count = __builtin_popcountll(fields);
    Block::write_positions(ends_ + fields_, at, fields, count);
    fields_ += static_cast<std::size_t>(count);
  }

  // Between two blocks: all bits or none, then one bit each.
  std::uint64_t inside_;        ///< a quoted field
  std::uint64_t behind_quote_;  ///< the byte before was a quote that may have closed a field
  std::uint64_t line_ended_;    ///< it was the end of a line
  std::uint64_t may_open_;      ///< a quote would open a field here
  std::uint64_t opened_ = 0;    ///< any quotes that opened fields
  std::uint64_t carriage_returns_ = 0;
  std::uint32_t* ends_;
  std::size_t fields_;
  std::uint32_t* records_;
  std::size_t lines_;
};

/// Writes the positions of set bits eight at a time, some of them in vain, because a branch for each would cost more.
/// Static, so that each SIMD level keeps its own copy.
static inline void write_positions_by_eight(std::uint32_t* out, std::uint32_t at, std::uint64_t bits, int count) {
  for (int done = 0; done < count; done += 8) {
    for (int i = 0; i < 8; ++i) {
      out[done + i] = at + static_cast<std::uint32_t>(__builtin_ctzll(bits | (std::uint64_t{1} << 63)));
      bits &= bits - 1;
    }
  }
}

}  // namespace sluice::csv
