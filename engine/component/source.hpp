#pragma once

#include "engine/component/options.hpp"
#include "engine/component/run_context.hpp"
#include "engine/error/error.hpp"
#include "engine/values/batch.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

class chosen_files;  // engine/files/files.hpp

/// A piece of a source that is read from begin to end by one reader: a file, a byte range of one, a partition.
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
  batch rows;                             ///< `data` null where it brought none; order keys are set by the caller
  std::vector<rejected_record> rejected;  ///< in order of offset
  std::uint64_t records = 0;              ///< records consumed: rows.rows() + rejected + filtered
  std::uint64_t filtered = 0;             ///< records dropped by a filter pushed into the reader
  std::uint64_t set_null = 0;             ///< values replaced by null under on_error: set_null
  std::uint64_t bytes = 0;                ///< input bytes consumed (compressed where the input is)
  std::string position;                   ///< `source::open` continues after this step there; bytes of the source's own
  std::optional<std::uint32_t> split;     ///< the id of the split that it is of, where the reader serves several
  bool end = false;                       ///< nothing follows in this split: the only way to say so
};

/// Reads one split, or several in turn where its source says so. Calls may block; they come from one thread at a time,
/// but for `interrupt`.
class split_reader {
 public:
  virtual ~split_reader() = default;
  /// Reads about a batch. A step may be without rows (all records were rejected, nothing came in time from a source
  /// without end); only `end` ends a split. A step without records of a source without end says that its split has been
  /// read up to what is there now: from then on it counts as silent (`time: { idle }`). Fails with the error of the run
  /// (on_error: fail, unreadable file), where and why in it.
  virtual result<read_step> next() = 0;
  /// Serves one more split from now on, beside those that have not ended. Called only where splits_per_reader() > 1.
  virtual status add(const split& piece, const std::string& position);
  /// Lets a call under way return soon, with any result, and all later ones at once. Comes from any thread.
  virtual void interrupt() noexcept {}
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
  std::int64_t split_bytes = 8 * 1024 * 1024;  ///< wanted size of a split
  bool want_positions = true;                  ///< a unit below can reject
  std::shared_ptr<arrow::Schema> resolved;     ///< all columns, as planned; null while planning: the source infers it
  std::vector<std::string> needed;             ///< columns that anything below reads, in the schema's order; empty: all
  std::shared_ptr<const chosen_files> files;   ///< those that the plan has chosen; null: what is there
  const run_context* context = nullptr;
};

/// How far a split has been read.
struct split_progress {
  std::uint32_t split = 0;
  std::string position;  ///< of its last step
  bool ended = false;
};

/// One extract unit: knows its schema, finds its splits and opens them. Shared by the unit's readers: thread-safe.
class source {
 public:
  virtual ~source() = default;
  /// Columns of every batch, after `types` and inference, without the columns that nobody needs.
  [[nodiscard]] virtual std::shared_ptr<arrow::Schema> schema() const = 0;
  /// Finds all splits in the order in which their rows follow each other. May block. May be called again: it gives the
  /// same splits under the same numbers, and behind them those that have come (partitions, files).
  virtual result<std::vector<split>> discover() = 0;
  /// Opens one for reading, from its begin where `position` is empty, else behind the step that ended with it: what
  /// follows is bit by bit what would have followed then. May block. Splits are opened in ascending order of id,
  /// several at a time. A source that is not replayable refuses a position with not_replayable.
  virtual result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) = 0;

  /// True where its splits end by themselves. Others go on until the run is drained.
  [[nodiscard]] virtual bool bounded() const { return true; }
  /// True where nothing can ever follow behind the end of its splits: then all windows of time are complete. False for
  /// a source without end that stops at a position (`until: now`): the next run goes on there.
  [[nodiscard]] virtual bool ends_for_good() const { return bounded(); }
  /// True where a split can be opened again, from its begin or any position, and gives the same rows.
  [[nodiscard]] virtual bool replayable() const { return true; }
  /// How many splits one reader can serve at the same time.
  [[nodiscard]] virtual std::uint32_t splits_per_reader() const { return 1; }

  /// Line (from 1) of an offset in a split, for messages; 0 where lines make no sense. May block and read the file
  /// again.
  virtual std::uint64_t line_of(const split& piece, std::uint64_t offset) { return (void)piece, (void)offset, 0; }
  /// Gives how far its readers have come since the last call, for a later run (`incremental: by column`); null: nothing
  /// to remember. Thread-safe.
  virtual options reached() { return {}; }
  /// Everything up to these positions has been committed by every sink: the source may acknowledge it. May block.
  virtual status committed(std::uint64_t epoch, const std::vector<split_progress>& upto) {
    return (void)epoch, (void)upto, status{};
  }
  /// Lets `discover`, `open`, `line_of` and `committed` return soon, with any result. Comes from any thread.
  virtual void interrupt() noexcept {}
};

/// Checks that a step of a bounded source brings its reader nearer to the end of the split; whether it accounts for all
/// of its records shows in the balance of the run. The error (bad_step, internal) says what is wrong, not where.
status check_step(const read_step& step, bool bounded);

}  // namespace sluice
