#include "config/node_file.hpp"

#include "config/option_reader.hpp"
#include "engine/values/quantities.hpp"

namespace sluice::config {

namespace {

field_spec text_field(const char* name) { return {.name = name}; }
field_spec time_field(const char* name) { return {.name = name, .form = shape::duration}; }

const field_spec& form() {
  static const field_spec whole{
      .form = shape::object,
      .elements = {
          text_field("name"),
          text_field("listen"),
          text_field("http"),
          text_field("join"),
          {.name = "role", .choices = {"controller", "worker", "both"}},
          text_field("tls"),
          text_field("runs_folder"),
          {.name = "runs", .form = shape::integer},
          {.name = "labels", .form = shape::map, .elements = {{.form = shape::text}}},
          {.name = "heartbeat",
           .form = shape::object,
           .elements = {time_field("interval"), time_field("suspect"), time_field("lost"), time_field("kept")}},
          {.name = "exchange",
           .form = shape::object,
           .elements = {{.name = "memory", .form = shape::size},
                        {.name = "compression", .choices = {"auto", "none", "lz4", "zstd"}}}}}};
  return whole;
}

std::optional<std::chrono::milliseconds> time_of(const options& from, const char* name) {
  const auto found = from.find(name);
  if (found == from.end() || found->is_null()) return {};
  const auto parsed = parse_duration(found->text());
  if (!parsed.ok()) return {};
  return std::chrono::milliseconds(*parsed / 1000);
}

/// A node is suspect after some heartbeats, and lost after more.
void check_times(const reading& in, const node& at, const node_file::beats& times) {
  using std::chrono::milliseconds;
  const auto interval = times.interval.value_or(milliseconds(500));
  const auto suspect = times.suspect.value_or(4 * interval);
  const auto lost = times.lost.value_or(12 * interval);
  if (interval < milliseconds(50) || interval > milliseconds(60'000))
    in.fault(at, "invalid_value", "the interval of heartbeats must be between 50ms and 1m",
             "heartbeat: { interval: 500ms, suspect: 2s, lost: 6s }");
  else if (suspect < 2 * interval || lost <= suspect)
    in.fault(at, "invalid_value", "suspect must be at least two intervals of heartbeats, and lost more than suspect",
             "heartbeat: { interval: 500ms, suspect: 2s, lost: 6s }");
}

node_file::rows read_exchange(const reading& in, const node& at, const options& from) {
  node_file::rows made;
  if (const auto found = from.find("memory"); found != from.end() && found->is_string()) {
    constexpr std::int64_t least = 1024 * 1024;
    if (const auto size = parse_size(found->text()); size.ok()) made.memory = *size;
    if (made.memory && *made.memory < least)
      in.fault(at, "invalid_value", "the memory for rows of other nodes must be at least 1MiB",
               "exchange: { memory: 128MiB }");
  }
  if (const auto found = from.find("compression"); found != from.end() && found->is_string())
    made.compression = wire::parse_compression(found->text());
  return made;
}

}  // namespace

node_file read_node_file(const config_text& given, diagnostics& faults, std::shared_ptr<const document>& source) {
  node_file made;
  const auto parsed = document::parse(given.text, given.file, faults);
  source = parsed;
  if (!parsed->root().is_map()) return made;
  const auto environment = given.environment ? given.environment : environment_lookup(process_environment);
  parsed->fill("", {environment}, faults);
  const auto* value = parsed->root().find("node");
  if (value == nullptr) return made;
  const reading in{*parsed, faults};
  const auto read = read_options(in, *value, form(), "node");
  if (!read) return made;
  const auto text_of = [&](const char* name, std::string& into) {
    if (const auto found = read->find(name); found != read->end() && found->is_string()) into = found->text();
  };
  text_of("name", made.name);
  text_of("listen", made.listen);
  text_of("http", made.http);
  text_of("join", made.join);
  text_of("role", made.role);
  text_of("tls", made.tls);
  text_of("runs_folder", made.runs_folder);
  if (const auto found = read->find("runs"); found != read->end() && found->is_number()) {
    made.runs = found->get<std::int64_t>();
    if (*made.runs < 1 || *made.runs > 100'000)
      in.fault(*value->find("runs"), "invalid_value", "runs must be between 1 and 100000", "runs: 16");
  }
  if (const auto found = read->find("labels"); found != read->end() && found->is_object())
    for (const auto& [label, text] : found->items()) made.labels[label] = text.text();
  if (const auto found = read->find("heartbeat"); found != read->end() && found->is_object()) {
    made.heartbeat = {time_of(*found, "interval"), time_of(*found, "suspect"), time_of(*found, "lost"),
                      time_of(*found, "kept")};
    check_times(in, *value->find("heartbeat"), made.heartbeat);
  }
  if (const auto found = read->find("exchange"); found != read->end() && found->is_object())
    made.exchange = read_exchange(in, *value->find("exchange"), *found);
  return made;
}

}  // namespace sluice::config
