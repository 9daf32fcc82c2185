#include "engine/store/sql_deliveries.hpp"

#include "engine/secrets/mask.hpp"
#include "engine/store/database.hpp"
#include "engine/store/sql_events.hpp"
#include "engine/store/sql_leases.hpp"
#include "engine/store/sql_subscriptions.hpp"
#include "engine/store/store.hpp"
#include "engine/store/store_writer.hpp"
#include "engine/store/stored_json.hpp"
#include "engine/store/subscription_log.hpp"
#include "engine/values/uuid.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace sluice::store {

namespace {

constexpr std::array<const char*, 5> state_names = {"open", "held", "delivered", "given_up", "dropped"};
/// Deliveries that are done are kept for `sluice notify deliveries`, the newest of each channel.
constexpr std::int64_t kept_when_done = 1000;

constexpr const char* tables[] = {
    "CREATE TABLE subscriptions (id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, name TEXT NOT NULL, spec TEXT NOT NULL, "
    "mark INTEGER NOT NULL, until INTEGER NOT NULL, state TEXT NOT NULL, holder TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE deliveries (number INTEGER PRIMARY KEY AUTOINCREMENT, subscription TEXT NOT NULL, "
    "channel TEXT NOT NULL, lane TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL, "
    "run TEXT NOT NULL, cursor INTEGER NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL, "
    "created INTEGER NOT NULL, first_try INTEGER NOT NULL, last_try INTEGER NOT NULL, next_at INTEGER NOT NULL, "
    "answer TEXT NOT NULL, UNIQUE (subscription, channel, key))",
    "CREATE INDEX deliveries_due ON deliveries (subscription, channel, next_at, number) WHERE state = 'open'",
    "CREATE INDEX deliveries_by_lane ON deliveries (subscription, channel, lane, number) "
    "WHERE state IN ('open', 'held')",
    "CREATE INDEX deliveries_done ON deliveries (subscription, channel, number) WHERE state NOT IN ('open', 'held')",
    "CREATE TABLE channels (pipeline TEXT NOT NULL, channel TEXT NOT NULL, failures INTEGER NOT NULL, "
    "failing INTEGER NOT NULL, disabled INTEGER NOT NULL, PRIMARY KEY (pipeline, channel)) WITHOUT ROWID",
    "CREATE TABLE acknowledged (alert TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE silences (id TEXT PRIMARY KEY, condition TEXT NOT NULL, since INTEGER NOT NULL, "
    "until INTEGER NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE stream (\"only\" INTEGER PRIMARY KEY CHECK (\"only\" = 1), id TEXT NOT NULL, sequence INTEGER NOT "
    "NULL)",
};

#define SLUICE_DELIVERY                                                                                         \
  "number, subscription, channel, lane, key, kind, type, run, cursor, body, state, tries, created, first_try, " \
  "last_try, next_at, answer"

#define SLUICE_SUBSCRIPTIONS                                                                         \
  "SELECT subscriptions.id, pipeline, name, spec, mark, until, state, holder, " SLUICE_LEASE_COLUMNS \
  " FROM subscriptions LEFT JOIN processes ON processes.id = subscriptions.holder "

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

class sql_deliveries final : public delivery_log, public subscription_log {
 public:
  sql_deliveries(database& database, store_writer& writer, const process_record& self,
                 std::function<status(const observer&)> renew)
      : database_(database), writer_(writer), self_(self), renew_(std::move(renew)) {}

  status subscribe(const std::string& pipeline, const std::vector<subscription>& now) override {
    return writer_.write([&](const observer&) { return write_subscriptions(database_, pipeline, now); });
  }

  result<std::vector<subscription>> subscriptions() override {
    const auto in = writer_.look();
    const auto by = in->observed();
    std::vector<subscription> all;
    const auto take = [&](const database_row& row) {
      auto one = from_row(row);
      one.held_elsewhere = !one.holder.empty() && one.holder != self_.id && lease_holds(row, 8, by);
      all.push_back(std::move(one));
      return true;
    };
    SLUICE_TRY(in->each(SLUICE_SUBSCRIPTIONS "ORDER BY subscriptions.id", take));
    return all;
  }

