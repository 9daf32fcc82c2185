#include "engine/formats/messages/message_encoder.hpp"

#include "engine/error/names.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice::messages {

namespace {

int column_named(const sink_request& request, const std::string& name, const std::string& path, diagnostics& faults) {
  const int index = request.schema->GetFieldIndex(name);
  if (index < 0) {
    const auto near = nearest_name(name, request.schema->field_names());
    auto fault =
        user_error("unknown_column", "no column " + name + " arrives",
                   near.empty() ? "the columns are " + schema_text(*request.schema) : "did you mean " + near + "?");
    fault.path = path;
    faults.push_back(std::move(fault));
  }
  return index;
}

/// The one column that is neither key nor header.
int value_column(const sink_request& request, const message_columns& made, const std::string& component,
                 diagnostics& faults) {
  std::vector<int> left;
  for (int i = 0; i < request.schema->num_fields(); ++i) {
    const bool used =
        i == made.key || std::find(made.others.begin(), made.others.end(), i) != made.others.end() ||
        std::any_of(made.headers.begin(), made.headers.end(), [&](const auto& one) { return one.column == i; });
    if (!used) left.push_back(i);
  }
  const auto& wanted = made.form == format::text ? "text" : "bytes";
  const bool fits = left.size() == 1 &&
                    (made.form == format::text || request.schema->field(left[0])->type()->id() == arrow::Type::BINARY);
  if (fits) return left[0];
  auto fault = user_error("invalid_option",
                          std::string("format ") + wanted + " needs one column" +
                              (made.form == format::bytes ? " of type bytea" : "") + " beside " +
                              (made.others.empty() ? "key" : "routing key, message id") + " and headers, here are " +
                              schema_text(*request.schema),
                          "select the column before the sink, or set format: json");
  fault.path = "/" + component + "/format";
  faults.push_back(std::move(fault));
  return -1;
}

}  // namespace

message_columns read_message_columns(const sink_request& request, const std::string& component, diagnostics& faults,
                                     const std::vector<std::string>& others) {
  message_columns made;
  const auto& own = request.own;
  const auto before = faults.size();
  made.form = read_format(own);
  made.others.assign(others.size(), -1);
  if (!request.schema) return made;
  for (std::size_t i = 0; i < others.size(); ++i)
    if (const auto name = own.value(others[i], ""); !name.empty())
      made.others[i] = column_named(request, name, "/" + component + "/" + others[i], faults);
  if (const auto key = own.value("key", ""); !key.empty())
    made.key = column_named(request, key, "/" + component + "/key", faults);
  if (own.contains("headers") && own["headers"].is_object())
    for (const auto& [name, column] : own["headers"].items())
      made.headers.push_back(
          {name, column_named(request, column.get<std::string>(), "/" + component + "/headers/" + name, faults)});
  if (request.schema->num_fields() == 0)
    faults.push_back(user_error("no_columns", "a message needs at least one column", "select some"));
  if (faults.size() > before) return made;
  if (made.form == format::text || made.form == format::bytes)
    made.value = value_column(request, made, component, faults);
  return made;
}

namespace {
csv::writer_rules record_rules() {
  csv::writer_rules rules;
  rules.header = false;
  rules.line_end.clear();
  return rules;
}
}  // namespace

message_encoder::message_encoder(const arrow::Schema& schema, message_columns what, on_error policy)
    : what_(std::move(what)),
      json_(schema, policy == on_error::set_null),
      csv_(record_rules(), arrow::schema(schema.fields())) {}

message_encoder::~message_encoder() = default;

void message_encoder::start(const arrow::RecordBatch& rows) {
  rows_ = &rows;
  row_ = 0;
  if (what_.form == format::json) json_.start(rows);
}

std::optional<made_message> message_encoder::next(row_errors& refused) {
  if (row_ >= rows_->num_rows()) return {};
  switch (what_.form) {
    case format::json: {
      line_.truncate(0);
      constexpr std::int64_t one_line = 1;
      row_ = json_.write(row_, one_line, line_, refused);
      if (line_.size() == 0) return {};
      // Without the newline.
      return made_message{row_ - 1, std::string_view(reinterpret_cast<const char*>(line_.data()),
                                                     static_cast<std::size_t>(line_.size() - 1))};
    }
    case format::csv:
      csv_.clear();
      csv_.write(*rows_->Slice(row_, 1));
      return made_message{row_++, std::string_view(csv_.data(), csv_.size())};
    case format::text:
    case format::bytes: {
      const auto row = row_++;
      return made_message{row, bytes_of(what_.value, row, room_)};
    }
  }
  return {};
}

std::optional<std::string_view> message_encoder::bytes_of(int column, std::int64_t row, std::string& room) const {
  const auto& values = *rows_->column(column);
  if (values.IsNull(row)) return {};
  if (values.type_id() == arrow::Type::STRING) return static_cast<const arrow::StringArray&>(values).GetView(row);
  if (values.type_id() == arrow::Type::BINARY) return static_cast<const arrow::BinaryArray&>(values).GetView(row);
  room.clear();
  append_value(room, values, row);
  return std::string_view(room);
}

}  // namespace sluice::messages
