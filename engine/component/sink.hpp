#pragma once

#include "engine/component/options.hpp"
#include "engine/component/run_context.hpp"
#include "engine/error/error.hpp"
#include "engine/error/row_errors.hpp"
#include "engine/values/batch.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

struct sink_request {
  std::string unit;
  std::shared_ptr<arrow::Schema> schema;  ///< of what arrives
  options own;
  std::string mode;              ///< one of the spec's modes; the spec's default filled in
  std::vector<std::string> key;  ///< `key:` for upsert
  on_error policy = on_error::fail;
  /// The run behind whose last checkpoint this one goes on; empty: it begins afresh. The same unit has prepared epochs
  /// there: what it has done once (making or emptying a table) is not done again.
  std::string continues;
  const run_context* context = nullptr;
};

/// What a sink has made durable with one epoch, for the balance and for the events.
struct sink_report {
  std::uint64_t loaded = 0;    ///< rows in the target's terms: what a reader of the target will find of ours
  std::uint64_t merged = 0;    ///< rows that replaced an earlier one of the same epoch (upsert by key)
  std::uint64_t set_null = 0;  ///< values that the target can't hold, replaced by null (on_error: set_null)
  std::uint64_t bytes = 0;     ///< written, 0 where unknown
  std::string target;          ///< path, or "database:table", shown to users
};

/// What `sink::prepare` gives.
struct prepared_epoch {
  sink_report report;
  /// All that a sink of the same unit needs to commit, in this process or a later one. Bytes of the sink's own, of at
  /// most a few KiB, without secrets; never empty. Goes into the manifest.
  std::string token;
};

/// One load unit. Calls may block; they come from one thread at a time, but for `interrupt`.
///
/// Writing: `open`, then for each epoch `write`* and `prepare`. Nothing is visible in the target before `commit`.
/// `abort` may come instead of any of them, and once after any failure.
/// Publishing: `commit` and `recover` need no `open`. They may come to the object that prepared, or to a new one that
/// was made of the same request and run, after the process that prepared has died.
class sink {
 public:
  virtual ~sink() = default;
  /// Checks the target and makes what is needed beside it (folders, temporary files, staging table). `attempt` counts
  /// the instances of the unit in this run, so that what they make is never mixed up.
  virtual status open(std::uint32_t attempt) = 0;
  /// Takes rows. Those that the target refuses come back in `refused` where the policy is reject (index in the batch).
  virtual status write(const batch& rows, row_errors& refused) = 0;
  /// Makes all that was written since the last call durable, but not visible. Epochs ascend. What is written after it
  /// belongs to the next one; a sink that can hold only one fails then with not_supported.
  virtual result<prepared_epoch> prepare(std::uint64_t epoch) = 0;
  /// Makes an epoch visible, at once; doing it again changes nothing. Epochs are committed in their order. A failure
  /// may be repeated, unless the error says that the target refuses it for good.
  virtual status commit(const std::string& token) = 0;
  /// Settles what this unit has left in this run: commits these epochs, in their order, and removes all others that
  /// were prepared or begun, by any attempt. Called when no other process works on the run.
  virtual status recover(const std::vector<std::string>& tokens) = 0;
  /// Like `recover`, where the epochs are not due yet: keeps them, and removes all others of this unit and run.
  virtual status keep(const std::vector<std::string>& tokens) { return (void)tokens, status{}; }
  /// True where nothing can be added to a target behind an epoch: refused at plan time in runs with several.
  [[nodiscard]] virtual bool one_epoch() const { return false; }
  /// Removes all that was written or prepared by this object and not committed.
  virtual void abort() noexcept = 0;
  /// Lets a call under way return soon, with any result, and later ones but `abort` at once. Comes from any thread.
  virtual void interrupt() noexcept {}
};

}  // namespace sluice
