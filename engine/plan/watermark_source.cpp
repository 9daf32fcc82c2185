#include "engine/plan/watermark_source.hpp"

#include "engine/component/passing_source.hpp"
#include "engine/values/arrow_functions.hpp"
#include "engine/values/positions.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_parse.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/compute/api.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <charconv>
#include <mutex>

namespace sluice {

namespace {

bool counts_time(const arrow::DataType& type) {
  return type.id() == arrow::Type::DATE32 || type.id() == arrow::Type::TIMESTAMP;
}

/// A value as the Store keeps it: days and microseconds as numbers, everything else in its canonical text.
result<std::string> to_text(const arrow::Scalar& value) {
  if (value.type->id() == arrow::Type::DATE32)
    return std::to_string(static_cast<const arrow::Date32Scalar&>(value).value);
  if (value.type->id() == arrow::Type::TIMESTAMP)
    return std::to_string(static_cast<const arrow::TimestampScalar&>(value).value);
  SLUICE_ASSIGN_ARROW(const auto column, arrow::MakeArrayFromScalar(value, 1), "keep the watermark");
  return value_text(*column, 0);
}

result<std::shared_ptr<arrow::Scalar>> from_text(const std::string& text,
                                                 const std::shared_ptr<arrow::DataType>& type) {
  if (type->id() == arrow::Type::DECIMAL128) {
    const auto& decimal = static_cast<const arrow::Decimal128Type&>(*type);
    int128 unscaled = 0;
    if (parse_decimal(text, decimal.precision(), decimal.scale(), unscaled) != parsed::good)
      return internal_error("state_unreadable", "the watermark " + text + " can't be read");
    const arrow::Decimal128 value(static_cast<std::int64_t>(unscaled >> 64), static_cast<std::uint64_t>(unscaled));
    return std::shared_ptr<arrow::Scalar>(std::make_shared<arrow::Decimal128Scalar>(value, type));
  }
  if (type->id() == arrow::Type::DECIMAL256) {
    const auto& decimal = static_cast<const arrow::Decimal256Type&>(*type);
    wide_words words{};
    if (parse_decimal(text, decimal.precision(), decimal.scale(), words) != parsed::good)
      return internal_error("state_unreadable", "the watermark " + text + " can't be read");
    const arrow::Decimal256 value(arrow::Decimal256::LittleEndianArray, words);
    return std::shared_ptr<arrow::Scalar>(std::make_shared<arrow::Decimal256Scalar>(value, type));
  }
  if (!counts_time(*type)) {
    SLUICE_ASSIGN_ARROW(auto value, arrow::Scalar::Parse(type, text), "read the watermark");
    return value;
  }
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size())
    return internal_error("state_unreadable", "the watermark " + text + " can't be read");
  if (type->id() == arrow::Type::DATE32)
    return std::shared_ptr<arrow::Scalar>(std::make_shared<arrow::Date32Scalar>(static_cast<std::int32_t>(number)));
  return std::shared_ptr<arrow::Scalar>(std::make_shared<arrow::TimestampScalar>(number, type));
}

/// The larger of two values of one type, either of which may be null.
result<std::shared_ptr<arrow::Scalar>> larger(const std::shared_ptr<arrow::Scalar>& a,
                                              const std::shared_ptr<arrow::Scalar>& b) {
  if (!a) return b;
  if (!b) return a;
  SLUICE_ASSIGN_ARROW(const auto above, arrow::compute::CallFunction("greater", {a, b}), "compare the watermark");
  return above.scalar_as<arrow::BooleanScalar>().value ? a : b;
}

/// What the readers have found, shared by all of them.
struct findings {
  std::mutex lock;
  std::shared_ptr<arrow::Scalar> highest;
  std::int64_t at_or_below = 0;
  std::int64_t taken = 0;
};

struct following {
  watermark mark;
  std::shared_ptr<arrow::Scalar> value;  ///< null: none yet
  bool keeps_column = true;
  bool keeps_positions = true;
  std::shared_ptr<arrow::Schema> schema;  ///< of what is passed on
  findings found;
};

class watermark_reader : public passing_reader {
 public:
  watermark_reader(std::unique_ptr<split_reader> inner, std::shared_ptr<following> what)
      : passing_reader(std::move(inner)), what_(std::move(what)) {}

