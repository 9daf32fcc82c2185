#include "engine/formats/csv/column_base.hpp"

#include "engine/columns/typed/read_marked.hpp"
#include "engine/columns/typed/read_value.hpp"
#include "engine/values/utf8.hpp"

#include <emmintrin.h>

#include <algorithm>
#include <cstring>

namespace sluice::csv {

namespace {

constexpr std::int64_t slack = 64;  // copies go 16 bytes at a time and may write beyond a value

/// Copies `size` bytes in steps of 16, reading and writing up to 32 bytes too many.
inline void copy_bytes(std::uint8_t* to, const std::uint8_t* from, std::size_t size) {
  const auto copy16 = [](std::uint8_t* target, const std::uint8_t* source) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(target), _mm_loadu_si128(reinterpret_cast<const __m128i*>(source)));
  };
  copy16(to, from);
  copy16(to + 16, from + 16);
  if (size > 32) {
    if (size > 256) {
      std::memcpy(to + 32, from + 32, size - 32);
    } else {
      for (std::size_t at = 32; at < size; at += 16) copy16(to + at, from + at);
    }
  }
}

/// Copies like copy_bytes unless a byte is `unwanted`: then false, and what it wrote means nothing.
inline bool copy_without(std::uint8_t* to, const std::uint8_t* from, std::size_t size, std::uint8_t unwanted) {
  const auto wanted = _mm_set1_epi8(static_cast<char>(unwanted));
  for (std::size_t at = 0; at < size; at += 16) {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at), bytes);
    auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted)));
    if (size - at < 16) found &= (1U << (size - at)) - 1;
    if (found != 0) return false;
  }
  return true;
}

/// Whether a byte is among `size`; reads up to 15 bytes too many.
inline bool holds(const std::uint8_t* from, std::size_t size, std::uint8_t unwanted) {
  const auto wanted = _mm_set1_epi8(static_cast<char>(unwanted));
  for (std::size_t at = 0; at < size; at += 16) {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at));
    auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted)));
    if (size - at < 16) found &= (1U << (size - at)) - 1;
    if (found != 0) return true;
  }
  return false;
}

/// Fills columns of text, byte for byte, and bytea.
class text_builder final : public builder_base {
 public:
  text_builder(builder_request what, typed::column into)
      : builder_base(std::move(what), std::move(into)),
        binary_(into_.kind == typed::value_kind::bytea),
        marked_(into_.kind == typed::value_kind::marked) {}

  status start(std::int64_t rows) override {
    forget();
    (void)into_.offsets.room(rows * 4);
    return {};
  }

  status append(const record_block& in) override {
    const bool trim = trims(in);
    std::int64_t bytes = 0;
    for (std::int64_t i = 0; i < in.rows; ++i) {
      const auto* end = in.ends + in.first[i] + what_.field;
      bytes += static_cast<std::uint32_t>(end[0] - end[-1]);
    }
    // A uuid may be written with fewer bytes than it has here.
    if (marked_) bytes += in.rows * 8;
    SLUICE_TRY(make_room(bytes));
    const auto from_row = into_.length;
    const auto from_byte = into_.values.size();
    if (escapes_ || binary_ || marked_) {
      append_carefully(in, trim);
    } else if (trim) {
      in.quotes ? append_fast<true, true>(in) : append_fast<true, false>(in);
    } else {
      in.quotes ? append_fast<false, true>(in) : append_fast<false, false>(in);
    }
    if (in.high && !binary_) check_utf8(from_row, from_byte);
    return {};
  }

  // Bytea has values that are none.
  [[nodiscard]] bool converts_all() const override { return binary_ || marked_; }

  bool fits(const record_block& in) override {
    if (!in.quotes && !escapes_) return true;
    const bool trim = trims(in);
    for (std::int64_t i = 0; i < in.rows; ++i) {
      const auto text = field(in, i, trim);
      if (!escapes_) {
        if (text.size() == 0 || *text.begin != quote_) continue;
        if (text.size() > 1 && text.end[-1] == quote_ && !holds(text.begin + 1, text.size() - 2, quote_)) continue;
      }
      if (unquote_.content(text.begin, text.end).broken) return false;
    }
    return true;
  }

 private:
  status make_room(std::int64_t bytes) {
    if (into_.values.size() + bytes + slack > std::int64_t{0x7FFFFFFF})
      return user_error("value_too_large", "the text of column " + what_.plan.name + " exceeds 2 GiB in one batch",
                        "look for a quote that is never closed");
    (void)into_.values.room(bytes + slack);
    return {};
  }

