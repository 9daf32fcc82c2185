#include "engine/store/sql_delivery_rows.hpp"

#include "engine/secrets/mask.hpp"
#include "engine/store/database.hpp"
#include "engine/store/stored_json.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace sluice::store {

namespace {

constexpr std::array<const char*, 5> state_names = {"open", "held", "delivered", "given_up", "dropped"};
/// Deliveries that are done are kept for `sluice notify deliveries`, the newest of each channel.
constexpr std::int64_t kept_when_done = 1000;

status write_health(database& in, const channel_health& health) {
  SLUICE_TRY(in.execute(
      "INSERT INTO channels VALUES (?, ?, ?, ?, ?) ON CONFLICT (pipeline, channel) DO UPDATE SET "
      "failures = excluded.failures, failing = excluded.failing, disabled = excluded.disabled",
      health.pipeline, health.channel, health.failures, std::int64_t{health.failing}, std::int64_t{health.disabled}));
  if (!health.disabled) return {};
  return in.execute(
      "UPDATE deliveries SET state = 'dropped' WHERE channel = ? AND state IN ('open', 'held') AND subscription "
      "IN (SELECT id FROM subscriptions WHERE pipeline = ?)",
      health.channel, health.pipeline);
}

status note(database& in, const std::string& subscription, const std::string& channel, const tried_delivery& one) {
  std::optional<std::int64_t> number;
  std::string lane;
  bool failed_before = false;
  SLUICE_TRY(in.each(
      "SELECT number, lane, tries FROM deliveries WHERE subscription = ? AND channel = ? AND key = ?",
      [&](const database_row& row) {
        number = row.integer(0);
        lane = row.text(1);
        failed_before = row.integer(2) > 0;
        return false;
      },
      subscription, channel, one.key));
  if (!number) return {};
  SLUICE_TRY(in.execute(
      "UPDATE deliveries SET state = ?, tries = tries + ?, first_try = CASE first_try WHEN 0 THEN ? ELSE first_try "
      "END, last_try = ?, next_at = ?, answer = ? WHERE number = ?",
      to_string(one.state), one.tries, one.at, one.at, one.next_at, secrets::mask(one.answer), *number));
  const bool again = one.state == delivery_state::open;
  if (!again && !failed_before) return {};  // nothing waits behind it
  return in.execute(
      "UPDATE deliveries SET state = ? WHERE subscription = ? AND channel = ? AND number > ? AND state = ? AND "
      "state IN ('open', 'held') AND lane = ?",
      to_string(again ? delivery_state::held : delivery_state::open), subscription, channel, *number,
      to_string(again ? delivery_state::open : delivery_state::held), lane);
}

}  // namespace

std::string to_string(delivery_state state) { return state_names.at(static_cast<std::size_t>(state)); }

delivery delivery_from(const database_row& row) {
  delivery made;
  made.number = row.integer(0);
  made.subscription = row.text(1);
  made.channel = row.text(2);
  made.lane = row.text(3);
  made.key = row.text(4);
  made.kind = row.text(5);
  made.type = row.text(6);
  made.run = row.text(7);
  made.cursor = row.integer(8);
  made.body = from_text(row.text(9));
  const auto state = row.text(10);
  for (std::size_t at = 0; at < state_names.size(); ++at)
    if (state == state_names[at]) made.state = static_cast<delivery_state>(at);
  made.tries = row.integer(11);
  made.created = row.integer(12);
  made.first_try = row.integer(13);
  made.last_try = row.integer(14);
  made.next_at = row.integer(15);
  made.answer = row.text(16);
  return made;
}

status insert_delivery(database& in, const delivery& one) {
  return in.execute(
      "INSERT INTO deliveries (subscription, channel, lane, key, kind, type, run, cursor, body, state, tries, "
      "created, first_try, last_try, next_at, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, CASE "
      "WHEN ?12 = 'dropped' THEN ?12 "
      "WHEN EXISTS (SELECT 1 FROM channels JOIN subscriptions ON subscriptions.pipeline = channels.pipeline WHERE "
      "subscriptions.id = ?1 AND channels.channel = ?2 AND disabled = 1) THEN 'dropped' "
      "WHEN EXISTS (SELECT 1 FROM deliveries WHERE subscription = ?1 AND channel = ?2 AND lane = ?3 AND state IN "
      "('open', 'held') AND tries > 0) THEN 'held' ELSE 'open' END, 0, ?10, 0, 0, ?11, ?13) "
      "ON CONFLICT (subscription, channel, key) DO NOTHING",
      one.subscription, one.channel, one.lane, one.key, one.kind, one.type, one.run, one.cursor, to_text(one.body),
      one.created, one.next_at, to_string(one.state), one.answer);
}

status first_open_delivery(database& in, const std::string& subscription, const std::string& channel, std::int64_t now,
                           const std::vector<std::string>& busy, const std::function<void(const database_row&)>& take) {
  // Few lanes are busy at a time, and each may have many deliveries.
  bool found = false;
  for (std::int64_t most = 8, seen = most; !found && seen == most; most *= 8) {
    seen = 0;
    const auto look = [&](const database_row& row) {
      ++seen;
      found = std::find(busy.begin(), busy.end(), row.text(3)) == busy.end();
      if (found) take(row);
      return !found;
    };
    SLUICE_TRY(in.each("SELECT " SLUICE_DELIVERY
                       " FROM deliveries WHERE subscription = ? AND channel = ? AND state = 'open' AND next_at <= ? "
                       "ORDER BY next_at, number LIMIT ?",
                       look, subscription, channel, now, most));
  }
  return {};
}

status note_tries(database& in, const tried_turn& turn) {
  for (const auto& one : turn.outcomes) SLUICE_TRY(note(in, turn.subscription, turn.channel, one));
  return turn.health ? write_health(in, *turn.health) : status();
}

status forget_done_deliveries(database& in, const std::string& subscription, const std::string& channel) {
  return in.execute(
      "DELETE FROM deliveries WHERE subscription = ?1 AND channel = ?2 AND state NOT IN ('open', 'held') AND "
      "number <= (SELECT number FROM deliveries WHERE subscription = ?1 AND channel = ?2 AND state NOT IN "
      "('open', 'held') ORDER BY number DESC LIMIT 1 OFFSET ?3)",
      subscription, channel, kept_when_done);
}

}  // namespace sluice::store
