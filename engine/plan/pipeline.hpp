#pragma once

#include "engine/component/options.hpp"
#include "engine/component/retry.hpp"
#include "engine/component/run_context.hpp"
#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

enum class unit_role { extract, transform, load };
/// The section of the file in which such units stand.
[[nodiscard]] const char* to_string(unit_role role);

/// Where a unit is to run: on a node by name, or on any node that has all the labels. Both empty: anywhere.
struct placement {
  std::string node;
  std::map<std::string, std::string> labels;
};

/// What a source takes of what it took before: `incremental:`.
struct incremental_rule {
  enum class way { none, file, column } by = way::none;
  std::string column;         ///< by column: rows above its highest value so far are new
  bool read_changed = false;  ///< by file, `changed: read_again`: else a file that was changed fails the run
};

/// When the rows of a source happened: `time:`. Durations are microseconds.
struct time_rule {
  std::string column;             ///< empty: its rows have no event time
  std::int64_t out_of_order = 0;  ///< a row may come so much later than a later one of the same file or partition
  std::optional<std::int64_t> idle = {};  ///< a split that is silent for so long holds the watermark back no more
};

/// What becomes of columns that are new or lost since the last run: `contract:`.
enum class column_contract { none, evolve, freeze, discard, quarantine };
[[nodiscard]] const char* to_string(column_contract rule);

/// A unit as the user wrote it, `defaults` merged in and options checked against the component's spec.
struct unit_definition {
  unit_role role = unit_role::transform;
  bool faulty = false;  ///< has faults that are reported: known by name, not bound
  std::string name;
  std::string description;
  std::vector<std::string> from;  ///< "unit" or "unit.port", in the order written
  std::string component;          ///< csv, filter, ...; "steps" for several operations
  options own;                    ///< what stands behind the component's name, the spec's defaults filled in
  std::optional<on_error> policy;
  std::optional<int> parallelism;
  placement place;
  // Sources
  options types;  ///< null where not given
  std::vector<std::string> columns;
  std::optional<std::int64_t> sample;
  options metadata;
  bool any_order = false;  ///< `order: any`
  incremental_rule incremental;
  column_contract contract = column_contract::none;
  time_rule time;
  // Sinks
  std::string mode;
  std::vector<std::string> key;
  bool commit_each = false;  ///< `commit: checkpoint`: rows become visible with each checkpoint
};

/// `rejects:` of a pipeline.
struct rejects_rule {
  std::int64_t allow = 0;            ///< up to this many: succeeded; more: partial
  std::optional<double> fail_above;  ///< share of the rows that sources read, 0 to 1; above: failed
  /// Over how long a run without end is judged, at each checkpoint; not given: default_rejects_per.
  std::optional<std::int64_t> per_microseconds = {};
};
inline constexpr std::int64_t default_rejects_per = 600'000'000;

/// A pipeline as config read it: names are unique, options fit their specs; what refers to what is not yet checked.
struct pipeline {
  int version = 1;
  std::string name;
  std::string description;
  std::string owner;
  std::vector<std::string> tags;
  std::map<std::string, std::shared_ptr<arrow::Scalar>> params;  ///< typed values, defaults filled in
  std::optional<std::int64_t> memory_bytes;                      ///< run.memory
  std::string timezone = "UTC";
  std::optional<std::int64_t> timeout_microseconds;
  std::optional<std::int64_t> checkpoint_microseconds;  ///< run.checkpoint: how often
  std::optional<retry_rule> retry;                      ///< run.retry: how often and when a failed run is tried again
  rejects_rule rejects;
  std::vector<unit_definition> units;  ///< in the order of the file
  std::string file;                    ///< path as given
  std::string text;                    ///< the file, `${...}` not filled in: kept with the run, holds no secrets
};

/// JSON pointer of a unit in its file: "/transform/paid". Errors of planning carry it in front of the component's path.
std::string unit_path(const unit_definition& unit);

}  // namespace sluice