  result<read_step> next() override {
    SLUICE_ASSIGN(auto step, inner_->next());
    if (step.rows.data) SLUICE_TRY(follow(step));
    if (!what_->keeps_positions) step.rows.positions = nullptr;
    return step;
  }

 private:
  status follow(read_step& step) {
    const auto column = step.rows.data->GetColumnByName(what_->mark.column);
    if (!column) return internal_error("missing_column", "the source has no column " + what_->mark.column);
    std::int64_t old = 0;
    if (column->null_count() > 0 || what_->value) SLUICE_TRY(leave_out(column, step, old));
    SLUICE_TRY(look(step.rows.data->GetColumnByName(what_->mark.column), old));
    if (!what_->keeps_column) {
      const auto at = step.rows.data->schema()->GetFieldIndex(what_->mark.column);
      SLUICE_ASSIGN_ARROW(step.rows.data, step.rows.data->RemoveColumn(at), "leave the watermark's column out");
    }
    return {};
  }

  /// Keeps the rows above the watermark; those without a value are rejected.
  status leave_out(const std::shared_ptr<arrow::Array>& column, read_step& step, std::int64_t& old) {
    arrow::Datum wanted;
    if (what_->value) {
      SLUICE_ASSIGN_ARROW(wanted, arrow::compute::CallFunction("greater", {column, what_->value}), "find new rows");
    } else {
      SLUICE_ASSIGN_ARROW(wanted, arrow::compute::CallFunction("is_valid", {column}), "find new rows");
    }
    reject_nulls(*column, step);
    std::stable_sort(step.rejected.begin(), step.rejected.end(),
                     [](const auto& a, const auto& b) { return a.offset < b.offset; });
    const auto before = step.rows.data->num_rows();
    SLUICE_ASSIGN_ARROW(const auto kept, arrow::compute::Filter(step.rows.data, wanted),
                        "remove rows that are already loaded");
    step.rows.data = kept.record_batch();
    if (step.rows.positions) {
      SLUICE_ASSIGN_ARROW(const auto positions, arrow::compute::Filter(step.rows.positions, wanted),
                          "remove rows that are already loaded");
      step.rows.positions = as_positions(positions.make_array());
    }
    old = before - step.rows.data->num_rows() - column->null_count();
    step.filtered += static_cast<std::uint64_t>(old);
    return {};
  }

  void reject_nulls(const arrow::Array& column, read_step& step) const {
    for (std::int64_t row = 0; column.null_count() > 0 && row < column.length(); ++row) {
      if (column.IsValid(row)) continue;
      std::string record = "{";
      for (int at = 0; at < step.rows.data->num_columns(); ++at) {
        append_json_text(record += at == 0 ? "" : ",", step.rows.data->schema()->field(at)->name());
        const auto& values = *step.rows.data->column(at);
        if (values.IsNull(row)) {
          record += ":null";
        } else {
          append_json_text(record += ":", value_text(values, row));
        }
      }
      const auto place = step.rows.positions ? position_at(*step.rows.positions, row).offset : 0;
      step.rejected.push_back({.record = record + "}",
                               .offset = static_cast<std::uint64_t>(place),
                               .code = "null_watermark",
                               .column = what_->mark.column,
                               .message = "column " + what_->mark.column +
                                          " is null, so a later run could not know that this row is already loaded"});
    }
  }

  status look(const std::shared_ptr<arrow::Array>& column, std::int64_t old) {
    std::shared_ptr<arrow::Scalar> highest;
    if (column->length() > 0) {
      SLUICE_ASSIGN_ARROW(const auto ends, arrow::compute::CallFunction("min_max", {column}), "find the highest value");
      highest = ends.scalar_as<arrow::StructScalar>().value[1];
    }
    const std::lock_guard guard(what_->found.lock);
    auto& found = what_->found;
    if (highest && highest->is_valid) {
      SLUICE_ASSIGN(found.highest, larger(found.highest, highest));
    }
    found.at_or_below += old;
    found.taken += column->length();
    return {};
  }

