#pragma once

#include "engine/component/options.hpp"
#include "engine/component/spec.hpp"
#include "engine/error/error.hpp"
#include "engine/files/encoding.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice {

/// How the bytes of a file are packed.
enum class compression {
  none,
  gzip,
  zstd,
  lz4,
  bz2,
  by_content,  ///< what the first bytes say: standard input has no extension
};

/// Reads the option `compression`: one of its names, or "auto" for what the extension of `path` says.
result<compression> compression_of(std::string_view path, std::string_view option);
/// The name that the option has for it.
std::string_view name_of(compression kind);

/// One file that a source reads.
struct input_file {
  std::string name;        ///< as users know it: relative where they wrote it so; "-" is standard input
  std::string path;        ///< to open it by: absolute, or "-"
  std::int64_t size = -1;  ///< bytes on disk, or those that a plan knew of; -1 where unknown (standard input, pipes)
  std::int64_t begin = 0;  ///< bytes to pass over, read by an earlier run: only where `seekable`
  compression packed = compression::none;
  text_encoding encoding = text_encoding::as_it_is;  ///< utf8 where the bytes are the text, a mark in front aside

  /// True where any byte can be read at any time: only such files are cut into splits.
  [[nodiscard]] bool seekable() const {
    return packed == compression::none && size >= 0 &&
           (encoding == text_encoding::as_it_is || encoding == text_encoding::utf8);
  }
};

/// A file that a plan has chosen to be read.
struct chosen_file {
  std::string name;        ///< input_file::name
  std::int64_t begin = 0;  ///< input_file::begin
  std::int64_t size = -1;  ///< when it was planned: what was added since then is left for the next run
};

/// The files that a plan has chosen, in their order.
class chosen_files {
 public:
  explicit chosen_files(std::vector<chosen_file> files);
  [[nodiscard]] const std::vector<chosen_file>& all() const { return files_; }
  /// Null where it is none of them.
  [[nodiscard]] const chosen_file* find(const std::string& name) const;

 private:
  std::vector<chosen_file> files_;
  std::unordered_map<std::string, std::size_t> places_;
};

/// What to look for.
struct file_search {
  options path;  ///< text or list of texts: files, globs (* ? [a-z] **), folders, "-"
  std::string compression = "auto";
  std::string base_folder;  ///< relative paths start here; empty: the working folder
  /// Names that count in a folder, without dot ("csv"), also with a compression's extension behind; empty: all.
  std::vector<std::string> extensions = {};
  std::string encoding = {};  ///< of text, as the option says; empty: the files are no text
  /// What a plan has chosen: then nothing else is looked for. There may be none. Null: what is there.
  std::shared_ptr<const chosen_files> chosen = nullptr;
};

/// Finds the files in the order of the list, those of a glob or folder sorted by path; a file named twice is read once.
///
/// Folders are searched with all below; hidden names (. and _) count only where written out. Errors: file_not_found
/// (also for a glob or folder that gives nothing: says what was searched), permission_denied, is_a_folder,
/// not_seekable (a named pipe);
/// source_changed for a chosen file that has become shorter.
result<std::vector<input_file>> find_files(const file_search& what);

/// Makes the `input_file` of one path as `input_file::name` had it, on any node, as far as the plan has chosen it.
/// Looks for the mark of a plain text.
result<input_file> find_file(const std::string& name, const file_search& what);

/// Reads bytes in order. Calls may block; one thread at a time.
class byte_stream {
 public:
  virtual ~byte_stream() = default;
  /// Fills `into` with the next bytes, fewer than `size` only at the end; 0 at the end.
  virtual result<std::int64_t> read(std::uint8_t* into, std::int64_t size) = 0;
  /// Bytes taken from the disk so far (packed where the file is packed): for progress.
  [[nodiscard]] virtual std::int64_t consumed() const = 0;
};

/// Opens a file for reading from its begin, unpacked, and text as UTF-8. Concatenated gzip, zstd, lz4 and bz2 streams
/// are read as one. Errors while reading: corrupt_file (what a packed stream lacks), disk_error. Standard input can be
/// opened once.
result<std::unique_ptr<byte_stream>> open_stream(const input_file& file);

/// Reads on by so many bytes, or to the end.
status skip_bytes(byte_stream& stream, std::int64_t count);

/// Returns the first bytes of what `open_stream` gives, at most `bytes`. Standard input keeps them for who reads it
/// later.
result<std::string> peek_file(const input_file& file, std::int64_t bytes);

/// An open seekable file. Reads at any place, from any thread.
class random_file {
 public:
  static result<std::shared_ptr<random_file>> open(const input_file& file);
  ~random_file();
  random_file(const random_file&) = delete;
  random_file& operator=(const random_file&) = delete;

  /// Fills `into` from byte `at`, fewer than `size` only at the end of the file.
  result<std::int64_t> read_at(std::int64_t at, void* into, std::int64_t size) const;
  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] int handle() const { return handle_; }

 private:
  random_file(std::string name, int handle, std::int64_t size) : name_(std::move(name)), handle_(handle), size_(size) {}
  std::string name_;
  int handle_;
  std::int64_t size_;
};

/// Packs bytes for a sink.
class packer {
 public:
  virtual ~packer() = default;
  /// Appends to `out` what `bytes` give; may keep some back.
  virtual status pack(std::string_view bytes, std::string& out) = 0;
  /// Appends the rest and the end mark.
  virtual status finish(std::string& out) = 0;
};

/// Makes a packer; null for compression::none.
result<std::unique_ptr<packer>> make_packer(compression kind);

/// The options `path` and `compression` as every file source has them.
std::vector<field_spec> file_source_fields();
/// The same and `encoding`, for sources of text.
std::vector<field_spec> text_source_fields();
/// The same of a file sink.
std::vector<field_spec> file_sink_fields();

}  // namespace sluice
