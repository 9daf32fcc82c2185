#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::schedule {

/// What becomes of due times that passed while nobody looked.
enum class catch_up_rule { none, last, all };

/// `after:` of a schedule.
struct after_settings {
  std::vector<std::string> pipelines = {};
  bool all = true;                     ///< `all`: each of them has to end; `any`: one is enough
  std::vector<std::string> same = {};  ///< params that have to be equal, and are taken over
  std::optional<std::int64_t> within = {};
  bool partial = false;  ///< runs that ended as partial count too
};

/// `schedule:` of a pipeline. Durations in microseconds; exactly one of cron, every, after, files and webhook.
struct settings {
  std::string cron = {};
  std::string timezone = "UTC";  ///< of cron, and of a deadline that is a time of day
  std::int64_t every = 0;
  std::optional<after_settings> after = {};
  std::string files = {};  ///< a glob
  std::int64_t settle = 30'000'000;
  bool webhook = false;
  std::string signing_key = {};  ///< a reference to a secret
  catch_up_rule catch_up = catch_up_rule::last;
  std::int64_t deadline = 0;                ///< from the due time; 0: none
  std::optional<int> deadline_minute = {};  ///< the minute of the day instead
};

/// As the Store keeps them.
options to_options(const settings& of);
/// Error: invalid_schedule, where a newer version wrote it.
result<settings> from_options(const options& kept);

/// In a few words, for tables: "15 5 * * * Europe/Berlin", "every 15m", "after a and b".
std::string describe(const settings& of);

/// The first due time after `after` (microseconds since 1970 UTC) of a schedule by time; nullopt where there is none.
/// Errors: those of the zone.
result<std::optional<std::int64_t>> next_due(const settings& of, std::int64_t after);

/// What a look at the clock finds.
struct due_look {
  std::vector<std::int64_t> due = {};  ///< times whose runs are to be started, ascending
  std::int64_t mark = 0;               ///< times up to here were looked at
  std::int64_t missed = 0;             ///< times that start nothing, by the rule of `catch_up`
  std::int64_t first_missed = 0;
  std::int64_t last_missed = 0;
};
/// Due times above `mark` and up to `now`. A clock that was put back finds nothing until it is above the mark again.
/// Under `none` those count that are at most a minute old. At most 1,000 times are given; the rest comes next time.
result<due_look> look_at_clock(const settings& of, std::int64_t mark, std::int64_t now);

/// When a run that is due at `due` has to have succeeded; 0: at any time.
result<std::int64_t> deadline_of(const settings& of, std::int64_t due);

}  // namespace sluice::schedule
