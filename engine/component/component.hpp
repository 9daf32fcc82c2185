#pragma once

#include "engine/component/run_context.hpp"
#include "engine/component/spec.hpp"
#include "engine/error/error.hpp"
#include "engine/error/row_errors.hpp"
#include "engine/values/batch.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

class chosen_files;  // engine/files/files.hpp
struct input_file;

// ---------------------------------------------------------------------------------------------------------------------
// Sources

/// A piece of a source that one reader reads from begin to end: a file, or a byte range of one.
struct split {
  std::uint32_t id = 0;    ///< its place in the source's order
  std::string object;      ///< file path, or another name that the source understands; shown to users
  std::int64_t begin = 0;  ///< bytes, rows or row groups: the source's own unit
  std::int64_t end = 0;
  std::int64_t bytes = 0;  ///< what it adds to the progress display; 0 where unknown
};

/// A record that could not become a row of the source's schema.
struct rejected_record {
  std::string record;        ///< the bytes as they stood in the source
  std::uint64_t offset = 0;  ///< position::offset
  std::string code;          ///< too_few_fields, invalid_value, ...
  std::string column;        ///< may be empty
  std::string message;       ///< what was expected and found
};

/// What one call of `split_reader::next` brought.
struct read_step {
  batch rows;                             ///< `data` null at the end of the split; order keys are set by the caller
  std::vector<rejected_record> rejected;  ///< in order of offset
  std::uint64_t records = 0;              ///< records consumed: rows.rows() + rejected + filtered
  std::uint64_t filtered = 0;             ///< records dropped by a filter pushed into the reader
  std::uint64_t set_null = 0;             ///< values replaced by null under on_error: set_null
  std::uint64_t bytes = 0;                ///< input bytes consumed (compressed where the input is)
  bool end = false;                       ///< nothing follows in this split
};

/// Reads one split. Calls may block; they come from one thread at a time.
class split_reader {
 public:
  virtual ~split_reader() = default;
  /// Reads about a batch. Fails with the error of the run (on_error: fail, unreadable file), where and why in it.
  virtual result<read_step> next() = 0;
};

/// What a source is made from. The engine options that stand beside the component are here, its own are in `own`.
struct source_request {
  std::string unit;
  std::uint32_t number = 0;            ///< position::source
  options own;                         ///< checked against the spec, defaults filled in
  options types;                       ///< `types:` as written, or null
  std::vector<std::string> columns;    ///< `columns:` as written; empty: all
  options metadata;                    ///< `metadata:` as written ({ name: path|row|... }), or null
  std::optional<std::int64_t> sample;  ///< rows to infer types from
  on_error policy = on_error::reject;
  bool keep_order = true;                      ///< false for `order: any`
  std::int64_t split_bytes = 8 * 1024 * 1024;  ///< wanted size of a split
  bool want_positions = true;                  ///< a unit below can reject
  std::shared_ptr<arrow::Schema> resolved;     ///< all columns, as planned; null while planning: the source infers it
  std::vector<std::string> needed;             ///< columns that anything below reads, in the schema's order; empty: all
  std::shared_ptr<const chosen_files> files;   ///< those that the plan has chosen; null: what is there
  const run_context* context = nullptr;
};

/// One extract unit: knows its schema, finds its splits and opens them. Shared by the unit's readers: thread-safe.
class source {
 public:
  virtual ~source() = default;
  /// Columns of every batch, after `types` and inference, without the columns that nobody needs.
  [[nodiscard]] virtual std::shared_ptr<arrow::Schema> schema() const = 0;
  /// Finds all splits in the order in which their rows follow each other. May block.
  virtual result<std::vector<split>> discover() = 0;
  /// Opens one for reading. May block. Splits are opened in ascending order of id, several at a time.
  virtual result<std::unique_ptr<split_reader>> open(const split& piece) = 0;
  /// Line (from 1) of an offset in a split, for messages; 0 where lines make no sense. May block and read the file
  /// again.
  virtual std::uint64_t line_of(const split& piece, std::uint64_t offset) { return (void)piece, (void)offset, 0; }
  /// Gives how far its readers have come since the last call, for a later run (`incremental: by column`); null: nothing
  /// to remember. Thread-safe.
  virtual options reached() { return {}; }
};

