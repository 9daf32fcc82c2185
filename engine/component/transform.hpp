#pragma once

#include "engine/component/options.hpp"
#include "engine/component/run_context.hpp"
#include "engine/component/state.hpp"
#include "engine/error/error.hpp"
#include "engine/error/row_errors.hpp"
#include "engine/values/batch.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

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

/// Which column says when the rows of a port happened. Watermarks are about these times.
struct event_time {
  std::string column;   ///< a timestamp or timestamptz
  bool is_end = false;  ///< the end of a window: the row happened a microsecond before it

  friend bool operator==(const event_time&, const event_time&) = default;
};

struct input_port {
  std::string unit;  ///< name by which expressions may qualify its columns; a port reads "routed_late"
  std::shared_ptr<arrow::Schema> schema;
  std::optional<event_time> time = {};  ///< none: its rows have no event time
};

struct output_port {
  std::string name;  ///< empty for the only one
  std::shared_ptr<arrow::Schema> schema;
  std::optional<event_time> time = {};  ///< where the transform gives its rows another one than that of input 0
};

/// How rows must be spread over the instances of a unit with parallelism above 1.
struct partitioning {
  enum class kind { any, by_keys, single } how = kind::any;      ///< single: the unit can't run in parallel
  std::vector<std::string> keys = {};                            ///< columns of that input, by_keys
  std::vector<std::shared_ptr<arrow::DataType>> key_types = {};  ///< the common type each key is cast to before hashing
};

/// The watermark of an input that has ended and will never go on.
inline constexpr std::int64_t end_of_time = std::numeric_limits<std::int64_t>::max();

struct transform_request {
  std::string unit;
  std::vector<input_port> inputs;
  options own;  ///< checked against the spec, defaults filled in
  on_error policy = on_error::fail;
  /// Named outputs that a unit below reads: where nobody reads `late`, an aggregate rejects late rows.
  std::vector<std::string> read_ports = {};
  bool endless = false;  ///< an input comes from a source without end: what is held until the end would never come
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
  /// Where an input must end before anything of it comes out: what to do below a source without end ("add within:").
  [[nodiscard]] virtual std::optional<std::string> needs_end(int input) const { return (void)input, std::nullopt; }
  /// True where rows may come again with other values, which take the place of the earlier ones of their key: only an
  /// upsert can take them.
  [[nodiscard]] virtual bool gives_rows_again() const { return false; }
  /// Works on one batch of an input that has not ended.
  virtual status process(int input, batch in, emitter& out) = 0;
  /// Says that an input has ended; called once for each, in any order.
  virtual status finish(int input, emitter& out) { return (void)input, (void)out, status{}; }
  /// True where on_time decides what is emitted; then the watermarks of its inputs with an event time are needed.
  [[nodiscard]] virtual bool needs_watermarks() const { return false; }
  /// The watermark of all inputs with an event time has risen: rows before it (microseconds since 1970 UTC) do not come
  /// any more, except late ones. What is due is emitted now; the watermark is passed on behind it. Behind the last row
  /// of inputs that end for good it is end_of_time.
  virtual status on_time(std::int64_t watermark, emitter& out) { return (void)watermark, (void)out, status{}; }
  /// Makes more output of what was taken in; true: call again. Called after every other call that has an emitter, until
  /// it is false.
  virtual result<bool> resume(emitter& out) { return (void)out, false; }
  /// A checkpoint is about to be taken: what must be passed on before it (changed groups for an upsert) is emitted now.
  virtual status before_barrier(std::uint64_t epoch, emitter& out) { return (void)epoch, (void)out, status{}; }
  /// Hands out what the transform holds of some key groups, without changing it. Called between two batches, when
  /// `resume` has nothing more to make. The default is that of a transform that holds nothing. Errors: not_supported,
  /// where what it holds can't be handed out.
  [[nodiscard]] virtual result<std::vector<state_part>> state(key_groups of) {
    return (void)of, std::vector<state_part>{};
  }
  /// Rows that were taken in and are neither passed on nor counted as filtered, merged or rejected yet, while `state`
  /// can hand them out. Counted in what is held, never as a difference: a checkpoint compares.
  [[nodiscard]] virtual std::uint64_t held() const { return 0; }
  /// Takes over what instances of the same unit have handed out: their inputs, outputs and options are the same. Called
  /// before the first batch, once for each instance whose key groups it takes over.
  virtual status restore(const std::vector<state_part>& parts);
  /// True when further input can't change the output any more (limit reached): upstream is told to stop.
  [[nodiscard]] virtual bool satisfied() const { return false; }
  /// Names the operations inside a unit for its counters; one entry unless it is `steps`.
  struct step_counters {
    std::string name;
    std::uint64_t in = 0, added = 0, out = 0, filtered = 0, merged = 0, rejected = 0;
  };
  [[nodiscard]] virtual std::vector<step_counters> steps() const { return {}; }
};

}  // namespace sluice
