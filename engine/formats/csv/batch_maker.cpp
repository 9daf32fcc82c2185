#include "engine/formats/csv/batch_maker.hpp"

#include "engine/formats/csv/explain_value.hpp"
#include "engine/types.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>

#include <algorithm>
#include <map>

namespace sluice::csv {

namespace {

constexpr std::int64_t block_rows = 256;  // their bytes and field ends stay in the fastest cache for all columns
constexpr std::size_t longest_shown = 80;

std::string shown(std::string_view value) {
  auto text = "'" + std::string(value.substr(0, longest_shown)) + (value.size() > longest_shown ? "...'" : "'");
  for (auto& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return text;
}

std::string code_of(fault kind) {
  switch (kind) {
    case fault::invalid_value:
      return "invalid_value";
    case fault::invalid_utf8:
      return "invalid_utf8";
    case fault::invalid_quotes:
      return "invalid_quotes";
  }
  return {};
}

std::string message_of(fault kind, const column_plan& column, const std::string& value) {
  switch (kind) {
    case fault::invalid_value:
      return "column " + column.name + ": " + shown(value) + " is no " + type_name(*column.type);
    case fault::invalid_utf8:
      return "column " + column.name + ": the text is not valid UTF-8";
    case fault::invalid_quotes:
      return "column " + column.name + ": expected a separator or line end behind the closing quote of " + shown(value);
  }
  return {};
}

}  // namespace

batch_maker::batch_maker(read_plan plan, split piece, reader_questions ask)
    : plan_(std::move(plan)), piece_(std::move(piece)), ask_(std::move(ask)) {
  number_rows_ = std::find(plan_.metadata.begin(), plan_.metadata.end(), "row") != plan_.metadata.end();
}

status batch_maker::prepare() {
  for (std::size_t i = 0; i < plan_.columns.size(); ++i) {
    SLUICE_ASSIGN(auto builder, make_builder({.plan = plan_.columns[i],
                                              .field = plan_.field_of[i],
                                              .last = static_cast<std::size_t>(plan_.field_of[i]) + 1 == plan_.fields,
                                              .rules = plan_.rules.rules,
                                              .nulls = plan_.rules.nulls,
                                              .timezone = plan_.timezone}));
    builders_.push_back(std::move(builder));
  }
  return {};
}

result<read_step> batch_maker::make(const chunk_reader& chunk, std::size_t& record, std::int64_t end) {
  read_step step;
  choose_rows(chunk, record, end, step);
  if (plan_.policy == on_error::fail && !step.rejected.empty()) return failure(step.rejected.front());
  SLUICE_TRY(convert(chunk));
  SLUICE_ASSIGN(step.rows.data, finish());
  if (plan_.want_positions) {
    SLUICE_ASSIGN(step.rows.positions, positions(chunk));
  }
  SLUICE_TRY(settle_faults(chunk, step));
  return step;
}

/// Collects the records that have the right number of fields.
void batch_maker::choose_rows(const chunk_reader& chunk, std::size_t& record, std::int64_t end, read_step& step) {
  const auto& index = chunk.index();
  const auto* const ends = index.ends();
  const auto* const record_ends = index.record_ends();
  const bool check_all = plan_.rules.rules.comment || plan_.fields == 1;
  first_.clear();
  numbers_.clear();
  std::size_t first = record == 0 ? 0 : record_ends[record - 1] + 1;
  for (; record < index.records() && std::ssize(first_) < target_batch_rows; ++record) {
    if (chunk.offset_of(ends[static_cast<std::ptrdiff_t>(first) - 1] + 1) >= end) break;
    const std::size_t last = record_ends[record];
    const bool right = last - first + 1 == plan_.fields;
    if ((right && !check_all) || !ignored(chunk, first, last)) {
      ++step.records;
      ++records_;
      if (right) {
        first_.push_back(static_cast<std::uint32_t>(first));
        if (number_rows_) numbers_.push_back(records_);
      } else {
        reject_count(chunk, first, last, step);
      }
    }
    first = last + 1;
  }
}

/// Comments, and empty lines where a record has more than one field: there is nothing in them.
bool batch_maker::ignored(const chunk_reader& chunk, std::size_t first, std::size_t last) const {
  const auto* const ends = chunk.index().ends();
  const auto begin = ends[static_cast<std::ptrdiff_t>(first) - 1] + 1;
  const auto* const bytes = chunk.bytes();
  if (plan_.rules.rules.comment && bytes[begin] == *plan_.rules.rules.comment && begin < ends[last]) return true;
  if (first != last || plan_.fields == 1) return false;
  return begin == ends[last] || (begin + 1 == ends[last] && bytes[begin] == '\r' && bytes[ends[last]] == '\n');
}

rejected_record batch_maker::rejected(const chunk_reader& chunk, std::size_t first, std::size_t last) const {
  const auto* const ends = chunk.index().ends();
  const auto begin = ends[static_cast<std::ptrdiff_t>(first) - 1] + 1;
  auto end = ends[last];
  if (end > begin && chunk.bytes()[end] == '\n' && chunk.bytes()[end - 1] == '\r') --end;
  rejected_record bad;
  bad.record.assign(reinterpret_cast<const char*>(chunk.bytes()) + begin, end - begin);
  bad.offset = static_cast<std::uint64_t>(chunk.offset_of(begin) - piece_.begin);
  return bad;
}

void batch_maker::reject_count(const chunk_reader& chunk, std::size_t first, std::size_t last, read_step& step) {
  const auto found = last - first + 1;
  auto bad = rejected(chunk, first, last);
  bad.code = found < plan_.fields ? "too_few_fields" : "too_many_fields";
  bad.message = "expected " + std::to_string(plan_.fields) + " fields, found " + std::to_string(found);
  step.rejected.push_back(std::move(bad));
}

status batch_maker::convert(const chunk_reader& chunk) {
  const auto rows = std::ssize(first_);
  const auto& index = chunk.index();
  for (const auto& builder : builders_) SLUICE_TRY(builder->start(rows));
  for (std::int64_t row = 0; row < rows; row += block_rows) {
    const record_block block = {.data = chunk.bytes(),
                                .ends = index.ends(),
                                .first = first_.data() + row,
                                .rows = std::min(block_rows, rows - row),
                                .quotes = index.saw_quote(),
                                .carriage_returns = index.saw_carriage_return(),
                                .high = index.saw_high()};
    for (const auto& builder : builders_) SLUICE_TRY(builder->append(block));
  }
  return {};
}

result<std::shared_ptr<arrow::RecordBatch>> batch_maker::finish() {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  const auto shown = plan_.schema->num_fields() - std::ssize(plan_.metadata);
  for (const auto& builder : builders_) {
    SLUICE_ASSIGN(auto column, builder->finish());
    if (std::ssize(columns) < shown) columns.push_back(std::move(column));  // the others were read to be checked
  }
  for (const auto& kind : plan_.metadata) {
    SLUICE_ASSIGN(auto column, metadata_column(kind));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(plan_.schema, std::ssize(first_), std::move(columns));
}

result<std::shared_ptr<arrow::Array>> batch_maker::metadata_column(const std::string& kind) const {
  if (kind == "path") {
    SLUICE_ASSIGN_ARROW(auto paths, arrow::MakeArrayFromScalar(arrow::StringScalar(piece_.object), std::ssize(first_)),
                        "read CSV");
    return paths;
  }
  arrow::Int64Builder numbers;
  SLUICE_TRY_ARROW(numbers.AppendValues(numbers_), "read CSV");
  SLUICE_ASSIGN_ARROW(auto rows, numbers.Finish(), "read CSV");
  return rows;
}

result<std::shared_ptr<arrow::UInt64Array>> batch_maker::positions(const chunk_reader& chunk) const {
  const auto rows = std::ssize(first_);
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> buffer, arrow::AllocateBuffer(rows * 8), "read CSV");
  auto* const out = reinterpret_cast<std::uint64_t*>(buffer->mutable_data());
  const auto* const ends = chunk.index().ends();
  const auto zero = position{.source = plan_.source, .split = piece_.id, .offset = 0}.pack() +
                    static_cast<std::uint64_t>(chunk.offset_of(1) - piece_.begin);
  for (std::int64_t i = 0; i < rows; ++i)
    out[i] = zero + ends[static_cast<std::ptrdiff_t>(first_[static_cast<std::size_t>(i)]) - 1];
  return std::make_shared<arrow::UInt64Array>(rows, buffer);
}

error batch_maker::contradiction(const column_plan& column, const std::string& value, std::uint64_t offset) const {
  return contradicts_inference(column, value, ask_.sampled_rows ? ask_.sampled_rows() : 0, piece_.object,
                               ask_.line_of ? ask_.line_of(offset) : 0);
}

error batch_maker::failure(const rejected_record& record) const {
  const auto line = ask_.line_of ? ask_.line_of(record.offset) : 0;
  auto problem = user_error(record.code, piece_.object + " line " + std::to_string(line) + ": " + record.message,
                            "mend the file, or let such records go to the rejects with on_error: reject");
  problem.where = plan_.unit;
  return problem;
}

/// Decides what becomes of values that are none of their type.
status batch_maker::settle_faults(const chunk_reader& chunk, read_step& step) {
  std::map<std::int64_t, rejected_record> bad;
  for (std::size_t i = 0; i < builders_.size(); ++i) {
    const auto& column = plan_.columns[i];
    for (const auto& each : builders_[i]->faults) {
      if (plan_.policy == on_error::set_null && each.kind != fault::invalid_quotes &&
          !(column.inferred && each.kind == fault::invalid_value)) {
        ++step.set_null;
        continue;
      }
      const auto first = first_[static_cast<std::size_t>(each.row)];
      const auto [place, fresh] = bad.try_emplace(each.row);
      auto& record = place->second;
      if (fresh) record = rejected(chunk, first, first + plan_.fields - 1);
      if (column.inferred && each.kind == fault::invalid_value) return contradiction(column, each.value, record.offset);
      if (fresh) {
        record.code = code_of(each.kind);
        record.column = column.name;
      }
      record.message += (fresh ? "" : "; ") + message_of(each.kind, column, each.value);
    }
  }
  if (bad.empty()) return {};
  if (plan_.policy == on_error::fail) return failure(bad.begin()->second);
  arrow::BooleanBuilder keep;
  SLUICE_TRY_ARROW(keep.Reserve(step.rows.rows()), "read CSV");
  for (std::int64_t row = 0; row < step.rows.rows(); ++row) keep.UnsafeAppend(!bad.contains(row));
  for (auto& [row, record] : bad) step.rejected.push_back(std::move(record));
  std::sort(step.rejected.begin(), step.rejected.end(),
            [](const auto& a, const auto& b) { return a.offset < b.offset; });
  SLUICE_ASSIGN_ARROW(const auto mask, keep.Finish(), "read CSV");
  step.rows = filter_rows(step.rows, static_cast<const arrow::BooleanArray&>(*mask));
  return {};
}

}  // namespace sluice::csv
