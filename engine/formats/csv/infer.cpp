#include "engine/formats/csv/infer.hpp"

#include "engine/formats/csv/parse.hpp"
#include "engine/formats/csv/record_index.hpp"
#include "engine/formats/csv/values.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <unordered_map>

namespace sluice::csv {

namespace {

constexpr std::int64_t least_region = 16 * 1024;
constexpr std::int64_t most_region = 1024 * 1024;
constexpr std::int64_t most_of_a_record =
    64 * 1024 * 1024;  // where a region holds no whole record, it grows up to this
constexpr std::size_t padding = 64;

bool all_of_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Digits, point and exponent, or one of the usual names of what is no number.
bool looks_like_number(std::string_view text) {
  for (const auto* name : {"NaN", "nan", "inf", "-inf", "Infinity", "-Infinity"}) {
    if (text == name) return true;
  }
  return text.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
}

/// Adds up what the records of one region say.
class sampler {
 public:
  enum class from { head, tail, all };  ///< all: over head, middle and tail

  sampler(const file_rules& rules, std::size_t fields) : rules_(rules), unquote_(rules.rules), guesses(fields) {}

  /// Takes at most `limit` records of a text that starts one, from `where` in it; `whole`: the text ends where the file
  /// ends.
  std::int64_t take(std::string_view text, bool whole, const std::vector<int>& columns, std::int64_t limit,
                    from where) {
    const auto padded = std::string(padding, '\0') + std::string(text) + std::string(padding * 2, '\0');
    const auto* base = reinterpret_cast<const std::uint8_t*>(padded.data());
    record_index index(rules_.rules, best_simd_level());
    index.reset(padding);
    index.scan(base, padding, static_cast<std::uint32_t>(padding + text.size()), whole);
    const auto records = static_cast<std::int64_t>(index.records());
    records_found = records;
    if (where == from::all && records > limit) {
      const auto each = std::max<std::int64_t>(1, limit / 3);
      return take_records(base, index, columns, 0, each) +
             take_records(base, index, columns, (records - each) / 2, each) +
             take_records(base, index, columns, records - each, each);
    }
    return take_records(base, index, columns, where == from::tail ? std::max<std::int64_t>(0, records - limit) : 0,
                        limit);
  }

 private:
  std::int64_t take_records(const std::uint8_t* base, const record_index& index, const std::vector<int>& columns,
                            std::int64_t record, std::int64_t limit) {
    std::int64_t taken = 0;
    std::size_t first = record == 0 ? 0 : index.record_ends()[record - 1] + 1;
    for (; record < static_cast<std::int64_t>(index.records()) && taken < limit; ++record) {
      const auto last = index.record_ends()[record];
      if (last - first + 1 == columns.size() && !is_comment(base, index, first)) {
        take_record(base, index, first, columns);
        ++taken;
      }
      first = last + 1;
    }
    return taken;
  }

  [[nodiscard]] bool is_comment(const std::uint8_t* base, const record_index& index, std::size_t first) const {
    return rules_.rules.comment &&
           base[index.ends()[static_cast<std::ptrdiff_t>(first) - 1] + 1] == *rules_.rules.comment;
  }

  void take_record(const std::uint8_t* base, const record_index& index, std::size_t first,
                   const std::vector<int>& columns) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto begin = index.ends()[static_cast<std::ptrdiff_t>(first + i) - 1] + 1;
      auto end = index.ends()[first + i];
      if (i + 1 == columns.size() && end > begin && base[end] == '\n' && base[end - 1] == '\r') --end;
      const auto content = unquote_.content(base + begin, base + end);
      // A quoted empty text is null in all types but text, and says nothing about which.
      if (rules_.nulls.is_null(content.text) || content.text.empty()) continue;
      guesses[static_cast<std::size_t>(columns[i])].see(content.text);
    }
  }

  const file_rules& rules_;
  unquoter unquote_;

 public:
  std::int64_t records_found = 0;  ///< in the text taken last, those that are not looked at too
  std::vector<type_guess> guesses;
};

/// Columns of a file in the order of the first file's.
std::vector<int> order_of(const std::vector<std::string>& names, const std::vector<std::string>& wanted) {
  std::unordered_map<std::string_view, int> places;
  for (std::size_t i = 0; i < wanted.size(); ++i) places.emplace(wanted[i], static_cast<int>(i));
  std::vector<int> order;
  for (const auto& name : names) {
    const auto found = places.find(name);
    order.push_back(found == places.end() ? 0 : found->second);
  }
  return order;
}

/// A region from anywhere starts with the rest of a record: it goes. The end of a file is no line end.
std::string_view from_line_start(std::string_view text) {
  const auto line = text.find_first_of("\r\n");
  if (line == std::string_view::npos) return {};
  const bool two = text[line] == '\r' && line + 1 < text.size() && text[line + 1] == '\n';
  return text.substr(line + (two ? 2 : 1));
}

