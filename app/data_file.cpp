#include "app/data_file.hpp"

#include "engine/component/options.hpp"
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
  const char* own;
};

constexpr known_extension known_extensions[] = {
    {".csv", "csv", ""},       {".tsv", "csv", ", separator: \"\\t\""},
    {".ndjson", "ndjson", ""}, {".jsonl", "ndjson", ""},
    {".json", "ndjson", ""},   {".parquet", "parquet", ""},
    {".pq", "parquet", ""},    {".arrow", "ipc", ""},
    {".arrows", "ipc", ""},    {".ipc", "ipc", ""},
    {".feather", "ipc", ""},
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Letters, digits and _, not beginning with a digit.
std::string unit_name(const std::string& stem) {
  std::string name;
  for (const char letter : lower(stem)) {
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
      std::any_of(std::begin(words), std::end(words), [&](const char* each) { return lower(text) == each; });
  const bool fits = !text.empty() && !word && std::isalpha(static_cast<unsigned char>(text.front())) != 0 &&
                    std::all_of(text.begin(), text.end(), plain);
  return fits ? text : quoted(text);
}

}  // namespace

std::optional<data_file> recognise_data_file(const std::string& path) {
  std::filesystem::path name = std::filesystem::path(path).filename();
  const auto last = lower(name.extension().string());
  for (const auto* packed : {".gz", ".zst", ".bz2", ".lz4"})
    if (last == packed) name = name.stem();
  const auto extension = lower(name.extension().string());
  for (const auto& known : known_extensions)
    if (extension == known.extension)
      return data_file{path, known.component, known.own, unit_name(name.stem().string())};
  return std::nullopt;
}

std::string reading_pipeline(const data_file& file) {
  return "version: 1\npipeline: preview\nextract:\n  " + file.name + ":\n    " + file.component +
         ": { path: " + quoted(file.path) + file.own + " }\nload:\n  nowhere:\n    from: " + file.name +
         "\n    blackhole: {}\n";
}

std::string skeleton_pipeline(const data_file& file, const arrow::Schema& schema) {
  std::string text = "version: 1\npipeline: " + pipeline_name(file.name) + "\n\nextract:\n  " + file.name + ":\n    " +
                     file.component + ": { path: " + quoted(file.path) + file.own + " }\n";
  // Parquet and IPC files have types of their own.
  if (file.component == "csv" || file.component == "ndjson") {
    text += "    types:\n";
    for (const auto& field : schema.fields())
      text += "      " + plain_or_quoted(field->name()) + ": " + plain_or_quoted(type_name(*field->type())) + "\n";
  }
  text += "\n# transform:\n#   cleaned:\n#     from: " + file.name + "\n#     filter: \"...\"\n";
  return text + "\nload:\n  out:\n    from: " + file.name +
         "\n    parquet: { path: " + quoted("out/" + file.name + ".parquet") + " }\n";
}

}  // namespace sluice::app
