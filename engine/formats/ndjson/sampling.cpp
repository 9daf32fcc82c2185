#include "engine/formats/ndjson/sampling.hpp"

#include "engine/columns/typed/read_types.hpp"
#include "engine/files/foreign_bytes.hpp"
#include "engine/files/foreign_formats.hpp"
#include "engine/formats/ndjson/cursor.hpp"
#include "engine/formats/ndjson/documents.hpp"
#include "engine/formats/ndjson/inference.hpp"
#include "engine/formats/ndjson/lines.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <cstring>

namespace sluice::ndjson {

namespace {

constexpr std::size_t sampled_files = 100;
constexpr std::int64_t default_sample = 20'480;
constexpr std::int64_t sampled_bytes = 4 * 1024 * 1024;  // of one file

/// Lines of a text that ends in a newline.
std::vector<const char*> lines_of(const char* begin, const char* end) {
  std::vector<const char*> lines;
  for (; begin < end; begin = line_end(begin) + 1)
    if (*skip_blanks(begin) != '\n') lines.push_back(begin);
  return lines;
}

enum class place { head, tail, all };  // all: over head, middle and tail

void look_at_lines(const char* begin, const char* end, place where, std::int64_t rows, sample& all) {
  const auto lines = lines_of(begin, end);
  const auto count = std::ssize(lines);
  const auto look = [&](std::int64_t from, std::int64_t limit) {
    for (auto i = std::max<std::int64_t>(from, 0); i < std::min(from + limit, count); ++i)
      all.look(lines[static_cast<std::size_t>(i)]);
  };
  if (where == place::all && count > rows) {
    const auto third = std::max<std::int64_t>(rows / 3, 1);
    look(0, third);
    look((count - third) / 2, third);
    look(count - third, third);
  } else {
    look(where == place::tail ? std::max<std::int64_t>(count - rows, 0) : 0, rows);
  }
}

/// Looks at lines of a range, which is read in one piece.
status look_at_range(const std::shared_ptr<random_file>& file, const std::string& name, std::int64_t begin,
                     std::int64_t end, place where, std::int64_t rows, sample& all) {
  line_blocks blocks(file, name, begin, end, end - begin + 1);
  SLUICE_ASSIGN(const bool any, blocks.next());
  if (any) look_at_lines(blocks.begin(), blocks.end(), where, rows, all);
  return {};
}

status look_at_file(const input_file& file, std::int64_t rows, sample& all) {
  if (!file.seekable()) {
    SLUICE_ASSIGN(auto head, peek_file(file, sampled_bytes));
    bool whole = static_cast<std::int64_t>(head.size()) < sampled_bytes;
    for (auto more = sampled_bytes; !whole && head.find('\n') == std::string::npos && more < longest_record;) {
      more *= 4;
      SLUICE_ASSIGN(head, peek_file(file, more));
      whole = static_cast<std::int64_t>(head.size()) < more;
    }
    // The peek may end in the middle of a record.
    if (!whole) head.resize(head.rfind('\n') + 1);
    head += '\n';
    const auto end = head.size();
    head.resize(head.size() + padding);
    const auto* text = head.data();
    const auto* begin = std::memcmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
    look_at_lines(begin, text + end, whole ? place::all : place::head, rows, all);
    return {};
  }
  SLUICE_ASSIGN(const auto opened, random_file::open(file));
  const auto size = opened->size();
  if (size <= sampled_bytes) return look_at_range(opened, file.name, 0, size, place::all, rows, all);
  const auto third = std::max<std::int64_t>(rows / 3, 1);
  // As many bytes as a third of the rows need where one has some 500: what is not needed is not looked at.
  const auto bytes = std::min(std::max<std::int64_t>(third * 512, 64 * 1024), sampled_bytes / 3);
  SLUICE_TRY(look_at_range(opened, file.name, 0, bytes, place::head, third, all));
  SLUICE_TRY(look_at_range(opened, file.name, size / 2, size / 2 + bytes, place::head, third, all));
  return look_at_range(opened, file.name, size - bytes, size, place::tail, third, all);
}

/// The bytes of a text.
class text_stream final : public byte_stream {
 public:
  explicit text_stream(std::string_view text) : text_(text) {}
  result<std::int64_t> read(std::uint8_t* into, std::int64_t size) override {
    const auto taken = std::min<std::int64_t>(size, std::ssize(text_) - at_);
    if (taken > 0) std::memcpy(into, text_.data() + at_, static_cast<std::size_t>(taken));
    at_ += taken;
    return taken;
  }
  [[nodiscard]] std::int64_t consumed() const override { return at_; }

