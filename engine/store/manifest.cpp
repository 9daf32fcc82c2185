#include "engine/store/manifest.hpp"

#include "engine/values/hexadecimal.hpp"

namespace sluice::store {

namespace {

options to_json(const source_change& what) {
  options out = {{"unit", what.unit}, {"forget_files", what.forget_files}};
  if (what.position) out["position"] = *what.position;
  if (what.schema) out["schema"] = *what.schema;
  auto files = options::array();
  for (const auto& file : what.files)
    files.push_back({to_hexadecimal(file.path), file.size, file.modified, file.head, file.tail});
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
    out.files.push_back({.path = from_hexadecimal(file.at(0).get<std::string>()),
                         .size = file.at(1).get<std::int64_t>(),
                         .modified = file.at(2).get<std::int64_t>(),
                         .head = file.at(3).get<std::string>(),
                         .tail = file.at(4).get<std::string>()});
  return out;
}

options to_json(const std::vector<prepared_sink>& sinks) {
  auto list = options::array();
  for (const auto& one : sinks)
    list.push_back({{"unit", one.unit},
                    {"instance", one.instance},
                    {"token", to_hexadecimal(one.token)},
                    {"target", one.target},
                    {"rows", one.rows}});
  return list;
}

std::vector<prepared_sink> sinks_from(const options& json) {
  std::vector<prepared_sink> sinks;
  for (const auto& one : json)
    sinks.push_back({.unit = one.value("unit", ""),
                     .instance = one.value("instance", 0U),
                     .token = from_hexadecimal(one.value("token", "")),
                     .target = one.value("target", ""),
                     .rows = one.value("rows", std::uint64_t{0})});
  return sinks;
}

}  // namespace

options to_json(const manifest& what) {
  auto sources = options::array();
  for (const auto& one : what.sources) sources.push_back(to_json(one));
  options json = {
      {"epoch", what.epoch}, {"end", what.end}, {"sinks", to_json(what.sinks)}, {"sources", std::move(sources)}};
  if (!what.held.empty()) json["held"] = to_json(what.held);
  if (!what.snapshot.is_null()) json["snapshot"] = what.snapshot;
  if (what.savepoint) json["savepoint"] = true;
  return json;
}

manifest manifest_from(const options& json) {
  manifest out;
  if (!json.is_object()) return out;
  out.epoch = json.value("epoch", std::int64_t{1});
  out.end = json.value("end", "");
  out.sinks = sinks_from(json.value("sinks", options::array()));
  out.held = sinks_from(json.value("held", options::array()));
  for (const auto& one : json.value("sources", options::array())) out.sources.push_back(change_from(one));
  if (json.contains("snapshot")) out.snapshot = json["snapshot"];
  out.savepoint = json.value("savepoint", false);
  return out;
}

options summary_of(const checkpoint_record& what) {
  const auto& snapshot = what.what.snapshot;
  std::uint64_t bytes = 0;
  std::uint64_t held = 0;
  for (const auto& one : snapshot.value("instances", options::array())) {
    bytes += one.at("state").at(1).get<std::uint64_t>();
    held += one.value("held", std::uint64_t{0});
  }
  auto sinks = options::array();
  for (const auto* list : {&what.what.sinks, &what.what.held})
    for (const auto& one : *list) sinks.push_back({{"unit", one.unit}, {"target", one.target}, {"rows", one.rows}});
  auto sources = options::object();
  const auto all = snapshot.value("sources", options::object());
  for (const auto& [unit, splits] : all.items()) {
    std::uint64_t ended = 0;
    for (const auto& range : splits.value("ended", options::array()))
      ended += range.at(1).get<std::uint64_t>() - range.at(0).get<std::uint64_t>() + 1;
    sources[unit] = {{"splits_ended", ended}, {"splits_open", splits.value("open", options::array()).size()}};
  }
  return {{"epoch", what.what.epoch},
          {"completed", what.completed},
          {"committed", what.committed},
          {"visible", what.what.held.empty() && what.committed != 0},
          {"savepoint", what.what.savepoint},
          {"state_bytes", bytes},
          {"rows_held", held},
          {"sinks", std::move(sinks)},
          {"sources", std::move(sources)}};
}

}  // namespace sluice::store
