#pragma once

#include "engine/formats/csv/dialect.hpp"
#include "engine/values/simd_level.hpp"

#include <cstdint>
#include <memory>

namespace sluice::csv {

/// Where a scan stands between two bytes.
enum class scan_state : std::uint8_t {
  record_start,
  field_start,
  unquoted,
  quoted,
  quote_seen,      ///< a quote inside quotes: the end of the field, or the first of two
  escaped,         ///< behind an escape outside quotes
  escaped_quoted,  ///< and inside
  comment,
};

/// Grows without giving its elements values; SIMD code writes behind its end.
class index_array {
 public:
  void reserve(std::size_t count);
  std::uint32_t* data() { return values_.get(); }
  const std::uint32_t* data() const { return values_.get(); }
  std::uint32_t operator[](std::size_t i) const { return values_[i]; }

  std::size_t size = 0;

 private:
  std::unique_ptr<std::uint32_t[]> values_;
  std::size_t capacity_ = 0;
};

/// Finds the ends of fields and records: commas and line ends outside quotes.
///
/// A quote opens a quoted field only as its first byte; elsewhere outside quotes it is a character like any other. What
/// follows the closing quote up to the separator is left to the conversion, which refuses it. Line ends are LF, CRLF
/// and a CR alone. Blocks of 64 bytes go through SIMD; a block with quotes in odd places goes byte by byte.
class record_index {
 public:
  record_index(const dialect& rules, simd_level level);

  /// Forgets everything; the next scan starts a record at `begin`.
  void reset(std::uint32_t begin);
  /// Forgets what was found but not where the scan stands: for those who only look for ends of records.
  void forget();
  /// Scans data[from, to), which follows what was scanned before. data[to] must be readable, and `last` says that no
  /// byte follows: it ends the last record. Returns how far it came: a CR at the end waits for the byte behind it.
  /// 64 bytes before `from` and behind `to` must be readable.
  std::uint32_t scan(const std::uint8_t* data, std::uint32_t from, std::uint32_t to, bool last);

  /// Ends of all fields: ends()[-1] is the byte before the first record, so that a field is (ends[i - 1], ends[i]).
  /// The end of a record's last field is at its LF or CR; before a LF a CR may belong to the line end.
  [[nodiscard]] const std::uint32_t* ends() const { return ends_.data() + 1; }
  [[nodiscard]] std::size_t fields() const { return ends_.size - 1; }
  /// For each record the index of its last field.
  [[nodiscard]] const std::uint32_t* record_ends() const { return records_.data(); }
  [[nodiscard]] std::size_t records() const { return records_.size; }
  /// Where the record after the last complete one starts.
  [[nodiscard]] std::uint32_t next_record() const {
    return records_.size == 0 ? begin_ : ends()[records_[records_.size - 1]] + 1;
  }

  [[nodiscard]] bool saw_quote() const { return saw_quote_; }
  [[nodiscard]] bool saw_carriage_return() const { return saw_carriage_return_; }
  /// True where a byte above 127 was seen.
  [[nodiscard]] bool saw_high() const { return saw_high_; }
  [[nodiscard]] scan_state state() const { return state_; }
  /// True where a quote was opened and not closed yet; at the end of the content it never will be.
  [[nodiscard]] bool in_quotes() const {
    return state_ == scan_state::quoted || state_ == scan_state::escaped_quoted || ended_in_quotes_;
  }

 private:
  template <class Block>
  friend struct block_scan;
  using scan_function = std::uint32_t (*)(record_index&, const std::uint8_t*, std::uint32_t, std::uint32_t);
  static std::uint32_t scan_sse2(record_index&, const std::uint8_t*, std::uint32_t, std::uint32_t);
  static std::uint32_t scan_avx2(record_index&, const std::uint8_t*, std::uint32_t, std::uint32_t);
  static std::uint32_t scan_avx512(record_index&, const std::uint8_t*, std::uint32_t, std::uint32_t);

  /// `limit` is the end of the readable bytes: a CR looks at the one behind it, a separator at its rest. Returns how
  /// far it came, which may be behind `to` where a separator goes on there.
  std::uint32_t scan_bytes(const std::uint8_t* data, std::uint32_t from, std::uint32_t to, std::uint32_t limit);
  void add_field(std::uint32_t at) { ends_.data()[ends_.size++] = at; }
  void add_record(std::uint32_t at) {
    records_.data()[records_.size++] = static_cast<std::uint32_t>(ends_.size - 1);
    add_field(at);
  }

  dialect rules_;
  scan_function blocks_ = nullptr;  ///< null: byte by byte
  index_array ends_;                ///< one in front for the byte before the first record
  index_array records_;
  std::uint32_t begin_ = 0;
  scan_state state_ = scan_state::record_start;
  bool ended_in_quotes_ = false;
  bool saw_quote_ = false;
  bool saw_carriage_return_ = false;
  bool saw_high_ = false;
};

}  // namespace sluice::csv