 private:
  std::string_view text_;
  std::int64_t at_ = 0;
};

/// Looks at the first rows of the documents in a file.
status look_at_documents(const input_file& file, const row_path& path, std::int64_t rows, sample& all) {
  constexpr std::int64_t block_bytes = 256 * 1024;
  for (auto bytes = sampled_bytes;; bytes *= 4) {
    SLUICE_ASSIGN(const auto head, peek_file(file, bytes));
    const bool whole = std::ssize(head) < bytes;
    const bool last = whole || bytes > longest_record;
    document_blocks blocks(std::make_unique<text_stream>(head), file.name, path, block_bytes);
    std::int64_t looked = 0;
    for (;;) {
      auto more = blocks.next();
      // A head mostly ends in the middle of a document.
      if (!more.ok() && (whole || !(blocks.ran_out() || more.problem().code == "rows_not_found")))
        return std::move(more).problem();
      if (!more.ok() || !*more) break;
      for (const auto* line : lines_of(blocks.begin(), blocks.end())) {
        if (looked++ == rows) return {};
        all.look(line);
      }
    }
    if (looked > 0 || last) return {};
  }
}

status look_at_any(const input_file& file, const std::optional<row_path>& path, std::int64_t rows, sample& all) {
  return path ? look_at_documents(file, *path, rows, all) : look_at_file(file, rows, all);
}

std::int64_t rows_of_each(std::size_t files, std::optional<std::int64_t> sampled) {
  return std::max<std::int64_t>(
      sampled.value_or(default_sample) / static_cast<std::int64_t>(std::max<std::size_t>(files, 1)), 3);
}

/// The begin of a line, whatever bytes it has.
std::string shown(std::string_view line) {
  constexpr std::size_t most = 40;
  std::string text;
  for (const char c : line.substr(0, most)) text += c >= ' ' && c <= '~' ? c : '?';
  return text + (line.size() > most ? "..." : "");
}

/// Why nothing can be inferred: there is nothing, or nothing that is a record.
error nothing_sampled(const std::vector<input_file>& files, const sample& all) {
  const auto name = (files.empty() ? "the source" : files[0].name) + (files.size() > 1 ? " and the other files" : "");
  if (all.broken() == 0)
    return user_error("empty_source", "there is no record in " + name + " to infer the columns from",
                      "if the file may be empty, give the columns: types: { id: bigint }");
  const auto& first = all.first_broken();
  if (nested_too_deep(first))
    return user_error("invalid_json",
                      "none of " + std::to_string(all.broken()) + " lines in the sample of " + name +
                          " can be read; the first one is nested more than " + std::to_string(deepest_nesting) +
                          " objects and lists deep",
                      "write the deeply nested part as a JSON text");
  if (const auto begin = peek_file(files[0], format_bytes); begin.ok())
    if (auto foreign = not_wanted_format(files[0].name, *begin, "NDJSON")) return std::move(*foreign);
  auto why = user_error("invalid_json", "none of " + std::to_string(all.broken()) + " lines in the sample of " + name +
                                            " is a JSON object; the first one is: " + shown(first));
  if (const auto begin = peek_file(files[0], 1024); begin.ok()) why.hint = option_for_bytes(files[0], *begin);
  if (why.hint.empty() && (first.starts_with('[') || first.starts_with('{')))
    why.hint = "NDJSON has one object per line; a JSON document is read with json: { path: ... }";
  if (why.hint.empty()) why.hint = "check the file: it must contain one JSON object per line";
  return why;
}

/// The same for documents, which were readable.
error no_rows_sampled(const std::vector<input_file>& files, const sample& all) {
  const auto name = files.empty() ? std::string("the source") : files[0].name;
  if (all.broken() == 0)
    return user_error("empty_source", "there is no row in " + name + " to infer the columns from",
                      "if there may be none, give the columns: types: { id: bigint }");
  return user_error("invalid_json",
                    "none of " + std::to_string(all.broken()) + " values in the sample of " + name +
                        " is an object; the first one is: " + shown(all.first_broken()),
                    "name the list of objects: rows: \"items[*]\"");
}

}  // namespace

record_columns read_types(const source_request& request, diagnostics& faults) {
  record_columns made;
  arrow::FieldVector fields;
  for (auto& [name, given] : typed::read_types(request.types, faults)) {
    if (!given.type) continue;  // its fault is told
    fields.push_back(arrow::field(name, given.type));
    made.given.emplace(name, std::move(given));
  }
  made.schema = arrow::schema(std::move(fields));
  return made;
}

std::int64_t count_sampled(const std::vector<input_file>& files, std::optional<std::int64_t> sampled,
                           const std::optional<row_path>& rows) {
  sample all;
  const auto count = std::min(files.size(), sampled_files);
  for (std::size_t i = 0; i < count; ++i) {
    if (files[i].path == "-" || !look_at_any(files[i], rows, rows_of_each(count, sampled), all).ok()) return 0;
  }
  return static_cast<std::int64_t>(all.records());
}

record_columns infer_columns(const source_request& request, const std::vector<input_file>& files,
                             const std::optional<row_path>& path, diagnostics& faults) {
  const auto before = faults.size();
  auto made = read_types(request, faults);
  std::unordered_set<std::string> known;
  for (const auto& one : made.given) known.insert(one.first);
  sample all(std::move(known));
  const auto count = std::min(files.size(), sampled_files);
  const auto rows = rows_of_each(count, request.sample);
  for (std::size_t i = 0; i < count; ++i) {
    if (auto looked = look_at_any(files[i], path, rows, all); !looked.ok())
      faults.push_back(std::move(looked).problem());
  }
  if (faults.size() > before) return made;
  if (all.records() == 0 && made.given.empty()) {
    faults.push_back(path ? no_rows_sampled(files, all) : nothing_sampled(files, all));
    faults.back().path = path ? "/json/path" : "/ndjson/path";
    return made;
  }
  arrow::FieldVector fields;
  const auto inferred = all.schema();
  for (const auto& field : inferred->fields()) {
    const auto given = made.schema->GetFieldByName(field->name());
    fields.push_back(given ? given : field);
  }
  for (const auto& field : made.schema->fields())
    if (inferred->GetFieldIndex(field->name()) < 0) fields.push_back(field);
  made.schema = arrow::schema(std::move(fields));
  return made;
}

}  // namespace sluice::ndjson