  /// Ends a block of rows whose values end at `used` and whose offsets are written.
  void advance(std::int64_t rows, const std::int32_t* offsets, std::int64_t used) {
    into_.offsets.advance_to(reinterpret_cast<const std::uint8_t*>(offsets + rows));
    into_.values.advance_to(into_.values.data() + used);
    into_.length += rows;
  }
  std::int32_t* next_offsets(std::int64_t rows) {
    return reinterpret_cast<std::int32_t*>(into_.offsets.room(rows * 4));
  }

  template <bool Trim, bool Quotes>
  void append_fast(const record_block& in) {
    auto* const values = into_.values.data();
    auto* const offsets = next_offsets(in.rows);
    const auto row = into_.length;
    auto used = into_.values.size();
    for (std::int64_t i = 0; i < in.rows; ++i) {
      const auto text = field(in, i, Trim);
      const auto size = text.size();
      if (Quotes && size > 0 && *text.begin == quote_) {
        if (size > 1 && text.end[-1] == quote_ && copy_without(values + used, text.begin + 1, size - 2, quote_)) {
          used += static_cast<std::int64_t>(size - 2);
        } else {
          used += add_odd(row + i, text, values + used);
        }
      } else if (what_.nulls.is_null({reinterpret_cast<const char*>(text.begin), size})) {
        add_null(row + i);
      } else {
        copy_bytes(values + used, text.begin, size);
        used += static_cast<std::int64_t>(size);
      }
      offsets[i] = static_cast<std::int32_t>(used);
    }
    advance(in.rows, offsets, used);
  }

  void append_carefully(const record_block& in, bool trim) {
    auto* const values = into_.values.data();
    auto* const offsets = next_offsets(in.rows);
    auto used = into_.values.size();
    for (std::int64_t i = 0; i < in.rows; ++i) {
      used += add_odd(into_.length + i, field(in, i, trim), values + used);
      offsets[i] = static_cast<std::int32_t>(used);
    }
    advance(in.rows, offsets, used);
  }

  /// Adds a value of any form; returns its bytes.
  [[gnu::noinline]] std::int64_t add_odd(std::int64_t row, span raw, std::uint8_t* out) {
    const auto content = unquote_.content(raw.begin, raw.end);
    auto text = content.text;
    if (content.broken) {
      add_fault(row, fault::invalid_quotes, {reinterpret_cast<const char*>(raw.begin), raw.size()});
      return 0;
    }
    if (!content.quoted && what_.nulls.is_null(text)) {
      add_null(row);
      return 0;
    }
    if (binary_ && text.substr(0, 2) == "\\x") {
      if (!typed::read_bytea(text, bytes_)) {
        add_fault(row, fault::invalid_value, text);
        return 0;
      }
      text = bytes_;
    }
    if (marked_) {
      if (!typed::read_marked(text, *into_.type, bytes_)) {
        add_fault(row, fault::invalid_value, text);
        return 0;
      }
      text = bytes_;
    }
    // Unescaped content lies in a buffer without room behind it.
    std::memcpy(out, text.data(), text.size());
    return static_cast<std::int64_t>(text.size());
  }

  /// Text that is valid in one piece, and no value of which starts inside a character, is valid value by value.
  void check_utf8(std::int64_t from_row, std::int64_t from_byte) {
    auto* const values = into_.values.data();
    const auto* const offsets = reinterpret_cast<const std::int32_t*>(into_.offsets.data());
    const auto rows = into_.length;
    const auto used = into_.values.size();
    const auto* text = reinterpret_cast<const char*>(values);
    bool valid = is_utf8({text + from_byte, static_cast<std::size_t>(used - from_byte)});
    values[used] = 0;
    for (auto row = from_row; row < rows; ++row) valid = valid && (values[offsets[row]] & 0xC0U) != 0x80;
    if (valid) return;
    for (auto row = from_row; row < rows; ++row) {
      const auto begin = offsets[row];
      const auto size = static_cast<std::size_t>(offsets[row + 1] - begin);
      if (is_utf8({text + begin, size})) continue;
      add_fault(row, fault::invalid_utf8, {text + begin, size});
      std::memset(values + begin, '?', size);  // the row goes, or the value is null
    }
    std::sort(faults.begin(), faults.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
    std::sort(into_.nulls.begin(), into_.nulls.end());
  }

  bool binary_;
  bool marked_;
  std::string bytes_;
};

}  // namespace

std::unique_ptr<column_builder> make_text_builder(builder_request what, typed::column into) {
  return std::make_unique<text_builder>(std::move(what), std::move(into));
}

}  // namespace sluice::csv
