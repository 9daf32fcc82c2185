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
template <class Block>
struct block_scan {
  static std::uint32_t run(record_index& index, const std::uint8_t* data, std::uint32_t from, std::uint32_t to) {
    Block block(index.rules_);
    auto at = from;
    for (; to - at >= 64; at += 64) {
      auto masks = block.masks(data + at);
      // A CR before a LF is part of that line end; one at the block's end looks at the byte behind.
      auto carriage_return = masks.carriage_return;
      if (carriage_return != 0) {
        index.saw_carriage_return_ = true;
        const auto line_feed_behind =
            (masks.line_feed >> 1) | (at + 64 < to && data[at + 64] == '\n' ? std::uint64_t{1} << 63 : 0);
        masks.carriage_return &= ~line_feed_behind;
      }
      auto lines = masks.line_feed | masks.carriage_return;
      auto fields = masks.separator | lines;
      const auto delimiters = masks.separator | masks.line_feed | carriage_return;
      if (masks.quote == 0 && index.state_ != scan_state::quoted && index.state_ != scan_state::quote_seen) {
        emit(index, at, fields, lines);
        index.state_ = after(delimiters, masks.line_feed | carriage_return);
        continue;
      }
      if (!quoted_block(index, masks, delimiters, fields, lines)) {
        index.saw_quote_ = true;
        index.scan_bytes(data, at, at + 64, to);
        continue;
      }
      emit(index, at, fields, lines);
    }
    index.saw_high_ |= block.saw_high();
    return at;
  }

 private:
  static scan_state after(std::uint64_t delimiters, std::uint64_t lines) {
    if ((delimiters >> 63) == 0) return scan_state::unquoted;
    return (lines >> 63) != 0 ? scan_state::record_start : scan_state::field_start;
  }

  /// Takes what lies inside quotes out of the masks. False, and nothing changed, where a quote stands in an odd place.
  static bool quoted_block(record_index& index, const block_masks& masks, std::uint64_t delimiters,
                           std::uint64_t& fields, std::uint64_t& lines) {
    const auto state = index.state_;
    const std::uint64_t before = state == scan_state::quoted ? ~std::uint64_t{0} : 0;
    const auto inside = Block::prefix_xor(masks.quote) ^ before;  // from an opening quote up to before its closing one
    const auto opening = masks.quote & inside;
    const auto closing = masks.quote & ~inside;
    const auto outside_delimiters = delimiters & ~inside;
    const bool may_open =
        state == scan_state::record_start || state == scan_state::field_start || state == scan_state::quote_seen;
    const auto may_follow = ((outside_delimiters | closing) << 1) | (may_open ? 1U : 0U);
    const auto behind_closing = (closing << 1) | (state == scan_state::quote_seen ? 1U : 0U);
    if ((opening & ~may_follow) != 0 || (behind_closing & ~(outside_delimiters | opening)) != 0) return false;
    index.saw_quote_ |= opening != 0;
    fields &= ~inside;
    lines &= ~inside;
    if ((inside >> 63) != 0) {
      index.state_ = scan_state::quoted;
    } else if ((closing >> 63) != 0) {
      index.state_ = scan_state::quote_seen;
    } else {
      index.state_ = after(outside_delimiters,
                           (masks.line_feed | masks.carriage_return | delimiters) & ~masks.separator & ~inside);
    }
    return true;
  }

  static void emit(record_index& index, std::uint32_t at, std::uint64_t fields, std::uint64_t lines) {
    auto* out = index.ends_.data() + index.ends_.size;
    const auto count = __builtin_popcountll(fields);
    const auto before = static_cast<std::uint32_t>(index.ends_.size - 1);
    auto* records = index.records_.data() + index.records_.size;
    index.records_.size += static_cast<std::size_t>(__builtin_popcountll(lines));
    for (; lines != 0; lines &= lines - 1)
      *records++ = before + static_cast<std::uint32_t>(__builtin_popcountll(fields & ((lines & -lines) - 1)));
    Block::write_positions(out, at, fields, count);
    index.ends_.size += static_cast<std::size_t>(count);
  }
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