// ---------------------------------------------------------------------------------------------------------------------
// Transforms

/// Takes what a transform makes. Implemented by the actor, and by `collector` in tests.
class emitter {
 public:
  virtual ~emitter() = default;
  /// Passes a batch on to everything that reads `port`. Its order key is set by the caller, not the transform.
  virtual void emit(int port, batch rows) = 0;
  /// Sends rows of `in`, as they entered this unit, to the rejects, once per row, all its errors joined. Counted here.
  virtual void reject(const batch& in, const row_errors& why) = 0;
  virtual void count_filtered(std::uint64_t rows) = 0;  ///< dropped by the user's own rule
  virtual void count_merged(std::uint64_t rows) = 0;    ///< input rows that became part of another output row
  virtual void count_added(std::uint64_t rows) = 0;     ///< output rows beyond the input rows (join, unnest)
  virtual void count_set_null(const std::string& column, std::uint64_t values) = 0;
};

struct input_port {
  std::string unit;  ///< name by which expressions may qualify its columns; a port reads "routed_late"
  std::shared_ptr<arrow::Schema> schema;
};

struct output_port {
  std::string name;  ///< empty for the only one
  std::shared_ptr<arrow::Schema> schema;
};

/// How rows must be spread over the instances of a unit with parallelism above 1.
struct partitioning {
  enum class kind { any, by_keys, single } how = kind::any;      ///< single: the unit can't run in parallel
  std::vector<std::string> keys = {};                            ///< columns of that input, by_keys
  std::vector<std::shared_ptr<arrow::DataType>> key_types = {};  ///< the common type each key is cast to before hashing
};

struct transform_request {
  std::string unit;
  std::vector<input_port> inputs;
  options own;  ///< checked against the spec, defaults filled in
  on_error policy = on_error::fail;
  /// The inputs hold only what `required_columns` asked for: other columns that options name (drop, rename) are passed
  /// over.
  bool pruned = false;
  const run_context* context = nullptr;  ///< outlives the transform
};

/// One instance of a transform unit, bound to its input schemas. Single-threaded. Calls must not block and should stay
/// near 10 ms: long work is cut up by `resume`. Heavy state is made on the first batch, not in the factory: planning
/// makes instances only to ask for their schemas.
class transform {
 public:
  virtual ~transform() = default;
  [[nodiscard]] virtual const std::vector<output_port>& outputs() const = 0;
  [[nodiscard]] virtual partitioning input_partitioning(int input) const { return (void)input, partitioning{}; }
  /// True where the result depends on the order of rows (limit, deduplicate, stable sort): the input is put in order.
  [[nodiscard]] virtual bool needs_order() const { return false; }
  /// True where each input batch gives output in its place (filter, derive; a join for its input 0).
  [[nodiscard]] virtual bool keeps_order() const { return true; }
  /// Columns of an input that are read here, or passed on because they are among `wanted`, the output columns (of any
  /// port) that are used below; nullopt: all. What expressions read counts even where their result is not wanted,
  /// because their errors stay. Unknown names in `wanted` are passed over.
  [[nodiscard]] virtual std::optional<std::vector<std::string>> required_columns(
      int input, const std::vector<std::string>& wanted) const {
    return (void)input, (void)wanted, std::nullopt;
  }
  /// Works on one batch of an input that has not ended.
  virtual status process(int input, batch in, emitter& out) = 0;
  /// Says that an input has ended; called once for each, in any order.
  virtual status finish(int input, emitter& out) { return (void)input, (void)out, status{}; }
  /// Makes more output of what was taken in; true: call again. Called after `process` and `finish` until it is false.
  virtual result<bool> resume(emitter& out) { return (void)out, false; }
  /// True when further input can't change the output any more (limit reached): upstream is told to stop.
  [[nodiscard]] virtual bool satisfied() const { return false; }
  /// Names the operations inside a unit for its counters; one entry unless it is `steps`.
  struct step_counters {
    std::string name;
    std::uint64_t in = 0, added = 0, out = 0, filtered = 0, merged = 0, rejected = 0;
  };
  [[nodiscard]] virtual std::vector<step_counters> steps() const { return {}; }
};

