#include "engine/formats/csv/record_index.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::csv {

void index_array::reserve(std::size_t count) {
  if (count <= capacity_) return;
  capacity_ = std::max(count, capacity_ * 2);
  auto grown = std::make_unique_for_overwrite<std::uint32_t[]>(capacity_);
  if (size > 0) std::memcpy(grown.get(), values_.get(), size * sizeof(std::uint32_t));
  values_ = std::move(grown);
}

record_index::record_index(const dialect& rules, simd_level level) : rules_(rules) {
  // Escapes, comments and long separators make a byte's meaning depend on others in ways that the masks don't know.
  if (!rules.escape && !rules.comment && rules.separator_rest.empty()) {
    switch (std::min(level, supported_simd_level())) {
      case simd_level::scalar:
        break;
      case simd_level::sse2:
        blocks_ = scan_sse2;
        break;
      case simd_level::avx2:
        blocks_ = scan_avx2;
        break;
      case simd_level::avx512:
        blocks_ = scan_avx512;
        break;
    }
  }
  reset(0);
}

void record_index::reset(std::uint32_t begin) {
  ends_.size = 0;
  ends_.reserve(64);
  add_field(begin - 1);
  records_.size = 0;
  begin_ = begin;
  state_ = scan_state::record_start;
  ended_in_quotes_ = false;
  saw_quote_ = saw_carriage_return_ = saw_high_ = false;
}

void record_index::forget() {
  ends_.size = 1;
  records_.size = 0;
  begin_ = 0;
}

std::uint32_t record_index::scan(const std::uint8_t* data, std::uint32_t from, std::uint32_t to, bool last) {
  const auto limit = to;
  if (!last) {
    // What may be the begin of a separator or line end waits for what is behind it.
    to -= std::min(static_cast<std::uint32_t>(rules_.separator_rest.size()), to - from);
    if (to > from && data[to - 1] == '\r') --to;
  }
  if (to > from) {
    // Every byte may end a field; pages that are never written cost nothing.
    ends_.reserve(ends_.size + (to - from) + 128);
    records_.reserve(records_.size + (to - from) + 128);
  }
  if (blocks_ != nullptr && to - from >= 64) from = blocks_(*this, data, from, to);
  to = scan_bytes(data, from, to, blocks_ != nullptr ? to : limit);
  if (last && to > next_record() && state_ != scan_state::record_start) {
    ends_.reserve(ends_.size + 1);
    records_.reserve(records_.size + 1);
    add_record(to);
    ended_in_quotes_ = in_quotes();
    state_ = scan_state::record_start;
  }
  return to;
}

std::uint32_t record_index::scan_bytes(const std::uint8_t* data, std::uint32_t from, std::uint32_t to,
                                       std::uint32_t limit) {
  const int separator = rules_.separator;
  const int quote = rules_.quote ? *rules_.quote : -1;
  const int escape = rules_.escape ? *rules_.escape : -1;
  const int comment = rules_.comment ? *rules_.comment : -1;
  const auto& rest = rules_.separator_rest;
  const auto separates = [&](std::uint32_t at) {
    return rest.empty() || (at + rest.size() < limit && std::memcmp(data + at + 1, rest.data(), rest.size()) == 0);
  };
  auto state = state_;
  auto at = from;
  for (; at < to; ++at) {
    const int c = data[at];
    saw_high_ |= c > 127;
    switch (state) {
      case scan_state::escaped:
        state = scan_state::unquoted;
        continue;
      case scan_state::escaped_quoted:
        state = scan_state::quoted;
        continue;
      case scan_state::quoted:
        if (c == quote) {
          state = scan_state::quote_seen;
        } else if (c == escape) {
          state = scan_state::escaped_quoted;
        }
        continue;
      case scan_state::quote_seen:
        if (c == quote) {
          state = scan_state::quoted;
          continue;
        }
        state = scan_state::unquoted;
        break;
      case scan_state::record_start:
        if (c == comment) {
          state = scan_state::comment;
          continue;
        }
        [[fallthrough]];
      case scan_state::field_start:
        if (c == quote) {
          state = scan_state::quoted;
          saw_quote_ = true;
          continue;
        }
        state = scan_state::unquoted;
        break;
      case scan_state::unquoted:
      case scan_state::comment:
        break;
    }
    const bool in_comment = state == scan_state::comment;
    if (c == '\n') {
      add_record(at);
      state = scan_state::record_start;
    } else if (c == '\r') {
      saw_carriage_return_ = true;
      if (at + 1 < limit && data[at + 1] == '\n') {
        state = in_comment ? scan_state::comment : scan_state::record_start;
      } else {
        add_record(at);
        state = scan_state::record_start;
      }
    } else if (in_comment) {
      continue;
    } else if (c == separator && separates(at)) {
      add_field(at);
      at += static_cast<std::uint32_t>(rest.size());
      state = scan_state::field_start;
    } else if (c == escape) {
      state = scan_state::escaped;
    }
  }
  state_ = state;
  return at;
}

}  // namespace sluice::csv