/// Looks at the head of a file that has to be read from its begin, or is as short as that.
result<std::int64_t> sample_head(const input_file& file, const file_layout& layout, const std::vector<int>& columns,
                                 std::int64_t rows, std::int64_t bytes, sampler& into) {
  for (;; bytes *= 4) {
    SLUICE_ASSIGN(const auto text, peek_file(file, layout.data_begin + bytes));
    const bool whole = static_cast<std::int64_t>(text.size()) < layout.data_begin + bytes;
    const auto begin = std::min(text.size(), static_cast<std::size_t>(layout.data_begin));
    const auto taken = into.take(std::string_view(text).substr(begin), whole, columns, rows,
                                 whole ? sampler::from::all : sampler::from::head);
    if (into.records_found > 0 || whole || bytes >= most_of_a_record) return taken;
  }
}

/// Looks at a place of a seekable file; the tail is what ends with the file.
result<std::int64_t> sample_region(const random_file& file, std::int64_t size, const file_layout& layout,
                                   std::int64_t at, const std::vector<int>& columns, std::int64_t rows,
                                   std::int64_t bytes, sampler& into) {
  const bool tail = at + bytes == size;
  for (;; bytes *= 4) {
    if (tail) at = std::max(layout.data_begin, size - bytes);
    std::string text(static_cast<std::size_t>(std::min(bytes, size - at)), '\0');
    SLUICE_ASSIGN(const auto got, file.read_at(at, text.data(), std::ssize(text)));
    const auto part = std::string_view(text).substr(0, static_cast<std::size_t>(got));
    const bool last = at + got == size;
    const auto taken = into.take(at == layout.data_begin ? part : from_line_start(part), last, columns, rows,
                                 last ? sampler::from::tail : sampler::from::head);
    const bool all = got < bytes || (tail ? at == layout.data_begin : last);
    if (into.records_found > 0 || all || bytes >= most_of_a_record) return taken;
  }
}

result<std::int64_t> sample_file(const input_file& file, const file_layout& layout, const std::vector<int>& columns,
                                 std::int64_t rows, sampler& into) {
  // A record has some 8 bytes a field; twice that, so that the wanted number is there.
  const auto guess = rows * static_cast<std::int64_t>(columns.size()) * 16 / 3;
  const auto region = std::clamp(guess, least_region, most_region);
  if (!file.seekable() || file.size - layout.data_begin <= 3 * region)
    return sample_head(file, layout, columns, rows, 3 * region, into);
  SLUICE_ASSIGN(const auto open, random_file::open(file));
  const auto each = std::max<std::int64_t>(1, (rows + 2) / 3);
  std::int64_t taken = 0;
  const auto middle = layout.data_begin + (file.size - layout.data_begin) / 2;
  for (const auto at : {layout.data_begin, middle, file.size - region}) {
    SLUICE_ASSIGN(const auto some, sample_region(*open, file.size, layout, at, columns, each, region, into));
    taken += some;
  }
  return taken;
}

}  // namespace

type_guess::kind type_guess::kind_of(std::string_view value) {
  const auto trimmed = trim_blanks(value);
  if (trimmed.empty()) return text;
  const char first = trimmed[0];
  if ((first >= '0' && first <= '9') || first == '-' || first == '.') {
    const auto digits = first == '-' ? trimmed.substr(1) : trimmed;
    if (has_leading_zero(reinterpret_cast<const std::uint8_t*>(digits.data()), digits.size())) {
      moment when;
      if (!read_moment(value, when)) return text;
    }
    if (all_of_digits(digits)) {
      std::int64_t number = 0;
      return read_integer(trimmed, number) ? whole : text;
    }
  }
  bool truth = false;
  if (trimmed.size() > 3 && trimmed.size() < 6 && read_boolean(trimmed, truth)) return boolean;
  if (looks_like_number(trimmed) && first != '+') {
    double number = 0;
    if (read_double(trimmed, number)) return floating;
  }
  moment when;
  if (!read_moment(trimmed, when)) return text;
  if (when.zoned) return zoned;
  return trimmed.size() == 10 ? date : local;
}

void type_guess::see(std::string_view value) {
  if ((seen_ & text) != 0) return;
  const auto found = kind_of(value);
  seen_ |= found | (found == whole && beyond_double(trim_blanks(value)) ? large : none);
}

std::shared_ptr<arrow::DataType> type_guess::type() const {
  if ((seen_ & large) != 0 && (seen_ & floating) != 0) return arrow::utf8();
  switch (seen_ & ~static_cast<unsigned>(large)) {
    case boolean:
      return arrow::boolean();
    case whole:
      return arrow::int64();
    case floating:
    case whole | floating:
      return arrow::float64();
    case date:
      return arrow::date32();
    case local:
    case date | local:
      return timestamp_type();
    case zoned:
      return timestamptz_type();
    default:
      return arrow::utf8();
  }
}

result<guessed_types> guess_types(const std::vector<input_file>& files, const std::vector<file_layout>& layouts,
                                  const file_rules& rules, std::int64_t rows) {
  guessed_types all;
  const auto& names = layouts.front().names;
  sampler into(rules, names.size());
  const auto each = std::max<std::int64_t>(100, rows / static_cast<std::int64_t>(layouts.size()));
  for (std::size_t i = 0; i < layouts.size(); ++i) {
    SLUICE_ASSIGN(const auto taken, sample_file(files[i], layouts[i], order_of(layouts[i].names, names), each, into));
    all.rows += taken;
  }
  for (const auto& guess : into.guesses) all.types.push_back(guess.type());
  return all;
}

}  // namespace sluice::csv
