#include "engine/columns/language_columns.hpp"

#include "engine/values/types.hpp"
#include "engine/values/utf8.hpp"

#include <arrow/array.h>
#include <arrow/status.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>
#include <map>

namespace sluice {

namespace {

constexpr const char* unreadable_mark = "sluice.unreadable";

}  // namespace

std::shared_ptr<arrow::Schema> language_schema(const arrow::Schema& file, const source_request& request,
                                               const std::string& name, diagnostics& faults) {
  const auto& named = request.columns;
  std::map<std::string, int> seen;
  for (const auto& field : file.fields()) ++seen[field->name()];
  arrow::FieldVector fields;
  for (const auto& field : file.fields()) {
    const auto& column = field->name();
    auto& count = seen[column];
    if (count == 0) continue;  // a name that was there before
    std::string why;
    auto type = language_type(field->type());
    if (count > 1) {
      why = "the file " + name + " has " + std::to_string(count) + " columns with the name " + column;
      count = 0;
    } else if (!type) {
      why = "column " + column + " of " + name + " has the type " + field->type()->ToString() +
            ", which is not supported";
    }
    if (why.empty()) {
      fields.push_back(arrow::field(column, std::move(type)));
    } else if (named.empty()) {
      fields.push_back(arrow::field(column, arrow::utf8(), arrow::key_value_metadata({{unreadable_mark, why}})));
    } else if (std::find(named.begin(), named.end(), column) != named.end()) {
      faults.push_back(user_error("unsupported_type", why, "leave it out: columns: [...]"));
    }
  }
  return arrow::schema(std::move(fields));
}

std::optional<std::string> unreadable(const arrow::Field& field) {
  if (!field.HasMetadata() || !field.metadata()->Contains(unreadable_mark)) return {};
  return field.metadata()->Get(unreadable_mark).ValueOr("");
}

status same_columns(const arrow::Schema& wanted, const arrow::Schema& file, const std::string& name) {
  for (const auto& field : wanted.fields()) {
    if (unreadable(*field)) continue;
    const auto found = file.GetFieldByName(field->name());
    if (!found)
      return user_error(
          "missing_column",
          "the file " + name + " has no column " + field->name() + ", but other files of the source have it",
          "read it in another extract unit, or leave the column out: columns: [...]");
    const auto type = language_type(found->type());
    if (!type || !type->Equals(*field->type()))
      return user_error("type_mismatch",
                        "column " + field->name() + " is " + type_name(*field->type()) + " in the first file and " +
                            (type ? type_name(*type) : found->type()->ToString()) + " in " + name,
                        "read it in another extract unit and cast there");
  }
  return {};
}

namespace {

/// True where every value is UTF-8: all bytes together are, and no value begins within a character.
bool all_utf8(const arrow::StringArray& texts) {
  if (texts.length() == 0) return true;
  const auto* const ends = texts.raw_value_offsets();
  const auto* const bytes = reinterpret_cast<const char*>(texts.raw_data());
  const auto begin = ends[0];
  const auto end = ends[texts.length()];
  if (begin == end) return true;
  if (!is_utf8({bytes + begin, static_cast<std::size_t>(end - begin)})) return false;
  const auto continues = [&](std::int32_t at) {
    return at < end && (static_cast<unsigned char>(bytes[at]) & 0xC0U) == 0x80U;
  };
  return std::none_of(ends, ends + texts.length(), continues);
}

}  // namespace

status check_texts(const arrow::Array& values, const std::string& column, const std::string& file) {
  switch (values.type_id()) {
    case arrow::Type::STRING:
      if (all_utf8(static_cast<const arrow::StringArray&>(values))) return {};
      return user_error("invalid_utf8",
                        "column " + column + " of " + file + " has the type text, but is not valid UTF-8",
                        "leave the column out: columns: [...]; or write it with a binary type");
    case arrow::Type::LIST:
      return check_texts(*static_cast<const arrow::ListArray&>(values).values(), column, file);
    case arrow::Type::STRUCT:
      for (const auto& field : static_cast<const arrow::StructArray&>(values).fields())
        SLUICE_TRY(check_texts(*field, column, file));
      return {};
    default:
      return {};
  }
}

status check_times_of_day(const arrow::Array& values, const std::string& column, const std::string& file) {
  constexpr std::int64_t day = 86'400'000'000;
  switch (values.type_id()) {
    case arrow::Type::TIME64: {
      const auto& times = static_cast<const arrow::Time64Array&>(values);
      for (std::int64_t row = 0; row < times.length(); ++row) {
        const auto value = times.Value(row);
        if ((value >= 0 && value < day) || times.IsNull(row)) continue;
        return user_error("value_out_of_range",
                          "column " + column + " of " + file + " contains a time of " + std::to_string(value) +
                              " microseconds, which is outside of a day",
                          "leave the column out: columns: [...]; or write it with a number type");
      }
      return {};
    }
    case arrow::Type::LIST:
      return check_times_of_day(*static_cast<const arrow::ListArray&>(values).values(), column, file);
    case arrow::Type::STRUCT:
      for (const auto& field : static_cast<const arrow::StructArray&>(values).fields())
        SLUICE_TRY(check_times_of_day(*field, column, file));
      return {};
    default:
      return {};
  }
}

error corrupt_file(const std::string& name, const std::string& format, const arrow::Status& why) {
  if (why.IsOutOfMemory() || why.IsCancelled()) return from_arrow(why, "read " + name);
  auto text = why.message();
  // Arrow's messages may go on over several lines.
  text = text.substr(0, text.find('\n'));
  return user_error("corrupt_file", "the file " + name + " is not a complete " + format + ": " + text,
                    "check its format, and that the program that writes it has finished");
}

}  // namespace sluice
