#include "app/data_file.hpp"

#include "engine/files/files.hpp"
#include "engine/files/foreign_bytes.hpp"
#include "engine/files/foreign_formats.hpp"
#include "engine/formats/csv/sniff.hpp"
#include "engine/values/ascii.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace sluice::app {

namespace {

struct known_extension {
  const char* extension;
  const char* component;
  const char* separator = nullptr;
};

constexpr known_extension known_extensions[] = {
    {".csv", "csv"},    {".tsv", "csv", "\\t"}, {".tab", "csv", "\\t"}, {".psv", "csv", "|"}, {".txt", "csv"},
    {".tbl", "csv"},    {".ndjson", "ndjson"},  {".jsonl", "ndjson"},   {".json", "ndjson"},  {".parquet", "parquet"},
    {".pq", "parquet"}, {".arrow", "ipc"},      {".arrows", "ipc"},     {".ipc", "ipc"},      {".feather", "ipc"},
};

/// Letters, digits and _, not beginning with a digit.
std::string unit_name(const std::string& stem) {
  std::string name;
  for (const char letter : ascii::lower(stem)) {
    const bool fits = std::isalnum(static_cast<unsigned char>(letter)) != 0 && static_cast<unsigned char>(letter) < 128;
    if (fits) {
      name += letter;
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name.front())) != 0)
    name = "data" + (name.empty() ? "" : "_" + name);
  return name;
}

std::string pipeline_name(std::string unit) {
  std::replace(unit.begin(), unit.end(), '_', '-');
  return unit;
}

/// YAML text in double quotes; a dollar sign is no reference.
std::string quoted(const std::string& text) {
  auto json = options(text).dump();
  for (auto at = json.find('$'); at != std::string::npos; at = json.find('$', at + 2)) json.insert(at, "$");
  return json;
}

/// A name or type as it may stand in YAML without quotes, else in quotes.
std::string plain_or_quoted(const std::string& text) {
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  static const char* const words[] = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"};
  const bool word =
      std::any_of(std::begin(words), std::end(words), [&](const char* each) { return ascii::lower(text) == each; });
  const bool fits = !text.empty() && !word && std::isalpha(static_cast<unsigned char>(text.front())) != 0 &&
                    std::all_of(text.begin(), text.end(), plain);
  return fits ? text : quoted(text);
}

/// The first bytes, unpacked but not decoded.
result<std::string> first_bytes(const std::string& path) {
  SLUICE_ASSIGN(const auto file, find_file(path, {.path = path, .base_folder = {}}));
  return peek_file(file, format_bytes);
}

/// Whether a text is a pipeline: one of the sections that every pipeline has begins a line.
bool looks_like_pipeline(std::string_view text) {
  for (const auto* key : {"version:", "pipeline:", "extract:", "load:", "transform:", "params:"}) {
    const auto at = text.find(key);
    if (at != std::string_view::npos && (at == 0 || text[at - 1] == '\n' || text.substr(0, at) == "\xEF\xBB\xBF"))
      return true;
  }
  return false;
}

/// The source for JSON: lines of objects, or documents.
result<std::string> json_component(const std::string& path) {
  SLUICE_ASSIGN(const auto first, first_bytes(path));
  const auto begin = first.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (begin == std::string::npos || first[begin] != '{')
    return std::string(begin == std::string::npos ? "ndjson" : "json");
  // A line that ends as an object does is one, or a document in a single line, which is read alike.
  const auto end = first.find('\n', begin);
  const auto last = first.find_last_not_of(" \t\r", end == std::string::npos ? end : end - 1);
  const bool closed = end != std::string::npos && first[last] == '}';
  return std::string(closed || end == std::string::npos ? "ndjson" : "json");
}

/// The source for content that no name tells of; empty: a pipeline.
result<std::string> component_of(const std::string& path, const std::string& extension) {
  SLUICE_ASSIGN(const auto first, first_bytes(path));
  if (const auto known = known_format(first)) {
    if (!known->component.empty()) return known->component;
    return user_error("foreign_file", (path == "-" ? "standard input" : path) + " is " + known->name, known->hint);
  }
  if (extension == ".yaml" || extension == ".yml" || looks_like_pipeline(first)) return std::string();
  const auto begin = first.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return std::string(first.empty() && path != "-" ? "" : "csv");
  if (first[begin] == '{') return json_component(path);
  if (first[begin] == '[' && first.find_first_of("[{\"", begin + 1) != std::string::npos) return std::string("json");
  const bool zeros = first.find('\0') != std::string::npos;
  if (zeros && !looks_like_utf16(first) && !first.starts_with("\xFF\xFE") && !first.starts_with("\xFE\xFF"))
    return user_error("foreign_file", path + " is not text, and its format is unknown",
                      "data files can be CSV, NDJSON, Parquet or Arrow; set the format with --format");
  return std::string("csv");
}

