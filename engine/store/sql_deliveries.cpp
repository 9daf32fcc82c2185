#include "engine/store/sql_deliveries.hpp"

#include "engine/secrets/mask.hpp"
#include "engine/store/database.hpp"
#include "engine/store/sql_delivery_rows.hpp"
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
#include <limits>
#include <map>
#include <optional>
#include <utility>

namespace sluice::store {

namespace {

constexpr std::int64_t tries_between = 100;

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

#define SLUICE_SUBSCRIPTIONS                                                                         \
  "SELECT subscriptions.id, pipeline, name, spec, mark, until, state, holder, " SLUICE_LEASE_COLUMNS \
  " FROM subscriptions LEFT JOIN processes ON processes.id = subscriptions.holder "

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
      for (const auto& one : made) SLUICE_TRY(insert_delivery(database_, one));
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

  result<std::vector<held_subscription>> held() override {
    const auto in = writer_.look();
    std::vector<held_subscription> all;
    const auto take = [&](const database_row& row) {
      all.push_back({.id = row.text(0), .until = {}});
      if (row.integer(1) >= 0) all.back().until = row.integer(1);
      return true;
    };
    SLUICE_TRY(in->each("SELECT id, until FROM subscriptions WHERE holder = ? ORDER BY id", take, self_.id));
    return all;
  }

  result<kept_deliveries> keep(const std::vector<derived>& made, std::vector<tried_turn> tried) override {
    for (auto& turn : tried)
      for (auto& one : turn.events) secrets::mask(one.data);
    kept_deliveries kept;
    const auto work = [&](const observer& by) -> status {
      kept = {};
      SLUICE_ASSIGN(const auto self, renewed(by));
      for (const auto& one : made) {
        SLUICE_ASSIGN(const bool ours, add(one, self));
        if (!ours) kept.taken.push_back(one.subscription);
      }
      for (const auto& turn : tried) SLUICE_TRY(note(turn, kept.events));
      return append_events_without_run(database_, kept.events, by.now);
    };
    SLUICE_TRY(writer_.write(work));
    return kept;
  }

  result<std::vector<delivery>> due(const std::string& subscription, const std::string& channel, std::int64_t now,
                                    const std::vector<std::string>& busy, std::int64_t limit) override {
    const auto in = writer_.look();
    std::vector<delivery> found;
    SLUICE_TRY(first_open_delivery(*in, subscription, channel, now, busy,
                                   [&](const database_row& row) { found.push_back(delivery_from(row)); }));
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

  result<std::optional<std::int64_t>> next_due(const std::string& subscription, const std::string& channel,
                                               const std::vector<std::string>& busy) override {
    const auto in = writer_.look();
    std::optional<std::int64_t> at;
    SLUICE_TRY(first_open_delivery(*in, subscription, channel, std::numeric_limits<std::int64_t>::max(), busy,
                                   [&](const database_row& row) { at = row.integer(15); }));
    return at;
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

  /// False where this process does not hold the subscription.
  result<bool> add(const derived& what, const std::string& self) {
    // The rule may have been removed a moment ago: what came after that is not told.
    std::optional<std::int64_t> until;
    SLUICE_TRY(database_.each(
        "SELECT until FROM subscriptions WHERE id = ? AND holder = ?",
        [&](const database_row& row) { return until = row.integer(0), false; }, what.subscription, self));
    if (!until) return false;
    if (what.reached)
      SLUICE_TRY(database_.execute("UPDATE subscriptions SET mark = ?, state = ? WHERE id = ?", what.reached->mark,
                                   to_text(what.reached->state), what.subscription));
    for (const auto& one : what.made)
      if (*until < 0 || one.cursor <= *until) SLUICE_TRY(insert_delivery(database_, one));
    return true;
  }

  status note(const tried_turn& turn, std::vector<event>& told) {
    SLUICE_TRY(note_tries(database_, turn));
    told.insert(told.end(), turn.events.begin(), turn.events.end());
    // Now and then: to find the oldest that is kept takes as long as to note many tries.
    auto& tries = tries_since_[turn.subscription + '\0' + turn.channel];
    const auto before = tries;
    tries = (tries + static_cast<std::int64_t>(turn.outcomes.size())) % tries_between;
    const bool due = !turn.outcomes.empty() && (before == 0 || tries <= before);
    return due ? forget_done_deliveries(database_, turn.subscription, turn.channel) : status();
  }

  database& database_;
  store_writer& writer_;
  const process_record& self_;
  std::function<status(const observer&)> renew_;
  std::map<std::string, std::int64_t> tries_since_;  ///< the oldest were forgotten; of the transaction that writes
};

}  // namespace

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