  result<std::optional<subscription>> hold(const std::string& id) override {
    std::optional<subscription> held;
    const auto work = [&](const observer& by) -> status {
      held.reset();
      SLUICE_ASSIGN(const auto self, renewed(by));
      SLUICE_TRY(database_.each(
          SLUICE_SUBSCRIPTIONS "WHERE subscriptions.id = ?",
          [&](const database_row& row) {
            auto one = from_row(row);
            one.state = from_text(row.text(6));
            const bool free = one.holder.empty() || one.holder == self || !lease_holds(row, 8, by);
            if (free) held = std::move(one);
            return false;
          },
          id));
      if (!held) return {};
      held->holder = self;
      return database_.execute("UPDATE subscriptions SET holder = ? WHERE id = ?", self, id);
    };
    SLUICE_TRY(writer_.write(work));
    return held;
  }

  status release_subscription(const std::string& id) override {
    return writer_.write([&](const observer& by) -> status {
      SLUICE_ASSIGN(const auto self, renewed(by));
      return database_.execute("UPDATE subscriptions SET holder = '' WHERE id = ? AND holder = ?", id, self);
    });
  }

  status release_all() override {
    return writer_.write([&](const observer& by) -> status {
      SLUICE_ASSIGN(const auto self, renewed(by));
      return database_.execute("UPDATE subscriptions SET holder = '' WHERE holder = ?", self);
    });
  }

  status put_subscription(const subscription& one) override {
    return writer_.write([&](const observer&) { return write_subscription(database_, one); });
  }

  result<bool> end_subscription(const std::string& id) override {
    bool found = false;
    const auto work = [&](const observer&) -> status {
      SLUICE_ASSIGN(found, finish_subscription(database_, id));
      return {};
    };
    SLUICE_TRY(writer_.write(work));
    return found;
  }

  result<std::vector<event>> replay(const std::string& id, std::vector<delivery> made, event told) override {
    secrets::mask(told.data);
    std::vector<event> events = {std::move(told)};
    const auto work = [&](const observer& by) -> status {
      SLUICE_ASSIGN(const bool known, goes_on(database_, id));
      if (!known) return user_error("unknown_subscription", "there is no rule " + id, "sluice notify list shows them");
      for (const auto& one : made) SLUICE_TRY(insert(one));
      return append_events_without_run(database_, events, by.now);
    };
    SLUICE_TRY(writer_.write(work));
    return events;
  }

  status forget_subscription(const std::string& id) override {
    return writer_.write([&](const observer&) {
      return database_.execute(
          "DELETE FROM subscriptions WHERE id = ? AND until >= 0 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE "
          "subscription = ? AND state IN ('open', 'held'))",
          id, id);
    });
  }

  status derive(const std::string& id, std::int64_t mark, const options& state, std::vector<delivery> made) override {
    return writer_.write([&](const observer& by) -> status {
      SLUICE_ASSIGN(const auto self, renewed(by));
      SLUICE_TRY(database_.execute("UPDATE subscriptions SET mark = ?, state = ? WHERE id = ? AND holder = ?", mark,
                                   to_text(state), id, self));
      if (database_.changed() == 0)
        return external_error("subscription_taken", "another process now works on the notifications of " + id, {},
                              true);
      // The rule may have been removed a moment ago: what came after that is not told.
      std::int64_t until = -1;
      SLUICE_TRY(database_.each(
          "SELECT until FROM subscriptions WHERE id = ?",
          [&](const database_row& row) { return until = row.integer(0), false; }, id));
      for (const auto& one : made)
        if (until < 0 || one.cursor <= until) SLUICE_TRY(insert(one));
      return {};
    });
  }

