#include "engine/formats/csv/infer.hpp"

#include "engine/formats/csv/record_index.hpp"
#include "engine/formats/csv/runaway.hpp"
#include "engine/values/utf8.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <unordered_map>

namespace sluice::csv {

namespace {

constexpr std::int64_t least_region = 16 * 1024;
constexpr std::int64_t most_region = 1024 * 1024;
constexpr std::int64_t most_of_a_record =
    16 * 1024 * 1024;  // where a region holds no whole record, it grows up to this
constexpr std::size_t padding = 64;
/// One line of a long text may look like a record by chance.
constexpr std::uint64_t least_within = 2;

/// Adds up what the records of one region say.
class sampler {
 public:
  enum class from { head, tail, all };  ///< all: over head, middle and tail

  sampler(const file_rules& rules, std::size_t fields) : rules_(rules), unquote_(rules.rules), guesses(fields) {}

  /// Takes at most `limit` records of a text that starts one, from `where` in it; `whole`: the text ends where the file
  /// ends.
  /// `at`: where the text begins in the file.
  std::int64_t take(std::string_view text, std::int64_t at, bool whole, const std::vector<int>& columns,
                    std::int64_t limit, from where) {
    const auto padded = std::string(padding, '\0') + std::string(text) + std::string(padding * 2, '\0');
    const auto* base = reinterpret_cast<const std::uint8_t*>(padded.data());
    record_index index(rules_.rules, best_simd_level());
    index.reset(padding);
    index.scan(base, padding, static_cast<std::uint32_t>(padding + text.size()), whole);
    offset_ = at - static_cast<std::int64_t>(padding);
    const auto end = std::min<std::size_t>(index.next_record() - padding, text.size());
    utf8 = utf8 && is_utf8(text.substr(0, end));
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
      } else if (last > first || !is_empty(base, index, first)) {
        ++other_width;
      }
      first = last + 1;
    }
    return taken;
  }

  /// An empty line, or a comment: no record.
  [[nodiscard]] bool is_empty(const std::uint8_t* base, const record_index& index, std::size_t first) const {
    const auto begin = index.ends()[static_cast<std::ptrdiff_t>(first) - 1] + 1;
    return begin >= index.ends()[first] || base[begin] == '\r' || is_comment(base, index, first);
  }

  [[nodiscard]] bool is_comment(const std::uint8_t* base, const record_index& index, std::size_t first) const {
    return rules_.rules.comment &&
           base[index.ends()[static_cast<std::ptrdiff_t>(first) - 1] + 1] == *rules_.rules.comment;
  }

  void take_record(const std::uint8_t* base, const record_index& index, std::size_t first,
                   const std::vector<int>& columns) {
    const auto record = offset_ + index.ends()[static_cast<std::ptrdiff_t>(first) - 1] + 1;
    look_within(base, index, first, columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto begin = index.ends()[static_cast<std::ptrdiff_t>(first + i) - 1] + (i == 0 ? 1 : rules_.rules.step());
      auto end = index.ends()[first + i];
      if (i + 1 == columns.size() && end > begin && base[end] == '\n' && base[end - 1] == '\r') --end;
      const auto content = unquote_.content(base + begin, base + end);
      // A quoted null text is null in all types but text, and says nothing about which.
      if (rules_.nulls.is_null(content.text)) continue;
      guesses[static_cast<std::size_t>(columns[i])].see(content.text, file, record);
    }
  }

  /// A quote that stands in a text may find another one lines behind that closes it, and the whole is a record.
  void look_within(const std::uint8_t* base, const record_index& index, std::size_t first, std::size_t fields) {
    if (swallowed || fields < 2) return;
    const auto begin = index.ends()[static_cast<std::ptrdiff_t>(first) - 1] + 1;
    const std::string_view record(reinterpret_cast<const char*>(base + begin),
                                  index.ends()[first + fields - 1] - begin);
    const auto within = records_within(record, rules_.rules, fields);
    if (within >= least_within) swallowed = many_lines{.file = file, .offset = offset_ + begin, .within = within};
  }

  const file_rules& rules_;
  unquoter unquote_;
  std::int64_t offset_ = 0;  ///< of the scanned bytes in the file

 public:
  std::size_t file = 0;            ///< whose records are taken
  std::int64_t records_found = 0;  ///< in the text taken last, those that are not looked at too
  std::int64_t other_width = 0;    // of all texts
  bool utf8 = true;
  std::optional<many_lines> swallowed;
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
    const auto taken = into.take(std::string_view(text).substr(begin), static_cast<std::int64_t>(begin), whole, columns,
                                 rows, whole ? sampler::from::all : sampler::from::head);
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
    const auto lines = at == layout.data_begin ? part : from_line_start(part);
    const auto skipped = static_cast<std::int64_t>(part.size() - lines.size());
    const auto taken =
        into.take(lines, at + skipped, last, columns, rows, last ? sampler::from::tail : sampler::from::head);
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

result<guessed_types> guess_types(const std::vector<input_file>& files, const std::vector<file_layout>& layouts,
                                  const file_rules& rules, std::int64_t rows) {
  guessed_types all;
  const auto& names = layouts.front().names;
  sampler into(rules, names.size());
  const auto each = std::max<std::int64_t>(100, rows / static_cast<std::int64_t>(layouts.size()));
  for (std::size_t i = 0; i < layouts.size(); ++i) {
    into.file = i;
    SLUICE_ASSIGN(const auto taken, sample_file(files[i], layouts[i], order_of(layouts[i].names, names), each, into));
    all.rows += taken;
  }
  all.other_width = into.other_width;
  all.utf8 = into.utf8;
  all.swallowed = into.swallowed;
  for (const auto& guess : into.guesses) {
    all.types.push_back(guess.type());
    all.reasons.push_back(guess.why_text());
  }
  return all;
}

}  // namespace sluice::csv
