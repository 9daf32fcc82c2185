#pragma once

#include "engine/component/component.hpp"
#include "engine/plan/pipeline.hpp"
#include "engine/plan/source_reading.hpp"

#include <optional>

namespace sluice {

/// How the rows of an edge are spread over the instances of its receiver.
enum class edge_kind { forward, round_robin, hash, broadcast };

struct planned_edge {
  int from_unit = 0;  ///< index in plan::units
  int from_port = 0;  ///< index in the sender's outputs
  int to_unit = 0;
  int to_input = 0;
  edge_kind kind = edge_kind::forward;
  std::vector<std::string> keys;                            ///< hash: columns of the sender's schema
  std::vector<std::shared_ptr<arrow::DataType>> key_types;  ///< hash: each key is cast to this first
  /// Batches carry order keys that say how they follow each other over all instances of the sender. A unit that keeps
  /// order passes the keys of its input 0 on; another one with parallelism 1 numbers its output afresh (split 0).
  bool ordered = false;
  bool restore_order = false;  ///< the receiver needs them in that order; only where `ordered`
  bool timed = false;          ///< watermarks travel on it: something below decides by event time
};

/// A unit, bound: everything a node needs to start its instances.
struct planned_unit {
  unit_definition definition;
  std::vector<input_port> inputs;
  /// Ports: a source has rows, a sink none; then, where a `unit.rejects` edge leaves, the rejects port as the last one.
  std::vector<output_port> outputs;
  std::optional<int> rejects_port;
  std::vector<std::string> read_ports;  ///< named outputs of the component that a unit below reads
  int parallelism = 1;
  std::optional<std::int64_t> refresh;  ///< microseconds after which one of its inputs is read again
  int refreshed_input = 0;              ///< that one
  std::string continues;                ///< sinks: sink_request::continues
  bool endless = false;                 ///< a source above it, or it, has no end
  bool stops = false;  ///< sources: they have an end, which is a position: there may be more behind it (until: now)
  on_error policy = on_error::fail;
  bool want_positions = false;              ///< its output carries positions: a unit below it can reject
  std::shared_ptr<arrow::Schema> resolved;  ///< sources: all columns, before those that nobody needs are left out
  std::vector<std::string> needed;          ///< sources: columns that anything below reads; empty: all
  std::string filter;                       ///< sources: an expression pushed into the reader, may be empty
  std::uint32_t source_number = 0;          ///< extract units are numbered from 0
  source_reading reading;                   ///< sources
};

/// What a run executes. Units are in topological order.
struct plan {
  pipeline definition;
  std::vector<planned_unit> units;
  std::vector<planned_edge> edges;
  std::vector<error> warnings;  ///< shown, not fatal
  bool flush = false;           ///< windows that are open when the run ends are emitted all the same

  [[nodiscard]] std::optional<int> find(const std::string& unit) const;
  /// True where it goes on until it is drained.
  [[nodiscard]] bool endless() const;
  /// True where its end is a position of a source behind which the next run reads on, with what operators that decide
  /// by event time hold (windows below `until: now`).
  [[nodiscard]] bool goes_on() const;
  /// True where windows may be open when a run ends: `flush` is about these.
  [[nodiscard]] bool has_windows_at_end() const;
  /// Microseconds between two checkpoints; none where the only one is at the end.
  [[nodiscard]] std::optional<std::int64_t> checkpoint_interval() const;
  /// True where a sink commits with each checkpoint, else at the end of the run.
  [[nodiscard]] bool commits_each(std::uint32_t unit) const;
  [[nodiscard]] std::vector<int> edges_from(int unit) const;  ///< indices in `edges`
  [[nodiscard]] std::vector<int> edges_into(int unit) const;  ///< sorted by to_input
};

/// Columns of every `unit.rejects` port and of the rejects files: unit, code, column, message, record (text or JSON),
/// file, line, offset, run.
std::shared_ptr<arrow::Schema> rejects_schema();

/// What earlier runs have left for the next one.
struct remembered_sources {
  const store::pipeline_state* state = nullptr;  ///< null: nothing is looked up and nothing remembered
  bool fresh = false;                            ///< `--fresh`: all is taken again, as in a first run
};
/// True where a pipeline's sources have anything to remember.
bool uses_source_state(const pipeline& definition);

/// Resolves names, infers and types everything, chooses edges and parallelism. May block (reads samples of the files).
/// All faults found are appended, each with `path` from the pipeline's root; the plan is empty if there are any.
std::optional<plan> make_plan(pipeline definition, const run_context& context, diagnostics& faults,
                              const remembered_sources& remembered = {});

/// Makes the unit's component again from the plan; a fault means that this node differs from the one that planned.
result<std::unique_ptr<source>> make_source(const plan& from, int unit, const run_context& context);
result<std::unique_ptr<transform>> make_transform(const plan& from, int unit, const run_context& context);
result<std::unique_ptr<sink>> make_sink(const plan& from, int unit, const run_context& context);

/// Writes a plan as MessagePack, for other nodes and for the Store; and reads it back. Foreign bytes give an error.
std::string plan_to_bytes(const plan& from);
result<plan> plan_from_bytes(std::string_view bytes);

/// Says in text what will run: units, schemas, edges, what was pushed down.
std::string explain(const plan& from);

}  // namespace sluice