  result<std::vector<delivery>> due(const std::string& subscription, const std::string& channel, std::int64_t now,
                                    const std::vector<std::string>& busy, std::int64_t limit) override {
    const auto in = writer_.look();
    std::vector<delivery> found;
    std::string sql = "SELECT " SLUICE_DELIVERY
                      " FROM deliveries WHERE subscription = ?1 AND channel = ?2 AND state = 'open' AND next_at <= ?3 ";
    // Few lanes are busy at a time; names of lanes are bound, never part of the text.
    std::array<std::string, 8> lanes;
    for (std::size_t at = 0; at < lanes.size(); ++at) {
      if (at < busy.size()) lanes.at(at) = busy[at];
      sql += "AND lane <> ?" + std::to_string(at + 4) + " ";
    }
    sql += "ORDER BY next_at, number LIMIT 1";
    SLUICE_TRY(in->each(
        sql.c_str(), [&](const database_row& row) { return found.push_back(delivery_from(row)), false; }, subscription,
        channel, now, lanes[0], lanes[1], lanes[2], lanes[3], lanes[4], lanes[5], lanes[6], lanes[7]));
    if (found.empty() || limit <= 1) return found;
    const auto first = found.front();  // what is bound must not move while rows are added
    SLUICE_TRY(in->each(
        "SELECT " SLUICE_DELIVERY
        " FROM deliveries WHERE subscription = ? AND channel = ? AND lane = ? AND number > ? AND state = 'open' AND "
        "deliveries.state IN ('open', 'held') AND next_at <= ? ORDER BY number LIMIT ?",
        [&](const database_row& row) { return found.push_back(delivery_from(row)), true; }, subscription, channel,
        first.lane, first.number, now, limit - 1));
    return found;
  }

  result<std::optional<std::int64_t>> next_due(const std::string& subscription, const std::string& channel) override {
    const auto in = writer_.look();
    std::optional<std::int64_t> at;
    SLUICE_TRY(in->each(
        "SELECT next_at FROM deliveries WHERE subscription = ? AND channel = ? AND state = 'open' "
        "ORDER BY next_at LIMIT 1",
        [&](const database_row& row) { return at = row.integer(0), false; }, subscription, channel));
    return at;
  }

  result<std::vector<event>> tried(const std::string& subscription, const std::string& channel,
                                   const std::vector<tried_delivery>& outcomes, const channel_health& health,
                                   std::vector<event> events) override {
    for (auto& one : events) secrets::mask(one.data);
    const auto work = [&](const observer& by) -> status {
      for (const auto& one : outcomes) SLUICE_TRY(note(subscription, channel, one));
      SLUICE_TRY(
          database_.execute("INSERT INTO channels VALUES (?, ?, ?, ?, ?) ON CONFLICT (pipeline, channel) DO UPDATE SET "
                            "failures = excluded.failures, failing = excluded.failing, disabled = excluded.disabled",
                            health.pipeline, health.channel, health.failures, std::int64_t{health.failing},
                            std::int64_t{health.disabled}));
      if (health.disabled)
        SLUICE_TRY(database_.execute(
            "UPDATE deliveries SET state = 'dropped' WHERE channel = ? AND state IN ('open', 'held') AND subscription "
            "IN (SELECT id FROM subscriptions WHERE pipeline = ?)",
            channel, health.pipeline));
      SLUICE_TRY(database_.execute(
          "DELETE FROM deliveries WHERE subscription = ?1 AND channel = ?2 AND state NOT IN ('open', 'held') AND "
          "number <= (SELECT number FROM deliveries WHERE subscription = ?1 AND channel = ?2 AND state NOT IN "
          "('open', 'held') ORDER BY number DESC LIMIT 1 OFFSET ?3)",
          subscription, channel, kept_when_done));
      return append_events_without_run(database_, events, by.now);
    };
    SLUICE_TRY(writer_.write(work));
    return events;
  }

  result<channel_health> health_of(const std::string& pipeline, const std::string& channel) override {
    const auto in = writer_.look();
    channel_health found{.pipeline = pipeline, .channel = channel};
    SLUICE_TRY(in->each(
        "SELECT failures, failing, disabled FROM channels WHERE pipeline = ? AND channel = ?",
        [&](const database_row& row) {
          found.failures = row.integer(0);
          found.failing = row.integer(1) != 0;
          found.disabled = row.integer(2) != 0;
          return false;
        },
        pipeline, channel));
    return found;
  }

