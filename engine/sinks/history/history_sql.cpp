#include "engine/sinks/history/history_sql.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice::history {

namespace {

using names = std::vector<std::string>;

std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (const char letter : name) text += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return text + "\"";
}

std::string list_of(const names& columns, const std::string& before = "") {
  std::string text;
  for (const auto& name : columns) text += (text.empty() ? "" : ", ") + before + quoted(name);
  return text;
}

/// "a.x = b.x AND ...", or with another operator between them.
std::string compared(const names& columns, const std::string& left, const std::string& right, const char* by,
                     const char* between) {
  std::string text;
  for (const auto& name : columns)
    text += (text.empty() ? "" : between) + left + "." + quoted(name) + by + right + "." + quoted(name);
  return "(" + text + ")";
}

std::string same_key(const history_rule& rule, const std::string& left, const std::string& right) {
  return compared(rule.key, left, right, " = ", " AND ");
}

std::string all_same(const names& columns, const std::string& left, const std::string& right) {
  return columns.empty() ? "TRUE" : compared(columns, left, right, " IS NOT DISTINCT FROM ", " AND ");
}

std::string any_differs(const names& columns, const std::string& left, const std::string& right) {
  return compared(columns, left, right, " IS DISTINCT FROM ", " OR ");
}

std::string settings(const names& columns) {
  std::string text;
  for (const auto& name : columns) text += (text.empty() ? "" : ", ") + quoted(name) + " = s." + quoted(name);
  return text;
}

class scd2_merge {
 public:
  scd2_merge(const history_rule& rule, std::string table, std::string staged, const history_database& in)
      : rule_(rule), table_(std::move(table)), staged_(std::move(staged)), in_(in), values_(rule.tracked) {
    values_.insert(values_.end(), rule.others.begin(), rule.others.end());
  }

  status run() {
    SLUICE_ASSIGN(const auto repeated, in_.number("SELECT count(*) FROM (SELECT 1 FROM " + staged_ + " GROUP BY " +
                                                  list_of(rule_.key) + " HAVING count(*) > 1 LIMIT 1) x"));
    if (repeated == 0) {
      SLUICE_TRY(merge(staged_, ""));
    } else {
      SLUICE_TRY(merge_rounds());
    }
    return rule_.closes_gone ? close_gone() : status();
  }

 private:
  status merge_rounds() {
    SLUICE_TRY(in_.run(in_.make_temporary + "SELECT s.*, row_number() OVER (PARTITION BY " + list_of(rule_.key) +
                       " ORDER BY \"valid_from\") AS _sluice_round FROM " + staged_ + " AS s"));
    SLUICE_ASSIGN(const auto rounds, in_.number("SELECT max(_sluice_round) FROM " + in_.temporary));
    for (std::int64_t round = 1; round <= rounds; ++round)
      SLUICE_TRY(merge(in_.temporary, " AND s._sluice_round = " + std::to_string(round)));
    return in_.run("DROP TABLE " + in_.temporary);
  }

  /// Merges rows of which each key has one. `only` chooses them.
  status merge(const std::string& from, const std::string& only) {
    const auto source = " FROM " + from + " AS s WHERE " + same_key(rule_, "t", "s") + only + " AND ";
    const auto update = "UPDATE " + table_ + " AS t SET ";
    const std::string holds =
        "t.\"valid_from\" < s.\"valid_from\" AND (t.\"valid_to\" IS NULL OR s.\"valid_from\" < "
        "t.\"valid_to\")";
    if (!values_.empty())
      SLUICE_TRY(in_.run(update + settings(values_) + source + "t.\"valid_from\" = s.\"valid_from\" AND " +
                         any_differs(values_, "t", "s")));
    if (!rule_.others.empty())
      SLUICE_TRY(in_.run(update + settings(rule_.others) + source + holds + " AND " +
                         all_same(rule_.tracked, "t", "s") + " AND " + any_differs(rule_.others, "t", "s")));
    SLUICE_TRY(insert(from, only));
    return in_.run(update + "\"valid_to\" = s.\"valid_from\", \"is_current\" = FALSE" + source + holds + " AND NOT " +
                   all_same(rule_.tracked, "t", "s"));
  }

