#include "engine/formats/csv/batch_maker.hpp"

#include "engine/columns/typed/explain_value.hpp"
#include "engine/columns/typed/rows.hpp"
#include "engine/files/file_faults.hpp"
#include "engine/formats/csv/runaway.hpp"
#include "engine/values/positions.hpp"
#include "engine/values/utf8.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <new>

namespace sluice::csv {

namespace {

constexpr std::size_t block_rows = 256;  // their bytes and field ends stay in the fastest cache for all columns

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

std::string message_of(fault kind, const typed::column_plan& column, const std::string& value) {
  switch (kind) {
    case fault::invalid_value:
      return "column " + column.name + ": " + typed::expected_found(*column.type, typed::quoted_value(value));
    case fault::invalid_utf8:
      return "column " + column.name + ": the text is not valid UTF-8";
    case fault::invalid_quotes:
      return "column " + column.name + ": expected a separator or line break after the closing quote of " +
             typed::quoted_value(value);
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
  in_filter_.assign(builders_.size(), false);
  if (plan_.filter)
    for (const int column : plan_.filter->columns()) in_filter_[static_cast<std::size_t>(column)] = true;
  return {};
}

result<read_step> batch_maker::make(const chunk_reader& chunk, std::size_t& record, std::int64_t end) {
  try {
    return make_rows(chunk, record, end);
  } catch (const std::bad_alloc&) {
    return external_error("out_of_memory", "there is not enough memory for the records of " + piece_.object,
                          "raise run.memory or free memory");
  }
}

result<read_step> batch_maker::make_rows(const chunk_reader& chunk, std::size_t& record, std::int64_t end) {
  read_step step;
  choose_rows(chunk, record, end, step);
  for (const auto& bad : step.rejected) SLUICE_TRY(check_swallowed(bad));
  if (plan_.policy == on_error::fail && !step.rejected.empty()) return failure(step.rejected.front());
  if (plan_.filter && !judge_all_ && !first_.empty()) {
    SLUICE_ASSIGN(const bool made, make_kept(chunk, step));
    if (made) return step;
    judge_all_ = true;
    decided_.clear();
  }
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
      if (right && plan_.rules.rules.strict_quotes && reject_stray_quote(chunk, first, last, step)) {
        first = last + 1;
        continue;
      }
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

/// quotes: strict. Rejects a record with a quote inside a field that does not begin with one.
bool batch_maker::reject_stray_quote(const chunk_reader& chunk, std::size_t first, std::size_t last,
                                     read_step& step) const {
  const auto* const ends = chunk.index().ends();
  const auto quote = *plan_.rules.rules.quote;
  const auto* const bytes = chunk.bytes();
  for (auto field = first; field <= last; ++field) {
    const auto begin = ends[static_cast<std::ptrdiff_t>(field) - 1] + (field == first ? 1 : plan_.rules.rules.step());
    const auto size = ends[field] - begin;
    if (size == 0 || bytes[begin] == quote || std::memchr(bytes + begin, quote, size) == nullptr) continue;
    auto bad = rejected(chunk, first, last);
    bad.code = "invalid_quotes";
    bad.message = "field " + std::to_string(field - first + 1) + " contains a quote, but does not begin with one: " +
                  typed::quoted_value({reinterpret_cast<const char*>(bytes) + begin, size});
    step.rejected.push_back(std::move(bad));
    return true;
  }
  return false;
}

void batch_maker::reject_count(const chunk_reader& chunk, std::size_t first, std::size_t last, read_step& step) {
  const auto found = last - first + 1;
  auto bad = rejected(chunk, first, last);
  bad.code = found < plan_.fields ? "too_few_fields" : "too_many_fields";
  bad.message = "expected " + std::to_string(plan_.fields) + " fields, found " + std::to_string(found);
  step.rejected.push_back(std::move(bad));
}

status batch_maker::convert(const chunk_reader& chunk) {
  for (const auto& builder : builders_) SLUICE_TRY(builder->start(std::ssize(first_)));
  for (std::size_t row = 0; row < first_.size(); row += block_rows) {
    const auto block = block_of(chunk, first_, row, std::min(row + block_rows, first_.size()));
    for (const auto& builder : builders_) SLUICE_TRY(builder->append(block));
  }
  return {};
}

/// Makes a batch of the rows that the filter keeps. The others are only checked: which rows are rejected must not
/// depend on a filter behind. False where a value does not fit; then nothing is made.
result<bool> batch_maker::make_kept(const chunk_reader& chunk, read_step& step) {
  SLUICE_ASSIGN(const bool chosen, choose_kept(chunk));
  if (!chosen) return false;
  SLUICE_ASSIGN(const bool converted, convert_kept(chunk));
  if (!converted) return false;
  step.filtered = first_.size() - kept_.size();
  first_.swap(kept_first_);
  if (number_rows_) {
    for (std::size_t i = 0; i < kept_.size(); ++i) numbers_[i] = numbers_[kept_[i]];
    numbers_.resize(kept_.size());
  }
  SLUICE_ASSIGN(step.rows.data, finish());
  if (plan_.want_positions) {
    SLUICE_ASSIGN(step.rows.positions, positions(chunk));
  }
  return true;
}

/// Converts the columns of the condition and finds the rows for which it is true.
result<bool> batch_maker::choose_kept(const chunk_reader& chunk) {
  for (std::size_t i = 0; i < builders_.size(); ++i)
    if (in_filter_[i]) SLUICE_TRY(builders_[i]->start(std::ssize(first_)));
  for (std::size_t row = 0; row < first_.size(); row += block_rows) {
    const auto block = block_of(chunk, first_, row, std::min(row + block_rows, first_.size()));
    for (std::size_t i = 0; i < builders_.size(); ++i)
      if (in_filter_[i]) SLUICE_TRY(builders_[i]->append(block));
  }
  decided_.clear();
  for (std::size_t i = 0; i < builders_.size(); ++i) {
    if (!in_filter_[i]) continue;
    if (!builders_[i]->faults.empty()) return false;
    SLUICE_ASSIGN(auto column, builders_[i]->finish());
    decided_.push_back(std::move(column));
  }
  SLUICE_ASSIGN(const auto keep, plan_.filter->keep(decided_, std::ssize(first_)));
  kept_ = kept_rows(*keep);
  dropped_first_.clear();
  if (kept_.size() == first_.size()) {
    kept_first_ = first_;
    return true;
  }
  kept_first_.resize(kept_.size());
  dropped_first_.reserve(first_.size() - kept_.size());
  std::size_t row = 0;
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    for (; row < kept_[i]; ++row) dropped_first_.push_back(first_[row]);
    kept_first_[i] = first_[row++];
  }
  for (; row < first_.size(); ++row) dropped_first_.push_back(first_[row]);
  for (auto& column : decided_) {
    SLUICE_ASSIGN_ARROW(auto rest, arrow::compute::Filter(column, keep), "filter rows");
    column = rest.make_array();
  }
  return true;
}

/// Converts the other columns, checking the rows that go.
result<bool> batch_maker::convert_kept(const chunk_reader& chunk) {
  const bool all_stay = dropped_first_.empty();
  if (!all_stay && chunk.index().saw_high() && !valid_utf8(chunk)) return false;
  std::vector<column_builder*> whole;
  std::vector<column_builder*> partial;
  for (std::size_t i = 0; i < builders_.size(); ++i)
    if (!in_filter_[i]) (all_stay || builders_[i]->converts_all() ? whole : partial).push_back(builders_[i].get());
  for (auto* builder : whole) SLUICE_TRY(builder->start(std::ssize(first_)));
  for (auto* builder : partial) SLUICE_TRY(builder->start(std::ssize(kept_)));
  std::size_t kept = 0;
  std::size_t dropped = 0;
  for (std::size_t row = 0; row < first_.size(); row += block_rows) {
    const auto end = std::min(row + block_rows, first_.size());
    const auto block = block_of(chunk, first_, row, end);
    for (auto* builder : whole) SLUICE_TRY(builder->append(block));
    if (partial.empty()) continue;
    auto kept_end = kept;
    while (kept_end < kept_.size() && kept_[kept_end] < end) ++kept_end;
    const auto dropped_end = end - kept_end;
    const auto staying = block_of(chunk, kept_first_, kept, kept_end);
    const auto going = block_of(chunk, dropped_first_, dropped, dropped_end);
    for (auto* builder : partial) {
      SLUICE_TRY(builder->append(staying));
      if (!builder->fits(going)) return false;
    }
    kept = kept_end;
    dropped = dropped_end;
  }
  for (const auto* builder : whole)
    if (!builder->faults.empty()) return false;
  for (const auto* builder : partial)
    if (!builder->faults.empty()) return false;
  if (!all_stay)
    for (auto* builder : whole) builder->keep(kept_);
  return true;
}

/// Whether all rows are: as separators and quotes are ASCII, every field is then, too.
bool batch_maker::valid_utf8(const chunk_reader& chunk) const {
  const auto* const ends = chunk.index().ends();
  const auto begin = ends[static_cast<std::ptrdiff_t>(first_.front()) - 1] + 1;
  const auto end = ends[first_.back() + plan_.fields - 1];
  return is_utf8({reinterpret_cast<const char*>(chunk.bytes()) + begin, end - begin});
}

record_block batch_maker::block_of(const chunk_reader& chunk, const std::vector<std::uint32_t>& rows, std::size_t begin,
                                   std::size_t end) const {
  const auto& index = chunk.index();
  return {.data = chunk.bytes(),
          .ends = index.ends(),
          .first = rows.data() + begin,
          .rows = static_cast<std::int64_t>(end - begin),
          .quotes = index.saw_quote(),
          .carriage_returns = index.saw_carriage_return(),
          .high = index.saw_high()};
}

result<std::shared_ptr<arrow::RecordBatch>> batch_maker::finish() {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  const auto shown = plan_.schema->num_fields() - std::ssize(plan_.metadata);
  std::size_t decided = 0;
  for (std::size_t i = 0; i < builders_.size(); ++i) {
    if (!decided_.empty() && in_filter_[i]) {
      columns.push_back(std::move(decided_[decided++]));
      continue;
    }
    SLUICE_ASSIGN(auto column, builders_[i]->finish());
    if (std::ssize(columns) < shown) columns.push_back(std::move(column));  // the others were read to be checked
  }
  decided_.clear();
  for (const auto& kind : plan_.metadata) {
    SLUICE_ASSIGN(auto column, metadata_column(kind));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(plan_.schema, std::ssize(first_), std::move(columns));
}

result<std::shared_ptr<arrow::Array>> batch_maker::metadata_column(const std::string& kind) const {
  if (kind == "path") return path_values(piece_.object, std::ssize(first_));
  arrow::Int64Builder numbers;
  SLUICE_TRY_ARROW(numbers.AppendValues(numbers_), "read CSV");
  SLUICE_ASSIGN_ARROW(auto rows, numbers.Finish(), "read CSV");
  return rows;
}

result<std::shared_ptr<arrow::FixedSizeBinaryArray>> batch_maker::positions(const chunk_reader& chunk) const {
  const auto* const ends = chunk.index().ends();
  const auto zero = chunk.offset_of(1) - piece_.begin;
  return make_positions(std::ssize(first_), [&](std::int64_t row) {
    const auto first = static_cast<std::ptrdiff_t>(first_[static_cast<std::size_t>(row)]);
    return position{plan_.source, piece_.id, zero + ends[first - 1]};
  });
}

error batch_maker::contradiction(const typed::column_plan& column, const std::string& value,
                                 std::uint64_t offset) const {
  return typed::contradicts_inference(column, value, ask_.sampled_rows ? ask_.sampled_rows() : 0, piece_.object,
                                      ask_.line_of ? ask_.line_of(offset) : 0);
}

error batch_maker::failure(const rejected_record& record) const {
  const auto line = ask_.line_of ? ask_.line_of(record.offset) : 0;
  auto problem = user_error(record.code, piece_.object + " line " + std::to_string(line) + ": " + record.message,
                            "correct the file, or reject such records with on_error: reject");
  problem.where = plan_.unit;
  return problem;
}

error batch_maker::runaway(const record_extent& what) const { return runaway_record(what, plan_, piece_, ask_); }

/// A reject counts as one record: it must not hold many of them, taken along by a quote that closes by chance.
status batch_maker::check_swallowed(const rejected_record& record) const {
  const auto within = records_within(record.record, plan_.rules.rules, plan_.fields);
  if (within > most_records_within) return runaway_quote(record, within, plan_, piece_, ask_);
  return {};
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
  for (const auto& [row, record] : bad)
    if (record.code == "invalid_quotes") SLUICE_TRY(check_swallowed(record));
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