// ---------------------------------------------------------------------------------------------------------------------
// Sinks

struct sink_request {
  std::string unit;
  std::shared_ptr<arrow::Schema> schema;  ///< of what arrives
  options own;
  std::string mode;              ///< one of the spec's modes; the spec's default filled in
  std::vector<std::string> key;  ///< `key:` for upsert
  on_error policy = on_error::fail;
  std::uint32_t attempt = 1;
  const run_context* context = nullptr;
};

/// What a sink has made durable, for the balance and for the events.
struct sink_report {
  std::uint64_t loaded = 0;    ///< rows in the target's terms: what a reader of the target will find of ours
  std::uint64_t merged = 0;    ///< rows that replaced an earlier one of the same run (upsert by key)
  std::uint64_t set_null = 0;  ///< values that the target can't hold, replaced by null (on_error: set_null)
  std::uint64_t bytes = 0;     ///< written, 0 where unknown
  std::string target;          ///< path, or "database:table", shown to users
};

/// One load unit. Calls may block; they come from one thread at a time, in the order open, write*, prepare, commit.
/// `abort` may come instead of any of them and once after any failure. Nothing is visible in the target before
/// `commit`.
class sink {
 public:
  virtual ~sink() = default;
  /// Checks the target and makes what is needed beside it (folders, temporary files, staging table).
  virtual status open() = 0;
  /// Takes rows. Those that the target refuses come back in `refused` where the policy is reject (index in the batch).
  virtual status write(const batch& rows, row_errors& refused) = 0;
  /// Makes everything durable but not visible. No write follows.
  virtual result<sink_report> prepare() = 0;
  /// Makes it visible at once; doing it again changes nothing.
  virtual status commit() = 0;
  /// Removes all that was not committed.
  virtual void abort() noexcept = 0;
};

// ---------------------------------------------------------------------------------------------------------------------
// The list

/// What planning asks of sources that read files; empty `extensions`: the source reads none.
struct file_reading {
  std::vector<std::string> extensions = {};  ///< names that count in a folder, without dot
  bool packed = true;                        ///< takes compressed files
  bool appends = false;                      ///< a file that has grown is read on where its last line ended
  /// Columns of one file without reading its rows, types where the file has them (else null types); null: its records
  /// need not have the same columns.
  result<std::shared_ptr<arrow::Schema>> (*columns)(const source_request&, const input_file&) = nullptr;
};

/// Ties a spec to its factory; exactly one of the three factories is set. A factory appends all faults that it finds to
/// `faults` and returns null if there are any. Those of planning a source may block (types are inferred from files).
struct component {
  component_spec spec;
  std::unique_ptr<source> (*make_source)(const source_request&, diagnostics& faults) = nullptr;
  std::unique_ptr<transform> (*make_transform)(const transform_request&, diagnostics& faults) = nullptr;
  std::unique_ptr<sink> (*make_sink)(const sink_request&, diagnostics& faults) = nullptr;
  file_reading files = {};  ///< sources
};

/// All components, sorted by kind and name. The list itself is in components.cpp.
const std::vector<const component*>& components();
/// Finds one, or null.
const component* find_component(component_kind kind, const std::string& name);
/// Words of the language that are known but not built yet ("kafka", "window"): used for `not supported yet`.
const std::vector<std::string>& planned_components(component_kind kind);

}  // namespace sluice