  status insert(const std::string& from, const std::string& only) {
    const auto& key = quoted(rule_.key.front());
    const auto arriving = rule_.staged->field_names();
    const std::string holds = same_key(rule_, "c", "s") +
                              " AND c.\"valid_from\" <= s.\"valid_from\" AND (c.\"valid_to\" IS NULL OR "
                              "s.\"valid_from\" < c.\"valid_to\")";
    return in_.run("INSERT INTO " + table_ + " (" + list_of(arriving) + ", \"valid_to\", \"is_current\") SELECT " +
                   list_of(arriving, "x.") + ", x._sluice_end, x._sluice_end IS NULL FROM (SELECT " +
                   list_of(arriving, "s.") + ", CASE WHEN c." + key +
                   " IS NOT NULL THEN c.\"valid_to\" ELSE (SELECT min(n.\"valid_from\") FROM " + table_ +
                   " AS n WHERE " + same_key(rule_, "n", "s") + " AND n.\"valid_from\" > s.\"valid_from\") END AS " +
                   "_sluice_end FROM " + from + " AS s LEFT JOIN " + table_ + " AS c ON " + holds + " WHERE (c." + key +
                   " IS NULL OR (c.\"valid_from\" < s.\"valid_from\" AND NOT " + all_same(rule_.tracked, "c", "s") +
                   "))" + only + ") AS x");
  }

  status close_gone() {
    const auto at = "'" + rule_.gone_at + "'";
    const auto is_gone = " AND NOT EXISTS (SELECT 1 FROM " + staged_ + " AS s WHERE " + same_key(rule_, "t", "s") + ")";
    SLUICE_TRY(in_.run("DELETE FROM " + table_ + " AS t WHERE t.\"valid_from\" = " + at + is_gone));
    return in_.run("UPDATE " + table_ + " AS t SET \"valid_to\" = " + at + ", \"is_current\" = FALSE WHERE " +
                   "t.\"valid_from\" < " + at + " AND (t.\"valid_to\" IS NULL OR t.\"valid_to\" > " + at + ")" +
                   is_gone);
  }

  const history_rule& rule_;
  std::string table_;
  std::string staged_;
  const history_database& in_;
  names values_;  ///< all columns but the key and ours
};

status apply_merge(const history_rule& rule, const std::string& table, const std::string& staged,
                   const history_database& in) {
  const auto mark = quoted(delete_mark);
  if (rule.delete_when)
    SLUICE_TRY(in.run("DELETE FROM " + table + " AS t WHERE EXISTS (SELECT 1 FROM " + staged + " AS s WHERE " +
                      same_key(rule, "t", "s") + " AND s." + mark + ")"));
  const auto columns = rule.target->field_names();
  std::string conflict = "DO NOTHING";
  if (!rule.updated.empty()) {
    conflict.clear();
    for (const auto& name : rule.updated)
      conflict += (conflict.empty() ? "DO UPDATE SET " : ", ") + quoted(name) + " = excluded." + quoted(name);
  }
  return in.run("INSERT INTO " + table + " (" + list_of(columns) + ") SELECT " + list_of(columns, "s.") + " FROM " +
                staged + " AS s WHERE s." + mark + " IS NOT TRUE ON CONFLICT (" + list_of(rule.key) + ") " + conflict);
}

}  // namespace

status apply_history(const history_rule& rule, const std::string& table, const std::string& staged,
                     const history_database& in) {
  return rule.is_scd2 ? scd2_merge(rule, table, staged, in).run() : apply_merge(rule, table, staged, in);
}

}  // namespace sluice::history
