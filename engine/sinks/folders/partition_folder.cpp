#include "engine/sinks/folders/partition_folder.hpp"

#include "engine/error/names.hpp"
#include "engine/files/file_sink_options.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice::folders {

namespace {

constexpr std::string_view null_partition = "__HIVE_DEFAULT_PARTITION__";
constexpr std::size_t longest_name = 255;  // NAME_MAX of every Linux file system

/// What Hive and Spark escape.
bool is_special(char letter) {
  constexpr std::string_view special = "\"#%'*/:=?\\{}[]^\x7f";
  return static_cast<unsigned char>(letter) < 0x20 || special.find(letter) != std::string_view::npos;
}

void append_escaped(std::string& out, char letter) {
  constexpr char digits[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(letter);
  out += '%';
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

/// `hidden`: a name that begins so would be passed over by readers.
std::string escaped(std::string_view text, bool is_begin) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hidden = is_begin && i == 0 && (text[i] == '.' || text[i] == '_');
    if (hidden || is_special(text[i]))
      append_escaped(out, text[i]);
    else
      out += text[i];
  }
  return out;
}

std::string escaped_value(const arrow::Array& column, std::int64_t row) {
  if (column.IsNull(row)) return std::string(null_partition);
  const auto text = value_text(column, row);
  return escaped(text, text == null_partition);
}

bool can_name_folder(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::UINT64:
    case arrow::Type::STRING:
    case arrow::Type::DATE32:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      return true;
    case arrow::Type::DICTIONARY:
      return can_name_folder(*static_cast<const arrow::DictionaryType&>(type).value_type());
    default:
      return false;
  }
}

std::string casts_of(const std::string& name) {
  return "cast it before: derive: { " + quoted_identifier(name) + ": \"" + quoted_identifier(name) + "::text\" }";
}

}  // namespace

partition_columns read_partition_by(const sink_request& request, const std::string& component, diagnostics& faults) {
  partition_columns made;
  if (!request.own.is_object() || !request.own.contains("partition_by") || !request.own["partition_by"].is_array())
    return made;
  made.names = request.own["partition_by"].get<std::vector<std::string>>();
  if (!request.schema || request.schema->num_fields() == 0) return made;
  const auto& schema = *request.schema;
  for (std::size_t i = 0; i < made.names.size(); ++i) {
    const auto& name = made.names[i];
    const auto fault = [&](std::string code, std::string message, std::string hint) {
      faults.push_back(option_fault(component, "partition_by/" + std::to_string(i),
                                    user_error(std::move(code), std::move(message), std::move(hint))));
    };
    const int at = schema.GetFieldIndex(name);
    if (at < 0) {
      const auto near = nearest_name(name, schema.field_names());
      fault("unknown_column", "no column " + name + " arrives",
            near.empty() ? "the columns are " + schema_text(schema) : "did you mean " + near + "?");
    } else if (std::find(made.keys.begin(), made.keys.end(), at) != made.keys.end()) {
      fault("invalid_option", "partition_by names column " + name + " twice", "name each column once");
    } else if (!can_name_folder(*schema.field(at)->type())) {
      fault("invalid_option",
            "column " + name + " is " + type_name(*schema.field(at)->type()) + ", which can't name folders",
            casts_of(name));
    } else {
      made.keys.push_back(at);
    }
  }
  arrow::FieldVector rest;
  for (int i = 0; i < schema.num_fields(); ++i)
    if (component != "parquet" || std::find(made.keys.begin(), made.keys.end(), i) == made.keys.end())
      rest.push_back(schema.field(i));
  if (rest.empty() && !made.keys.empty())
    faults.push_back(
        option_fault(component, "partition_by",
                     user_error("invalid_option", "partition_by names all columns, and none is left for the files",
                                "leave one out: the columns of partition_by are in the names of the folders only")));
  made.in_files = arrow::schema(std::move(rest), schema.metadata());
  return made;
}

result<std::string> partition_folder(const partition_columns& by,
                                     const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t row) {
  std::string folders;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto name = escaped(by.names[i], true) + "=" + escaped_value(*keys[i], row);
    if (name.size() > longest_name)
      return user_error(
          "value_too_large",
          "column " + by.names[i] + " can't name a folder: the name would have " + std::to_string(name.size()) +
              " bytes, and at most 255 are possible: " + shortened(name, 60),
          "derive a shorter value for partition_by, such as left(" + quoted_identifier(by.names[i]) + ", 50)");
    folders += (folders.empty() ? "" : "/") + name;
  }
  return folders;
}

}  // namespace sluice::folders
