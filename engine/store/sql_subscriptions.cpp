#include "engine/store/sql_subscriptions.hpp"

#include "engine/store/database.hpp"
#include "engine/store/sql_events.hpp"
#include "engine/store/stored_json.hpp"

#include <algorithm>
#include <utility>

namespace sluice::store {

namespace {

/// One that goes on keeps its mark; a new one, or one that had ended, begins behind the newest event.
status write_one(database& in, const subscription& one, std::int64_t newest) {
  return in.execute(
      "INSERT INTO subscriptions VALUES (?1, ?2, ?3, ?4, ?5, -1, 'null', '') ON CONFLICT (id) DO UPDATE SET "
      "spec = excluded.spec, mark = CASE WHEN subscriptions.until < 0 OR subscriptions.mark > excluded.mark THEN "
      "subscriptions.mark ELSE excluded.mark END, until = -1",
      one.id, one.pipeline, one.name, to_text(one.spec), newest);
}

/// Channels of a subscription that differ from what was kept: their trouble may be over.
std::vector<std::string> changed_channels(const options& before, const options& now) {
  std::vector<std::string> changed;
  const auto has = [](const options& in) { return in.is_object() && in.contains("channels"); };
  if (!has(now)) return changed;
  for (const auto& [name, channel] : now["channels"].items())
    if (has(before) && before["channels"].contains(name) && before["channels"][name] != channel)
      changed.push_back(name);
  return changed;
}

}  // namespace

status forget_channels(database& in, const std::string& pipeline, const std::vector<std::string>& changed) {
  for (const auto& channel : changed)
    SLUICE_TRY(in.execute("DELETE FROM channels WHERE pipeline = ? AND channel = ?", pipeline, channel));
  return {};
}

status write_subscriptions(database& in, const std::string& pipeline, const std::vector<subscription>& now) {
  SLUICE_ASSIGN(const auto newest, newest_cursor(in));
  std::vector<std::pair<std::string, std::string>> kept;
  SLUICE_TRY(in.each(
      "SELECT id, spec FROM subscriptions WHERE pipeline = ?",
      [&](const database_row& row) { return kept.emplace_back(row.text(0), row.text(1)), true; }, pipeline));
  for (const auto& [id, spec] : kept) {
    const auto same = std::find_if(now.begin(), now.end(), [&](const auto& one) { return one.id == id; });
    if (same == now.end())
      SLUICE_TRY(in.execute("UPDATE subscriptions SET until = ? WHERE id = ? AND until < 0", newest, id));
    else
      SLUICE_TRY(forget_channels(in, pipeline, changed_channels(from_text(spec), same->spec)));
  }
  for (const auto& one : now) SLUICE_TRY(write_one(in, one, newest));
  return {};
}

status write_subscription(database& in, const subscription& one) {
  SLUICE_ASSIGN(const auto newest, newest_cursor(in));
  options before;
  SLUICE_TRY(in.each(
      "SELECT spec FROM subscriptions WHERE id = ?",
      [&](const database_row& row) { return before = from_text(row.text(0)), false; }, one.id));
  SLUICE_TRY(forget_channels(in, one.pipeline, changed_channels(before, one.spec)));
  return write_one(in, one, newest);
}

result<bool> goes_on(database& in, const std::string& id) {
  bool found = false;
  SLUICE_TRY(in.each(
      "SELECT 1 FROM subscriptions WHERE id = ? AND until < 0",
      [&](const database_row&) { return found = true, false; }, id));
  return found;
}

result<bool> finish_subscription(database& in, const std::string& id) {
  SLUICE_ASSIGN(const auto newest, newest_cursor(in));
  SLUICE_TRY(in.execute("UPDATE subscriptions SET until = ? WHERE id = ? AND until < 0", newest, id));
  return in.changed() == 1;
}

}  // namespace sluice::store