/// Finds out how a CSV file is written; what the command line says is not looked for.
status find_dialect(data_file& file, const data_options& given) {
  auto& own = file.own;
  if (!given.separator.empty()) own["separator"] = given.separator == "\t" ? "\\t" : given.separator;
  if (!given.quote.empty()) own["quote"] = given.quote;
  if (!given.encoding.empty()) own["encoding"] = given.encoding;
  if (given.skip_rows >= 0) own["skip_rows"] = given.skip_rows;
  if (given.no_header) own["header"] = false;
  SLUICE_ASSIGN(const auto found, find_file(file.path, {.path = file.path, .base_folder = {}}));
  SLUICE_ASSIGN(const auto seems, csv::sniff_file(found, own));
  for (const auto& [name, value] : seems.own.items())
    if (!own.contains(name)) own[name] = value;
  file.types = seems.types;
  return {};
}

/// As a map in flow style: JSON is YAML, and a dollar sign is no reference.
std::string flow(const options& map) {
  auto json = map.dump();
  for (auto at = json.find('$'); at != std::string::npos; at = json.find('$', at + 2)) json.insert(at, "$");
  return json;
}

std::string own_text(const data_file& file) {
  const auto text = csv::options_text(file.own);
  return text.empty() ? text : ", " + text;
}

}  // namespace

result<std::optional<data_file>> recognise_data_file(const std::string& path, const data_options& given) {
  std::filesystem::path name = std::filesystem::path(path).filename();
  if (path == "-") name = "stdin";
  const auto last = ascii::lower(name.extension().string());
  for (const auto* packed : {".gz", ".zst", ".bz2", ".lz4", ".gzip", ".zstd", ".bzip2"})
    if (last == packed) name = name.stem();
  const auto extension = ascii::lower(name.extension().string());
  data_file made = {.path = path, .component = given.format, .name = unit_name(name.stem().string())};
  const auto known = std::find_if(std::begin(known_extensions), std::end(known_extensions),
                                  [&](const auto& each) { return extension == each.extension; });
  if (made.component.empty() && known != std::end(known_extensions)) {
    made.component = known->component;
    if (extension == ".json") {
      SLUICE_ASSIGN(made.component, json_component(path));
    }
    if (known->separator != nullptr && given.separator.empty()) made.own["separator"] = known->separator;
  }
  if (made.component.empty()) {
    SLUICE_ASSIGN(made.component, component_of(path, extension));
    if (made.component.empty() && given.any()) made.component = "csv";
  }
  if (made.component.empty()) return std::optional<data_file>();
  if (made.component == "csv") {
    SLUICE_ASSIGN(const auto first, first_bytes(path));
    if (auto foreign = not_wanted_format(path == "-" ? "standard input" : path, first, "CSV"))
      return std::move(*foreign);
    SLUICE_TRY(find_dialect(made, given));
  }
  return std::optional(std::move(made));
}

std::string reading_pipeline(const data_file& file) {
  const auto types = file.types.empty() ? "" : "    types: " + flow(file.types) + "\n";
  return "version: 1\npipeline: preview\nextract:\n  " + file.name + ":\n    " + file.component +
         ": { path: " + quoted(file.path) + own_text(file) + " }\n" + types +
         "load:\n  nowhere:\n    from: " + file.name + "\n    blackhole: {}\n";
}

std::string skeleton_pipeline(const data_file& file, const arrow::Schema& schema) {
  std::string text = "version: 1\npipeline: " + pipeline_name(file.name) + "\n\nextract:\n  " + file.name + ":\n    " +
                     file.component + ": { path: " + quoted(file.path) + own_text(file) + " }\n";
  // Parquet and IPC files have types of their own.
  if (file.component == "csv" || file.component == "ndjson" || file.component == "json") {
    text += "    types:\n";
    for (const auto& field : schema.fields()) {
      const auto special = file.types.find(field->name());
      text += "      " + plain_or_quoted(field->name()) + ": " +
              (special == file.types.end() ? plain_or_quoted(type_name(*field->type())) : flow(*special)) + "\n";
    }
  }
  text += "\n# transform:\n#   cleaned:\n#     from: " + file.name + "\n#     filter: \"...\"\n";
  return text + "\nload:\n  out:\n    from: " + file.name +
         "\n    parquet: { path: " + quoted("out/" + file.name + ".parquet") + " }\n";
}

}  // namespace sluice::app
