#include "engine/formats/ndjson/sampling.hpp"

#include "engine/formats/ndjson/cursor.hpp"
#include "engine/formats/ndjson/inference.hpp"
#include "engine/formats/ndjson/lines.hpp"
#include "engine/types.hpp"

#include <arrow/api.h>

#include <algorithm>

namespace sluice::ndjson {

namespace {

constexpr std::size_t sampled_files = 100;
constexpr std::int64_t default_sample = 20'480;
constexpr std::int64_t sampled_bytes = 4 * 1024 * 1024;  // of one place in a file

void look_at_lines(const char* begin, const char* end, std::int64_t& rows, sample& all) {
  while (begin < end && rows > 0) {
    if (*skip_blanks(begin) != '\n') {
      all.look(begin);
      --rows;
    }
    begin = line_end(begin) + 1;
  }
}

status look_at_range(const std::shared_ptr<random_file>& file, const std::string& name, std::int64_t begin,
                     std::int64_t end, std::int64_t rows, sample& all) {
  line_blocks blocks(file, name, begin, std::min(end, begin + sampled_bytes), 256 * 1024);
  while (rows > 0) {
    SLUICE_ASSIGN(const bool more, blocks.next());
    if (!more) break;
    look_at_lines(blocks.begin(), blocks.end(), rows, all);
  }
  return {};
}

status look_at_file(const input_file& file, std::int64_t rows, sample& all) {
  if (!file.seekable()) {
    SLUICE_ASSIGN(auto head, peek_file(file, sampled_bytes));
    // The peek may end in the middle of a record.
    if (static_cast<std::int64_t>(head.size()) == sampled_bytes) head.resize(head.rfind('\n') + 1);
    head += '\n';
    const auto end = head.size();
    head.resize(head.size() + padding);
    look_at_lines(head.data(), head.data() + end, rows, all);
    return {};
  }
  SLUICE_ASSIGN(const auto opened, random_file::open(file));
  const auto size = opened->size();
  const auto third = std::max<std::int64_t>(rows / 3, 1);
  if (size <= sampled_bytes / 4) return look_at_range(opened, file.name, 0, size, rows, all);
  SLUICE_TRY(look_at_range(opened, file.name, 0, size, third, all));
  SLUICE_TRY(look_at_range(opened, file.name, size / 2, size, third, all));
  // The last rows: as many bytes as the ones before let expect.
  return look_at_range(opened, file.name, std::max<std::int64_t>(size - sampled_bytes / 4, 0), size, third, all);
}

error at_type(error problem, const std::string& column) {
  problem.path = "/types/" + column;
  return problem;
}

}  // namespace

record_columns read_types(const source_request& request, diagnostics& faults) {
  record_columns made;
  arrow::FieldVector fields;
  const auto types = request.types.is_object() ? request.types : options::object();
  for (const auto& [name, what] : types.items()) {
    auto text = what.is_object() && what.contains("type") ? what["type"] : what;
    if (what.is_object() && what.size() > 1) {
      faults.push_back(
          at_type(user_error("not_supported_yet", "formats and separators of JSON texts are not supported yet",
                             "read the column as text and cast it in a transform"),
                  name));
      continue;
    }
    auto type = parse_type(text.is_string() ? text.get<std::string>() : text.dump());
    if (!type.ok()) {
      faults.push_back(at_type(std::move(type).problem(), name));
      continue;
    }
    fields.push_back(arrow::field(name, *type));
    made.given.insert(name);
  }
  made.schema = arrow::schema(std::move(fields));
  return made;
}

record_columns infer_columns(const source_request& request, const std::vector<input_file>& files, diagnostics& faults) {
  const auto before = faults.size();
  auto made = read_types(request, faults);
  sample all;
  const auto count = std::min(files.size(), sampled_files);
  const auto rows = std::max<std::int64_t>(
      request.sample.value_or(default_sample) / static_cast<std::int64_t>(std::max<std::size_t>(count, 1)), 3);
  for (std::size_t i = 0; i < count; ++i) {
    if (auto looked = look_at_file(files[i], rows, all); !looked.ok()) faults.push_back(std::move(looked).problem());
  }
  if (faults.size() > before) return made;
  if (all.records() == 0 && made.given.empty()) {
    faults.push_back(user_error("empty_source",
                                "there is no record in " + (files.empty() ? "the source" : files[0].name) +
                                    (files.size() > 1 ? " and the other files" : "") + " to infer the columns from",
                                "give the columns: types: { id: bigint }, if it may be empty"));
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