  std::shared_ptr<following> what_;
};

class watermark_source : public passing_source {
 public:
  watermark_source(std::unique_ptr<source> inner, std::shared_ptr<following> what)
      : passing_source(std::move(inner)), what_(std::move(what)) {}

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return what_->schema; }
  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override {
    SLUICE_ASSIGN(auto reader, inner_->open(piece, position));
    return std::unique_ptr<split_reader>(new watermark_reader(std::move(reader), what_));
  }

  options reached() override {
    const std::lock_guard guard(what_->found.lock);
    auto& found = what_->found;
    options made = {{"at_or_below", std::exchange(found.at_or_below, 0)}, {"taken", std::exchange(found.taken, 0)}};
    if (found.highest)
      if (auto text = to_text(*found.highest); text.ok()) made["value"] = *text;
    return made;
  }

 private:
  std::shared_ptr<following> what_;
};

}  // namespace

bool can_be_watermark(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || arrow::is_decimal(type.id()) || counts_time(type) ||
         type.id() == arrow::Type::STRING;
}

std::string watermark_text(const watermark& mark) {
  if (!mark.value) return {};
  const auto type = parse_type(mark.type);
  if (!type.ok()) return *mark.value;
  const auto value = from_text(*mark.value, *type);
  if (!value.ok()) return *mark.value;
  const auto column = arrow::MakeArrayFromScalar(**value, 1);
  return column.ok() ? value_text(**column, 0) : *mark.value;
}

result<std::unique_ptr<source>> make_watermark_source(std::unique_ptr<source> inner, const watermark& mark,
                                                      bool keeps_column, bool keeps_positions) {
  SLUICE_TRY(ensure_arrow_functions());
  auto what = std::make_shared<following>();
  what->mark = mark;
  what->keeps_column = keeps_column;
  what->keeps_positions = keeps_positions;
  what->schema = inner->schema();
  const auto at = what->schema->GetFieldIndex(mark.column);
  if (at < 0) return internal_error("missing_column", "the source has no column " + mark.column);
  if (mark.value) {
    SLUICE_ASSIGN(what->value, from_text(*mark.value, what->schema->field(at)->type()));
  }
  if (!keeps_column) {
    SLUICE_ASSIGN_ARROW(what->schema, what->schema->RemoveField(at), "leave the watermark's column out");
  }
  return std::unique_ptr<source>(new watermark_source(std::move(inner), std::move(what)));
}

options merge_reached(const watermark& mark, const options& a, const options& b) {
  if (!a.is_object()) return b;
  if (!b.is_object()) return a;
  options made = {{"at_or_below", a.value("at_or_below", std::int64_t{0}) + b.value("at_or_below", std::int64_t{0})},
                  {"taken", a.value("taken", std::int64_t{0}) + b.value("taken", std::int64_t{0})}};
  const auto type = parse_type(mark.type);
  std::shared_ptr<arrow::Scalar> highest;
  for (const auto* each : {&a, &b}) {
    if (!each->contains("value") || !type.ok()) continue;
    const auto value = from_text((*each)["value"].get<std::string>(), *type);
    if (!value.ok()) continue;
    if (auto one = larger(highest, *value); one.ok()) highest = *one;
  }
  if (highest)
    if (auto text = to_text(*highest); text.ok()) made["value"] = *text;
  return made;
}

options next_position(const watermark& mark, const options& reached) {
  options made = {{"by", "column"}, {"column", mark.column}, {"type", mark.type}, {"rows", mark.rows}};
  if (mark.value) made["value"] = *mark.value;
  if (reached.is_object()) {
    made["rows"] = reached.value("at_or_below", std::int64_t{0}) + reached.value("taken", std::int64_t{0});
    if (reached.contains("value")) made["value"] = reached["value"];
  }
  auto shown = mark;
  if (made.contains("value")) {
    shown.value = made["value"].get<std::string>();
    made["shown"] = watermark_text(shown);
  }
  return made;
}

}  // namespace sluice
