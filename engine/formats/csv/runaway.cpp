#include "engine/formats/csv/runaway.hpp"

#include "engine/files/line_counter.hpp"

#include <algorithm>
#include <vector>

namespace sluice::csv {

namespace {

constexpr std::int64_t block_bytes = 512 * 1024;
constexpr std::int64_t padding = 64;

/// Follows one record through blocks: where its last field begins, and how many lines that spans.
class extent_search {
 public:
  extent_search(const dialect& rules, std::int64_t record) : rules_(rules), index_(rules, best_simd_level()) {
    index_.reset(0);
    found_.begin = found_.quote = found_.end = record;
  }

  /// Takes bytes that follow those before; `base` is the offset of data[0]. True where the record has ended.
  bool take(const std::uint8_t* data, std::uint32_t size, std::int64_t base, bool last, std::uint32_t& scanned) {
    index_.forget();
    scanned = index_.scan(data, 0, size, last);
    const bool ended = index_.records() > 0;
    // The end of content ends the open field as well.
    const auto fields = ended ? index_.record_ends()[0] : index_.fields();
    if (fields > 0) {
      found_.quote = base + index_.ends()[fields - 1] + rules_.step();
      found_.field += fields;
      lines_ = line_ends(line_break::any);
    }
    const auto stop = ended ? std::min(index_.ends()[index_.record_ends()[0]] + 1, size) : scanned;
    const auto begin = static_cast<std::uint32_t>(std::clamp<std::int64_t>(found_.quote - base, 0, stop));
    lines_.add(data + begin, stop - begin);
    found_.end = base + stop;
    if (stop > 0) ends_line_ = data[stop - 1] == '\n' || data[stop - 1] == '\r';
    found_.open = index_.in_quotes() && index_.records() < (last ? 2U : 1U);
    return ended || last;
  }

  [[nodiscard]] record_extent found() const {
    auto made = found_;
    made.lines = lines_.count();
    if (ends_line_ && made.lines > 0) --made.lines;
    return made;
  }

 private:
  const dialect& rules_;
  record_index index_;
  record_extent found_;
  line_ends lines_{line_break::any};
  bool ends_line_ = false;
};

std::string with_unit(std::uint64_t count, const char* one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

/// "field 3 (city)"
std::string field_name(std::size_t field, const read_plan& plan) {
  auto text = "field " + std::to_string(field + 1);
  for (std::size_t i = 0; i < plan.columns.size(); ++i)
    if (static_cast<std::size_t>(plan.field_of[i]) == field) return text + " (" + plan.columns[i].name + ")";
  return text;
}

std::string place_of(std::int64_t offset, const split& piece, const reader_questions& ask) {
  const auto line = ask.line_of ? ask.line_of(static_cast<std::uint64_t>(offset - piece.begin)) : 0;
  return piece.object + (line > 0 ? " line " + std::to_string(line) : " byte " + std::to_string(offset));
}

}  // namespace

result<record_extent> find_extent(const fetch& from, const dialect& rules, std::int64_t record) {
  extent_search search(rules, record);
  std::vector<std::uint8_t> buffer(static_cast<std::size_t>(block_bytes + 2 * padding));
  auto* const data = buffer.data() + padding;
  std::int64_t kept = 0;  // what waits for the bytes behind it
  for (auto at = record;;) {
    SLUICE_ASSIGN(const auto got, from(at + kept, data + kept, block_bytes - kept));
    const bool last = got < block_bytes - kept;
    const auto size = static_cast<std::uint32_t>(kept + got);
    std::fill_n(data + size, padding, std::uint8_t{0});
    std::uint32_t scanned = 0;
    if (search.take(data, size, at, last, scanned)) return search.found();
    kept = size - std::min(scanned, size);
    std::copy_n(data + scanned, kept, data);
    at += scanned;
  }
}

record_extent extent_of(std::string_view bytes, const dialect& rules, std::int64_t record) {
  const fetch from = [&](std::int64_t at, std::uint8_t* into, std::int64_t size) -> result<std::int64_t> {
    const auto rest = bytes.substr(std::min(bytes.size(), static_cast<std::size_t>(at - record)));
    const auto some = std::min<std::int64_t>(size, static_cast<std::int64_t>(rest.size()));
    std::copy_n(rest.data(), some, into);
    return some;
  };
  return std::move(find_extent(from, rules, record)).value();
}

error runaway_record(const record_extent& what, const read_plan& plan, const split& piece,
                     const reader_questions& ask) {
  const auto bytes = static_cast<std::uint64_t>(what.end - what.quote);
  error problem;
  if (what.open) {
    const auto place = place_of(what.quote, piece, ask);
    problem = user_error(
        "unclosed_quote",
        place + ": the quote at the start of " + field_name(what.field, plan) + " is never closed; " +
            (what.lines == 0
                 ? "the file ends inside it"
                 : "it swallows " + with_unit(what.lines, "more line") + " (" + with_unit(bytes, "byte") + "), up to " +
                       (what.to_end ? "the end of the file" : "the point where reading stopped")),
        "close the quote there, or double it if it is part of the text; if the file does not use quotes, set quote: "
        "\"\"");
  } else {
    problem = user_error("record_too_large",
                         place_of(what.begin, piece, ask) + ": the record that begins there has " +
                             with_unit(static_cast<std::uint64_t>(what.end - what.begin), "byte") +
                             (what.to_end ? "" : " and more") + ", " + with_unit(what.lines, "line break") +
                             "; at most 256 MiB are read",
                         "look for a quote that is closed too late, or set the right separator, quote and escape");
  }
  problem.where = plan.unit;
  return problem;
}

std::uint64_t records_within(std::string_view record, const dialect& rules, std::size_t fields) {
  const auto first = record.find_first_of("\r\n");
  if (first == std::string_view::npos) return 0;
  const auto rest = record.substr(first + 1);
  std::vector<std::uint8_t> padded(rest.size() + 2 * static_cast<std::size_t>(padding));
  std::copy(rest.begin(), rest.end(), padded.begin() + padding);
  record_index index(rules, best_simd_level());
  index.reset(padding);
  index.scan(padded.data(), padding, static_cast<std::uint32_t>(padding + std::ssize(rest)), true);
  std::uint64_t count = 0;
  for (std::size_t i = 0, begin = 0; i < index.records(); begin = index.record_ends()[i++] + 1)
    count += index.record_ends()[i] - begin + 1 == fields ? 1 : 0;
  return count;
}

error runaway_quote(const rejected_record& record, std::uint64_t within, const read_plan& plan, const split& piece,
                    const reader_questions& ask) {
  auto problem = user_error("runaway_quote",
                            place_of(piece.begin + static_cast<std::int64_t>(record.offset), piece, ask) +
                                ": a quote in this record is probably not closed: " + with_unit(within, "line") +
                                " that look like separate records would be rejected as one (" + record.message + ")",
                            "close the quote there, or double it if it is part of the text; if the file does not use "
                            "quotes, set quote: \"\"");
  problem.where = plan.unit;
  return problem;
}

}  // namespace sluice::csv