  result<std::int64_t> make_due(std::int64_t now) override {
    std::int64_t count = 0;
    const auto work = [&](const observer& by) -> status {
      SLUICE_TRY(database_.execute("UPDATE deliveries SET next_at = ? WHERE state = 'open' AND next_at > ?", now, now));
      if (const auto moved = database_.changed(); moved > 0) {
        // Who works on them hears of it as of every event.
        std::vector<event> told(1);
        told.front().type = "delivery.flushed";
        told.front().data = options{{"deliveries", moved}};
        SLUICE_TRY(append_events_without_run(database_, told, by.now));
      }
      return database_.each("SELECT count(*) FROM deliveries WHERE state IN ('open', 'held')",
                            [&](const database_row& row) { return count = row.integer(0), false; });
    };
    SLUICE_TRY(writer_.write(work));
    return count;
  }

  result<std::vector<pending_deliveries>> pending(const std::string& run) override {
    const auto in = writer_.look();
    std::vector<pending_deliveries> all;
    SLUICE_TRY(in->each(
        "SELECT pipeline, channel, count(*), min(CASE WHEN deliveries.state = 'open' THEN next_at END), "
        "max(CASE WHEN tries > 0 THEN answer ELSE '' END) FROM deliveries JOIN subscriptions ON subscriptions.id = "
        "subscription WHERE deliveries.state IN ('open', 'held') AND (?1 = '' OR run = ?1) "
        "GROUP BY pipeline, channel ORDER BY pipeline, channel",
        [&](const database_row& row) {
          all.push_back({row.text(0), row.text(1), row.integer(2), row.integer(3), row.text(4)});
          return true;
        },
        run));
    return all;
  }

  result<std::vector<delivery>> deliveries(const delivery_query& query) override {
    const auto in = writer_.look();
    std::vector<delivery> found;
    SLUICE_TRY(in->each(
        "SELECT " SLUICE_DELIVERY
        " FROM deliveries WHERE (?1 = '' OR substr(subscription, 1, length(?1) + 1) = ?1 || '/') AND "
        "(?2 = '' OR channel = ?2) AND (?3 = '' OR run = ?3) AND (?4 = 0 OR state IN ('open', 'held')) "
        "ORDER BY number DESC LIMIT ?5",
        [&](const database_row& row) { return found.push_back(delivery_from(row)), true; }, query.pipeline,
        query.channel, query.run, std::int64_t{query.pending}, query.limit));
    return found;
  }

  status add_silence(const silence& what) override {
    return writer_.write([&](const observer& by) -> status {
      SLUICE_TRY(database_.execute("DELETE FROM silences WHERE until < ?", by.now));
      return database_.execute("INSERT INTO silences VALUES (?, ?, ?, ?, ?)", what.id, what.when, what.since,
                               what.until, secrets::mask(what.reason));
    });
  }

  result<bool> end_silence(const std::string& id) override {
    bool found = false;
    const auto work = [&](const observer&) -> status {
      SLUICE_TRY(database_.execute("DELETE FROM silences WHERE id = ?", id));
      found = database_.changed() == 1;
      return {};
    };
    SLUICE_TRY(writer_.write(work));
    return found;
  }

  result<std::vector<silence>> silences(std::int64_t now) override {
    const auto in = writer_.look();
    std::vector<silence> all;
    SLUICE_TRY(in->each(
        "SELECT id, condition, since, until, reason FROM silences WHERE until > ? ORDER BY since, id",
        [&](const database_row& row) {
          all.push_back({row.text(0), row.text(1), row.integer(2), row.integer(3), row.text(4)});
          return true;
        },
        now));
    return all;
  }

  result<bool> has_alert(const std::string& alert) override {
    const auto in = writer_.look();
    bool found = false;
    SLUICE_TRY(in->each("SELECT state FROM subscriptions", [&](const database_row& row) {
      const auto state = from_text(row.text(0));
      if (!state.is_object() || !state.contains("alerts")) return true;
      for (const auto& [key, one] : state["alerts"].items()) found = found || one.value("id", "") == alert;
      return !found;
    }));
    return found;
  }

