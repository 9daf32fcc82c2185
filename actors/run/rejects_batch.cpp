#include "actors/run/rejects_batch.hpp"

#include "engine/component/options.hpp"
#include "engine/values/positions.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/api.h>
#include <arrow/util/base64.h>
#include <arrow/util/utf8.h>

namespace sluice::actors {

namespace {

/// The value of a column of the rejects by its name; empty text for none.
std::string text_of(const rejected_row& row, const std::string& column, const std::string& run) {
  if (column == "unit") return row.unit;
  if (column == "code") return row.code;
  if (column == "column") return row.column;
  if (column == "message") return row.message;
  if (column == "record") return row.record;
  if (column == "file") return row.file;
  if (column == "run") return run;
  return {};
}

std::optional<std::int64_t> number_of(const rejected_row& row, const std::string& column) {
  if (column == "line" && row.line > 0) return static_cast<std::int64_t>(row.line);
  if (column == "offset" && row.position != position::unknown) return row.position.offset;
  return std::nullopt;
}

bool is_text(const std::string& bytes) {
  arrow::util::InitializeUTF8();
  return arrow::util::ValidateUTF8(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                   static_cast<std::int64_t>(bytes.size()));
}

result<std::shared_ptr<arrow::Array>> column_of(const std::vector<rejected_row>& rows, const arrow::Field& field,
                                                const std::string& run) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  SLUICE_TRY_ARROW(arrow::MakeBuilder(arrow::default_memory_pool(), field.type(), &builder), "make rejects");
  for (const auto& row : rows) {
    if (field.type()->id() == arrow::Type::STRING) {
      auto text = text_of(row, field.name(), run);
      if (!is_text(text)) text = arrow::util::base64_encode(text);
      auto& strings = static_cast<arrow::StringBuilder&>(*builder);
      SLUICE_TRY_ARROW(text.empty() ? strings.AppendNull() : strings.Append(text), "make rejects");
    } else if (const auto number = number_of(row, field.name()); number && field.type()->id() == arrow::Type::INT64) {
      SLUICE_TRY_ARROW(static_cast<arrow::Int64Builder&>(*builder).Append(*number), "make rejects");
    } else {
      SLUICE_TRY_ARROW(builder->AppendNull(), "make rejects");
    }
  }
  std::shared_ptr<arrow::Array> made;
  SLUICE_TRY_ARROW(builder->Finish(&made), "make rejects");
  return made;
}

options json_value(const arrow::Array& column, std::int64_t row) {
  if (column.IsNull(row)) return nullptr;
  const auto text = value_text(column, row);
  switch (column.type_id()) {
    case arrow::Type::BOOL:
      return text == "true" || text == "t";
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
    case arrow::Type::UINT32:
    case arrow::Type::UINT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE: {
      auto number = options::try_parse(text);
      return number && number->is_number() ? *std::move(number) : options(text);
    }
    default:
      return text;
  }
}

}  // namespace

result<batch> rejects_batch(const std::vector<rejected_row>& rows, const std::shared_ptr<arrow::Schema>& schema,
                            const std::string& run) {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const auto& field : schema->fields()) {
    SLUICE_ASSIGN(auto column, column_of(rows, *field, run));
    columns.push_back(std::move(column));
  }
  batch made;
  made.data = arrow::RecordBatch::Make(schema, static_cast<std::int64_t>(rows.size()), std::move(columns));
  return made;
}

std::vector<rejected_row> rejected_rows(const batch& in, const row_errors& why) {
  std::vector<rejected_row> rows;
  for (std::size_t at = 0; at < why.size();) {
    const auto row = why[at].row;
    rejected_row record;
    record.code = why[at].code;
    record.column = why[at].column;
    for (; at < why.size() && why[at].row == row; ++at)
      record.message += (record.message.empty() ? "" : "; ") + why[at].message;
    record.record = row_json(*in.data, row);
    if (in.positions) record.position = position_at(*in.positions, row);
    rows.push_back(std::move(record));
  }
  return rows;
}

std::string row_json(const arrow::RecordBatch& of, std::int64_t row) {
  auto object = options::object();
  for (int i = 0; i < of.num_columns(); ++i) object[of.column_name(i)] = json_value(*of.column(i), row);
  return object.dump();
}

std::string rejects_line(const rejected_row& row, const std::string& run) {
  auto line =
      options{{"run", run}, {"unit", row.unit}, {"code", row.code}, {"column", row.column}, {"message", row.message}};
  if (!row.file.empty()) line["file"] = row.file;
  if (row.line > 0) line["line"] = row.line;
  if (const auto offset = number_of(row, "offset")) line["offset"] = *offset;
  if (is_text(row.record)) {
    line["record"] = row.record;
  } else {
    line["record_base64"] = arrow::util::base64_encode(row.record);
  }
  return line.dump() + "\n";
}

}  // namespace sluice::actors
