#include "engine/store/sql_prune.hpp"

#include "engine/store/database.hpp"
#include "engine/store/stored_json.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

namespace sluice::store {

namespace {

constexpr std::size_t runs_at_once = 200;

/// The newest run of each pipeline with the same params, and those that it continues after: the next run may need their
/// checkpoints.
result<std::set<std::string>> needed_runs(database& in) {
  std::set<std::string> needed;
  std::set<std::pair<std::string, std::string>> seen;
  std::map<std::string, std::string> before;
  std::vector<std::string> newest;
  SLUICE_TRY(in.each(
      "SELECT id, pipeline, params, CASE WHEN context LIKE '%\"continues\":%' THEN context ELSE '' END FROM runs "
      "ORDER BY position DESC",
      [&](const database_row& row) {
        const auto context = from_text(row.text(3));
        auto continues = context.is_object() ? context.value("continues", "") : std::string();
        if (!continues.empty()) before.emplace(row.text(0), std::move(continues));
        if (seen.emplace(row.text(1), row.text(2)).second) newest.push_back(row.text(0));
        return true;
      }));
  for (auto id : newest)
    while (needed.insert(id).second) {
      const auto earlier = before.find(id);
      if (earlier == before.end()) break;
      id = earlier->second;
    }
  return needed;
}

/// The cursor up to which every subscription has read.
result<std::int64_t> read_by_all(database& in) {
  std::int64_t mark = std::numeric_limits<std::int64_t>::max();
  SLUICE_TRY(in.each(
      "SELECT coalesce(min(mark), ?) FROM subscriptions WHERE until < 0 OR mark < until",
      [&](const database_row& row) { return mark = row.integer(0), false; }, mark));
  return mark;
}

struct found_run {
  std::string id;
  std::int64_t last_cursor = 0;
  bool waits = false;  ///< a notification of it
};

result<std::vector<found_run>> ended_runs(database& in, const prune_rule& rule) {
  std::vector<found_run> found;
  SLUICE_TRY(in.each(
      "SELECT id, coalesce((SELECT max(cursor) FROM events WHERE events.run = runs.id), 0), "
      "EXISTS (SELECT 1 FROM deliveries WHERE deliveries.run = runs.id AND state IN ('open', 'held')) FROM runs "
      "WHERE state IN ('succeeded', 'partial', 'failed', 'cancelled') AND ended > 0 AND ended < ?1 "
      "AND (?2 = '' OR pipeline = ?2) "
      "AND NOT EXISTS (SELECT 1 FROM commits WHERE commits.run = runs.id AND commits.state IN ('decided', 'refused')) "
      "ORDER BY position",
      [&](const database_row& row) {
        found.push_back({.id = row.text(0), .last_cursor = row.integer(1), .waits = row.integer(2) != 0});
        return true;
      },
      rule.before, rule.pipeline));
  return found;
}

result<std::int64_t> count_events(database& in, const std::string& run) {
  std::int64_t count = 0;
  SLUICE_TRY(in.each(
      "SELECT count(*) FROM events WHERE run = ?",
      [&](const database_row& row) { return count = row.integer(0), false; }, run));
  return count;
}

status remove_run(database& in, const std::string& run) {
  SLUICE_TRY(in.execute("DELETE FROM events WHERE run = ?", run));
  SLUICE_TRY(in.execute("DELETE FROM transitions WHERE run = ?", run));
  SLUICE_TRY(in.execute("DELETE FROM commits WHERE run = ?", run));
  return in.execute("DELETE FROM runs WHERE id = ?", run);
}

/// One transaction; gives whether there may be more.
result<bool> prune_some(database& in, const prune_rule& rule, pruned& into) {
  store_transaction transaction(in);
  SLUICE_TRY(transaction.begin());
  SLUICE_ASSIGN(const auto needed, needed_runs(in));
  SLUICE_ASSIGN(const auto mark, read_by_all(in));
  SLUICE_ASSIGN(const auto found, ended_runs(in, rule));
  into.waiting = 0;
  std::size_t removed = 0;
  for (const auto& run : found) {
    if (needed.contains(run.id)) continue;
    if (run.waits || run.last_cursor > mark) {
      ++into.waiting;
      continue;
    }
    if (!rule.only_look && removed == runs_at_once) {
      SLUICE_TRY(transaction.commit());
      return true;
    }
    SLUICE_ASSIGN(const auto events, count_events(in, run.id));
    if (!rule.only_look) SLUICE_TRY(remove_run(in, run.id));
    into.events += events;
    into.runs.push_back(run.id);
    ++removed;
  }
  // Events of channels and nodes, which belong to no run. The newest event stays: its cursor is where the log is.
  if (!rule.only_look && rule.pipeline.empty()) {
    SLUICE_TRY(in.execute(
        "DELETE FROM events WHERE run = '' AND time < ? AND cursor <= ? AND cursor < (SELECT max(cursor) FROM events)",
        rule.before, mark));
    into.events += in.changed();
  }
  SLUICE_TRY(transaction.commit());
  return false;
}

}  // namespace

result<pruned> prune(database& in, const prune_rule& rule) {
  pruned out;
  while (true) {
    SLUICE_ASSIGN(const bool more, prune_some(in, rule, out));
    if (!more) return out;
  }
}

}  // namespace sluice::store
