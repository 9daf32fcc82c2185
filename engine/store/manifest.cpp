#include "engine/store/manifest.hpp"

namespace sluice::store {

namespace {

/// JSON holds text only; tokens and the names of files are bytes.
std::string to_hex(const std::string& bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string from_hex(const std::string& text) {
  const auto value = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
  std::string bytes;
  for (std::size_t at = 0; at + 1 < text.size(); at += 2)
    bytes += static_cast<char>(value(text[at]) * 16 + value(text[at + 1]));
  return bytes;
}

options to_json(const source_change& what) {
  options out = {{"unit", what.unit}, {"forget_files", what.forget_files}};
  if (what.position) out["position"] = *what.position;
  if (what.schema) out["schema"] = *what.schema;
  auto files = options::array();
  for (const auto& file : what.files)
    files.push_back({to_hex(file.path), file.size, file.modified, file.head, file.tail});
  out["files"] = std::move(files);
  return out;
}

source_change change_from(const options& json) {
  source_change out;
  out.unit = json.value("unit", "");
  out.forget_files = json.value("forget_files", false);
  if (json.contains("position")) out.position = json["position"];
  if (json.contains("schema")) out.schema = json["schema"];
  for (const auto& file : json.value("files", options::array()))
    out.files.push_back({.path = from_hex(file.at(0).get<std::string>()),
                         .size = file.at(1).get<std::int64_t>(),
                         .modified = file.at(2).get<std::int64_t>(),
                         .head = file.at(3).get<std::string>(),
                         .tail = file.at(4).get<std::string>()});
  return out;
}

}  // namespace

options to_json(const manifest& what) {
  auto sinks = options::array();
  for (const auto& one : what.sinks)
    sinks.push_back({{"unit", one.unit},
                     {"instance", one.instance},
                     {"token", to_hex(one.token)},
                     {"target", one.target},
                     {"rows", one.rows}});
  auto sources = options::array();
  for (const auto& one : what.sources) sources.push_back(to_json(one));
  return {{"epoch", what.epoch}, {"end", what.end}, {"sinks", std::move(sinks)}, {"sources", std::move(sources)}};
}

manifest manifest_from(const options& json) {
  manifest out;
  if (!json.is_object()) return out;
  out.epoch = json.value("epoch", std::int64_t{1});
  out.end = json.value("end", "");
  for (const auto& one : json.value("sinks", options::array()))
    out.sinks.push_back({.unit = one.value("unit", ""),
                         .instance = one.value("instance", 0U),
                         .token = from_hex(one.value("token", "")),
                         .target = one.value("target", ""),
                         .rows = one.value("rows", std::uint64_t{0})});
  for (const auto& one : json.value("sources", options::array())) out.sources.push_back(change_from(one));
  return out;
}

}  // namespace sluice::store
