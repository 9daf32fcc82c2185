#include "engine/files/folder_columns.hpp"

#include "engine/columns/typed/append.hpp"
#include "engine/columns/typed/type_guess.hpp"
#include "engine/error/names.hpp"
#include "engine/files/file_faults.hpp"
#include "engine/values/types.hpp"
#include "engine/values/utf8.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/result.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

constexpr std::string_view null_partition = "__HIVE_DEFAULT_PARTITION__";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = static_cast<char>(c | 0x20);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    out += low < 0 ? text[i] : static_cast<char>(high * 16 + low);
    if (low >= 0) i += 2;
  }
  return out;
}

std::string names_text(const std::vector<std::pair<std::string, std::optional<std::string>>>& parts) {
  std::string text;
  for (const auto& [name, ignored] : parts) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

}  // namespace

std::vector<std::pair<std::string, std::optional<std::string>>> partitions_of(const std::string& name) {
  std::vector<std::pair<std::string, std::optional<std::string>>> parts;
  std::string_view rest = name;
  for (auto slash = rest.find('/'); slash != std::string_view::npos; slash = rest.find('/')) {
    const auto folder = rest.substr(0, slash);
    rest.remove_prefix(slash + 1);
    const auto equals = folder.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    const auto value = folder.substr(equals + 1);
    parts.emplace_back(decoded(folder.substr(0, equals)),
                       value == null_partition ? std::nullopt : std::optional(decoded(value)));
  }
  return parts;
}

result<arrow::FieldVector> partition_columns(const std::vector<input_file>& files) {
  const auto first = files.empty() ? decltype(partitions_of(""))() : partitions_of(files.front().name);
  std::vector<typed::type_guess> guesses(first.size());
  for (const auto& file : files) {
    const auto parts = partitions_of(file.name);
    const bool same = std::equal(parts.begin(), parts.end(), first.begin(), first.end(),
                                 [](const auto& a, const auto& b) { return a.first == b.first; });
    if (!same)
      return user_error("different_columns",
                        "the folders of " + file.name + " have other columns (" + names_text(parts) +
                            ") than the folders of " + files.front().name + " (" + names_text(first) + ")",
                        "read these files with a separate source");
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (parts[i].second) guesses[i].see(*parts[i].second);
  }
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < first.size(); ++i) {
    auto type = guesses[i].type();
    if (type->id() != arrow::Type::INT64 && type->id() != arrow::Type::DATE32) type = arrow::utf8();
    fields.push_back(arrow::field(first[i].first, std::move(type)));
  }
  return fields;
}

result<std::shared_ptr<arrow::Array>> partition_values(const std::string& file, const arrow::Field& column,
                                                       std::int64_t rows) {
  std::optional<std::string> text;
  for (const auto& [name, value] : partitions_of(file))
    if (name == column.name()) text = value;
  if (text && !is_utf8(*text))
    return name_not_utf8(file, "rename the folder, or leave column " + column.name() + " out: columns: [...]");
  SLUICE_ASSIGN(auto read, typed::make_column(column.name(), column.name(), column.type(), true));
  zone_clock utc;
  if (!text) {
    read.append_null();
  } else if (!typed::append_text(*text, read, utc)) {
    return user_error("contradicts_type",
                      "column " + column.name() + " is " + type_name(*column.type()) + ", and the folders of " + file +
                          " say '" + *text + "': " + types_line(column.name(), "text"),
                      "write " + types_line(column.name(), "text") + " beside the component");
  }
  SLUICE_ASSIGN(const auto one, read.finish());
  SLUICE_ASSIGN_ARROW(const auto value, one->GetScalar(0), "fill in the partition");
  SLUICE_ASSIGN_ARROW(auto values, arrow::MakeArrayFromScalar(*value, rows), "fill in the partition");
  return values;
}

}  // namespace sluice
