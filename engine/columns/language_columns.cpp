#include "engine/columns/language_columns.hpp"

#include "engine/values/short_bytes.hpp"
#include "engine/values/types.hpp"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/util/bitmap_ops.h>
#include <simdjson.h>

#include <algorithm>
#include <limits>

namespace sluice {

std::shared_ptr<arrow::Schema> language_schema(const arrow::Schema& file, const source_request& request,
                                               const std::string& name, diagnostics& faults) {
  arrow::FieldVector fields;
  for (const auto& field : file.fields()) {
    auto type = language_type(field->type());
    const auto& named = request.columns;
    const bool wanted = named.empty() || std::find(named.begin(), named.end(), field->name()) != named.end();
    if (type) {
      fields.push_back(arrow::field(field->name(), std::move(type)));
    } else if (wanted) {
      faults.push_back(user_error("unsupported_type",
                                  "column " + field->name() + " of " + name + " has the type " +
                                      field->type()->ToString() + ", which has no place in a pipeline",
                                  "leave it out: columns: [...]"));
    }
  }
  return arrow::schema(std::move(fields));
}

status same_columns(const arrow::Schema& wanted, const arrow::Schema& file, const std::string& name) {
  for (const auto& field : wanted.fields()) {
    const auto found = file.GetFieldByName(field->name());
    if (!found)
      return user_error("missing_column",
                        "the file " + name + " has no column " + field->name() + ", which others of the source have",
                        "read it by another extract unit, or leave the column out: columns: [...]");
    const auto type = language_type(found->type());
    if (!type || !type->Equals(*field->type()))
      return user_error("type_mismatch",
                        "column " + field->name() + " is " + type_name(*field->type()) + " in the first file and " +
                            (type ? type_name(*type) : found->type()->ToString()) + " in " + name,
                        "read it by another extract unit and cast there");
  }
  return {};
}

namespace {

/// The texts that numbers of a dictionary stand for. Null where Arrow's cast has to do it: other types of numbers or
/// texts, nulls within the dictionary, more than 2 GiB.
result<std::shared_ptr<arrow::Array>> texts_of(const arrow::DictionaryArray& values) {
  const auto& from = *values.dictionary();
  const bool view = from.type_id() == arrow::Type::STRING_VIEW;
  if (values.indices()->type_id() != arrow::Type::INT32 || from.null_count() > 0 ||
      (!view && from.type_id() != arrow::Type::STRING))
    return std::shared_ptr<arrow::Array>();
  std::vector<std::string_view> texts;
  texts.reserve(static_cast<std::size_t>(from.length()));
  for (std::int64_t i = 0; i < from.length(); ++i)
    texts.push_back(view ? static_cast<const arrow::StringViewArray&>(from).GetView(i)
                         : static_cast<const arrow::StringArray&>(from).GetView(i));
  const auto& numbers = static_cast<const arrow::Int32Array&>(*values.indices());
  const auto rows = values.length();
  const bool nulls = values.null_count() > 0;
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> offsets, arrow::AllocateBuffer((rows + 1) * 4), "read texts");
  auto* ends = reinterpret_cast<std::int32_t*>(offsets->mutable_data());
  std::int64_t total = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    ends[row] = static_cast<std::int32_t>(total);
    if (!nulls || values.IsValid(row)) total += std::ssize(texts[static_cast<std::size_t>(numbers.Value(row))]);
    if (total > std::numeric_limits<std::int32_t>::max()) return std::shared_ptr<arrow::Array>();
  }
  ends[rows] = static_cast<std::int32_t>(total);
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> bytes, arrow::AllocateBuffer(total), "read texts");
  for (std::int64_t row = 0; row < rows; ++row) {
    if (ends[row] == ends[row + 1]) continue;
    const auto text = texts[static_cast<std::size_t>(numbers.Value(row))];
    short_copy(bytes->mutable_data() + ends[row], text.data(), text.size());
  }
  std::shared_ptr<arrow::Buffer> valid;
  if (nulls) {
    SLUICE_ASSIGN_ARROW(
        valid,
        arrow::internal::CopyBitmap(arrow::default_memory_pool(), numbers.null_bitmap_data(), numbers.offset(), rows),
        "read texts");
  }
  return std::shared_ptr<arrow::Array>(std::make_shared<arrow::StringArray>(rows, std::move(offsets), std::move(bytes),
                                                                            std::move(valid), values.null_count()));
}

/// True where every value is UTF-8: all bytes together are, and no value begins within a character.
bool is_utf8(const arrow::StringArray& texts) {
  if (texts.length() == 0) return true;
  const auto* const ends = texts.raw_value_offsets();
  const auto* const bytes = reinterpret_cast<const char*>(texts.raw_data());
  const auto begin = ends[0];
  const auto end = ends[texts.length()];
  if (begin == end) return true;
  if (!simdjson::validate_utf8(bytes + begin, static_cast<std::size_t>(end - begin))) return false;
  const auto continues = [&](std::int32_t at) {
    return at < end && (static_cast<unsigned char>(bytes[at]) & 0xC0U) == 0x80U;
  };
  return std::none_of(ends, ends + texts.length(), continues);
}

}  // namespace

status check_texts(const arrow::Array& values, const std::string& column, const std::string& file) {
  switch (values.type_id()) {
    case arrow::Type::STRING:
      if (is_utf8(static_cast<const arrow::StringArray&>(values))) return {};
      return user_error("invalid_utf8", "column " + column + " of " + file + " is called text, and is not UTF-8",
                        "leave the column out: columns: [...]; or let its writer store bytes");
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

result<std::shared_ptr<arrow::Array>> to_language(const std::shared_ptr<arrow::Array>& values,
                                                  const std::shared_ptr<arrow::DataType>& type,
                                                  const std::string& column, const std::string& file) {
  if (values->type()->Equals(*type)) return values;
  if (values->type_id() == arrow::Type::DICTIONARY && type->id() == arrow::Type::STRING) {
    SLUICE_ASSIGN(auto texts, texts_of(static_cast<const arrow::DictionaryArray&>(*values)));
    if (texts) return texts;
  }
  auto cast = arrow::compute::Cast(*values, type, arrow::compute::CastOptions::Safe(type));
  if (cast.ok()) return std::move(cast).ValueUnsafe();
  return user_error("value_out_of_range",
                    "column " + column + " of " + file + " holds values of type " + values->type()->ToString() +
                        " that " + type_name(*type) + " can't hold: " + cast.status().message(),
                    "leave the column out: columns: [...]");
}

error corrupt_file(const std::string& name, const std::string& format, const arrow::Status& why) {
  if (why.IsOutOfMemory() || why.IsCancelled()) return from_arrow(why, "read " + name);
  auto text = why.message();
  // Arrow's messages may go on over several lines.
  text = text.substr(0, text.find('\n'));
  return user_error("corrupt_file", "the file " + name + " is no complete " + format + ": " + text,
                    "check that it is one, and that its writer has finished");
}

}  // namespace sluice
