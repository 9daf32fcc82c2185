#pragma once

#include "engine/component/component.hpp"
#include "engine/error/error.hpp"
#include "engine/files/appended_file.hpp"
#include "engine/files/direct_output.hpp"
#include "engine/files/hidden_file.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

struct iovec;

namespace sluice {

/// What happens to a target that exists already.
enum class file_mode {
  replace,  ///< it is replaced at once when the new one is complete
  error,    ///< the run fails before any work: target_exists
  append,   ///< the new content follows the old; readers see the old or both, never a part
};

/// Reads `mode:` of a file sink (replace, error, append).
result<file_mode> parse_file_mode(std::string_view text);

/// Publishes one output file at once: nothing under its name changes before `commit`.
///
/// Bytes go to a hidden file beside the target, named by run, unit and attempt, so that attempts never share one.
/// `-` is standard output; it, devices and named pipes get the bytes directly, for there is nothing to publish. All
/// calls may block: I/O threads only. Calls: open, write*, prepare; `abort` at any time before commit is done. `commit`
/// and `recover` need none of them: they may come in another process, after this one has died.
class file_target {
 public:
  struct request {
    std::string path;  ///< as the user wrote it
    file_mode mode = file_mode::replace;
    std::string base_folder;  ///< where relative paths start; empty: the working folder
    std::string run_id;
    std::string unit;
  };

  explicit file_target(request what);
  /// The same from what a sink is made of; `mode` is one that parse_file_mode takes.
  file_target(const sink_request& from, std::string path);
  ~file_target();
  file_target(const file_target&) = delete;
  file_target& operator=(const file_target&) = delete;

  /// Says how rows follow what the target holds already, for mode append; before `open` and `commit`. Without it they
  /// follow at once.
  void continue_by(continue_text how) { continue_ = std::move(how); }
  /// True where rows may follow behind `prepare` after `grow`.
  [[nodiscard]] bool can_grow() const { return what_.path != "-" && what_.mode != file_mode::append; }
  /// As of grows_in_place, before `open`: the hidden file is cut to the length that it had at that epoch.
  void grow(std::string behind) {
    grows_ = can_grow();
    behind_ = std::move(behind);
  }
  static void forget(const std::string& token) noexcept;
  /// True where rows do follow behind `prepare`. After `open`.
  [[nodiscard]] bool grows() const { return grows_ && !direct_; }
  /// True where the file goes on behind such an epoch. After `open`.
  [[nodiscard]] bool goes_on() const { return base_ > 0; }

  /// Checks the target, makes missing parent folders and the hidden file; for append copies the old content into it and
  /// writes what is to stand between.
  status open(std::uint32_t attempt);
  /// Writes all bytes, in one call of the system where it takes them.
  status write(const void* data, std::size_t size);
  status write(std::string_view text) { return write(text.data(), text.size()); }
  /// Writes pieces one after the other without gluing them together. `pieces` is used up.
  status write(std::span<iovec> pieces);
  /// Refuses rows behind `prepare` (not_supported); writers that pack have ended their stream by then.
  [[nodiscard]] status takes_rows() const;
  /// Makes all bytes durable under the hidden name; gives the token to commit by. Nothing can be written after it, but
  /// to standard output, devices and files that grow.
  result<std::string> prepare();
  /// Gives the file its name and makes that durable; doing it again changes nothing. Waits for others that publish into
  /// the folder. What they have appended, or put there, stays: our rows follow it. Errors: prepared_lost.
  status commit(const std::string& token);
  /// Commits these and removes all other hidden files of the unit in this run.
  status recover(const std::vector<std::string>& tokens);
  /// Removes all hidden files of the unit in this run but those that the tokens name.
  status keep(const std::vector<std::string>& tokens);
  /// True where nothing can be written behind `prepare`.
  [[nodiscard]] bool one_epoch() const { return what_.path != "-"; }
  /// The hidden file that a token names. Error: foreign_bytes.
  static result<std::string> hidden_of(const std::string& token);
  /// Whether a token is of bytes that have left already: to standard output, a device or a pipe.
  static bool is_direct(const std::string& token);
  /// Removes the hidden file and the folders that `open` made, unless something else is in them.
  void abort() noexcept;
  /// Ends the waiting of a call under way, for the reader of a pipe or for others that publish: it, and what would have
  /// to wait from now on, fails with interrupted. Comes from any thread.
  void interrupt() noexcept { stopped_.raise(); }

  /// Bytes written since open, without those that append copied.
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  /// Length of the file so far, unless rows are appended to an older content.
  [[nodiscard]] std::int64_t size() const { return base_ + bytes_; }
  /// Where the bytes are until they are published.
  [[nodiscard]] const std::string& hidden() const { return hidden_; }
  /// The same since the last call.
  [[nodiscard]] std::int64_t more_bytes() { return bytes_ - std::exchange(told_, bytes_); }
  /// True where rows follow what `continue_by` has written between: a CSV sink then leaves the header out. After
  /// `open`.
  [[nodiscard]] bool appends() const { return what_.mode == file_mode::append && !direct_; }
  /// The absolute path, or "-": what users are shown.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool is_stdout() const { return path_ == "-"; }

 private:
  /// What a token says: the hidden file, and what it is to become.
  struct prepared_file {
    appended_file file;  ///< `old`, `rows` and `form` for append
    file_mode mode = file_mode::replace;
    std::int64_t device = 0, inode = 0, size = 0, modified = 0;  ///< of the hidden file: it keeps them when renamed
    std::uint64_t rows_hash = 0;                                 ///< for append
  };

  [[nodiscard]] std::string token_of(const prepared_file& made) const;
  static result<prepared_file> read_token(const std::string& token);
  /// Whether the target is what was prepared, or ends with its rows.
  static result<bool> is_published(const prepared_file& made);
  status publish(prepared_file made);
  status check_target();
  status make_hidden(std::uint32_t attempt);
  status go_on(std::uint32_t attempt);
  status begin_append();
  status write_direct(const void* data, std::size_t size);
  [[nodiscard]] error failed(int number, const std::string& doing) const;
  void close_file() noexcept;

  request what_;
  std::string path_;
  std::string folder_;
  std::string hidden_;  ///< empty while there is no hidden file
  made_folders folders_;
  std::optional<unsigned> old_permissions_;
  continue_text continue_;
  appended_file appended_;
  bool grows_ = false;
  std::string behind_;     ///< token of the epoch that it goes on behind
  std::int64_t base_ = 0;  ///< length of the file at that epoch
  std::int64_t bytes_ = 0;
  std::int64_t told_ = 0;  ///< by more_bytes
  interruption stopped_;
  std::optional<direct_output> direct_;  ///< standard output, a device or a pipe
  int file_ = -1;
  bool published_ = false;  ///< the new content stands under its name
  bool prepared_ = false;   ///< the hidden file outlives this object; unless it grows nothing more is written
};

}  // namespace sluice
