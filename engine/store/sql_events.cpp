#include "engine/store/sql_events.hpp"

#include "engine/store/database.hpp"
#include "engine/store/sql_runs.hpp"
#include "engine/store/stored_json.hpp"

namespace sluice::store {

status append_event(database& in, event& one) {
  SLUICE_ASSIGN(one.cursor, in.next_cursor());
  return in.execute("INSERT INTO events (cursor, run, sequence, type, unit, time, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    one.cursor, one.run, one.sequence, one.type, one.unit, one.time, to_text(one.data));
}

result<std::string> stream_id(database& in) {
  std::string id;
  SLUICE_TRY(in.each("SELECT id FROM stream", [&](const database_row& row) { return id = row.text(0), false; }));
  return id;
}

status append_events_without_run(database& in, std::vector<event>& events, std::int64_t now) {
  if (events.empty()) return {};
  SLUICE_ASSIGN(const auto stream, stream_id(in));
  std::int64_t sequence = 0;
  SLUICE_TRY(in.each("SELECT sequence FROM stream",
                     [&](const database_row& row) { return sequence = row.integer(0), false; }));
  for (auto& one : events) {
    one.run.clear();
    one.sequence = ++sequence;
    one.id = stream + "/" + std::to_string(sequence);
    if (one.data.is_object()) one.pipeline = one.data.value("pipeline", "");
    if (one.time == 0) one.time = now;
    SLUICE_TRY(append_event(in, one));
  }
  return in.execute("UPDATE stream SET sequence = ?", sequence);
}

result<std::vector<event>> read_events(database& in, const std::string& stream, std::int64_t after,
                                       const std::string& run, std::int64_t limit) {
  std::vector<event> found;
  const auto take = [&](const database_row& row) {
    const auto run_of = row.text(1);
    found.push_back({.cursor = row.integer(0),
                     .id = (run_of.empty() ? stream : run_of) + "/" + std::to_string(row.integer(2)),
                     .run = row.text(1),
                     .sequence = row.integer(2),
                     .type = row.text(3),
                     .unit = row.text(4),
                     .time = row.integer(5),
                     .data = from_text(row.text(6)),
                     .pipeline = row.text(7),
                     .owner = row.text(8),
                     .tags = names_from(row.text(9))});
    auto& one = found.back();
    if (one.run.empty() && one.data.is_object()) one.pipeline = one.data.value("pipeline", "");
    return true;
  };
#define SLUICE_EVENTS                                                                                      \
  "SELECT cursor, events.run, events.sequence, type, unit, time, data, pipeline, owner, tags FROM events " \
  "LEFT JOIN runs ON runs.id = events.run WHERE cursor > ? "
  if (run.empty()) {
    SLUICE_TRY(in.each(SLUICE_EVENTS "ORDER BY cursor LIMIT ?", take, after, limit));
  } else {
    SLUICE_TRY(in.each(SLUICE_EVENTS "AND events.run = ? ORDER BY cursor LIMIT ?", take, after, run, limit));
  }
  return found;
}

result<std::int64_t> newest_cursor(database& in) {
  std::int64_t newest = 0;
  SLUICE_TRY(in.each("SELECT coalesce(max(cursor), 0) FROM events",
                     [&](const database_row& row) { return newest = row.integer(0), false; }));
  return newest;
}

}  // namespace sluice::store