  result<bool> acknowledge(const std::string& alert) override {
    bool fresh = false;
    const auto work = [&](const observer& by) -> status {
      SLUICE_TRY(database_.execute("INSERT INTO acknowledged VALUES (?, ?) ON CONFLICT DO NOTHING", alert, by.now));
      fresh = database_.changed() == 1;
      return {};
    };
    SLUICE_TRY(writer_.write(work));
    return fresh;
  }

  result<std::vector<std::string>> acknowledged(const std::vector<std::string>& alerts) override {
    const auto in = writer_.look();
    std::vector<std::string> found;
    for (const auto& alert : alerts)
      SLUICE_TRY(in->each(
          "SELECT 1 FROM acknowledged WHERE alert = ?",
          [&](const database_row&) { return found.push_back(alert), false; }, alert));
    return found;
  }

  status enable(const std::string& pipeline, const std::string& channel) override {
    return writer_.write([&](const observer&) { return forget_channels(database_, pipeline, {channel}); });
  }

  result<options> params_of(const std::string& run) override {
    const auto in = writer_.look();
    options params;
    SLUICE_TRY(in->each(
        "SELECT context, params FROM runs WHERE id = ?",
        [&](const database_row& row) {
          const auto context = from_text(row.text(0));
          // Of runs without notifications those are known that were given.
          params = context.is_object() && context.contains("params") ? context["params"] : from_text(row.text(1));
          return false;
        },
        run));
    return params;
  }

 private:
  static subscription from_row(const database_row& row) {
    subscription one;
    one.id = row.text(0);
    one.pipeline = row.text(1);
    one.name = row.text(2);
    one.spec = from_text(row.text(3));
    one.mark = row.integer(4);
    if (row.integer(5) >= 0) one.until = row.integer(5);
    one.holder = row.text(7);
    return one;
  }

  /// The id of this process, whose lease holds from now on.
  result<std::string> renewed(const observer& by) {
    if (self_.id.empty()) return internal_error("not_enrolled", "this process has not enrolled in the Store");
    SLUICE_TRY(renew_(by));
    return self_.id;
  }

  status insert(const delivery& one) {
    // Behind one of its lane that has failed it waits; what a disabled channel would get is dropped.
    return database_.execute(
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

  status note(const std::string& subscription, const std::string& channel, const tried_delivery& one) {
    SLUICE_TRY(database_.execute(
        "UPDATE deliveries SET state = ?, tries = tries + ?, first_try = CASE first_try WHEN 0 THEN ? ELSE first_try "
        "END, last_try = ?, next_at = ?, answer = ? WHERE number = ?",
        to_string(one.state), one.tries, one.at, one.at, one.next_at, secrets::mask(one.answer), one.number));
    const bool again = one.state == delivery_state::open;
    return database_.execute(
        "UPDATE deliveries SET state = ?1 WHERE subscription = ?2 AND channel = ?3 AND number > ?4 AND state = ?5 AND "
        "state IN ('open', 'held') AND lane = (SELECT lane FROM deliveries WHERE number = ?4)",
        to_string(again ? delivery_state::held : delivery_state::open), subscription, channel, one.number,
        to_string(again ? delivery_state::open : delivery_state::held));
  }

  database& database_;
  store_writer& writer_;
  const process_record& self_;
  std::function<status(const observer&)> renew_;
};

}  // namespace

std::string to_string(delivery_state state) { return state_names.at(static_cast<std::size_t>(state)); }

status make_delivery_tables(database& in) {
  for (const auto* statement : tables) SLUICE_TRY(in.execute(statement));
  return in.execute("INSERT INTO stream VALUES (1, ?, 0)", uuid_v7());
}

subscription_log& subscriptions_of(store& in) { return dynamic_cast<subscription_log&>(deliveries_of(in)); }

delivery_log& deliveries_of(store& in) { return dynamic_cast<keeps_deliveries&>(in).deliveries(); }

std::unique_ptr<delivery_log> make_sql_deliveries(database& database, store_writer& writer, const process_record& self,
                                                  std::function<status(const observer&)> renew) {
  return std::make_unique<sql_deliveries>(database, writer, self, std::move(renew));
}

}  // namespace sluice::store
