#pragma once

#include "engine/sinks/history/history_rule.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace sluice::history {

/// A database in the transaction of a commit. Both of ours know UPDATE ... FROM and IS DISTINCT FROM (SQLite 3.39).
struct history_database {
  std::function<status(const std::string& sql)> run;
  /// Runs a query that gives one whole number.
  std::function<result<std::int64_t>(const std::string& sql)> number;
  std::string make_temporary;  ///< "CREATE TEMP TABLE _sluice_rounds AS "
  std::string temporary;       ///< how that is called: "temp._sluice_rounds"
};

/// Merges the staged rows into the table: both names are quoted. The table is there and has the columns of
/// `rule.target`.
///
/// merge: rows that delete remove the row of their key; others replace the columns `updated` of the row of their key,
/// or are added.
///
/// scd2: versions are [valid_from, valid_to), an open one is current. The staged rows of a key are taken in the order
/// of their times t, those that are the first of their key together, then the second ones, and so on. With the version
/// that holds at t:
/// - it begins at t: its columns are overwritten (a correction, or the same extract again);
/// - its tracked columns are the same: the others are overwritten in it;
/// - it differs: it ends at t, and the new version holds until the old one would have ended;
/// - there is none: the new version holds until the next one begins, or is open.
/// With closes_gone, versions that hold at gone_at of keys without staged rows end then; those that begin then are
/// removed: they came from an extract of the same time that this one replaces.
status apply_history(const history_rule& rule, const std::string& table, const std::string& staged,
                     const history_database& in);

}  // namespace sluice::history
