#include "engine/sinks/when_down/row_log.hpp"
#include "engine/wire/frame.hpp"

#include <arrow/record_batch.h>
#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>

namespace sluice::when_down {

namespace {

error write_failed(int number, const std::string& path) {
  auto problem = from_errno(number, "keep rows in " + path);
  problem.hint = "the target of the unit is loaded from this folder: it needs room on its disk (when_down: { spill })";
  return problem;
}

struct free_hash {
  void operator()(XXH3_state_t* of) const { XXH3_freeState(of); }
};
using hash_pointer = std::unique_ptr<XXH3_state_t, free_hash>;

hash_pointer make_hash() { return hash_pointer(XXH3_createState()); }

/// Reads a file from its begin and hashes what it reads.
class hashed_file {
 public:
  explicit hashed_file(std::string path)
      : path_(std::move(path)), handle_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
    XXH3_64bits_reset(hash_.get());
  }
  ~hashed_file() {
    if (handle_ >= 0) ::close(handle_);
  }
  hashed_file(const hashed_file&) = delete;
  hashed_file& operator=(const hashed_file&) = delete;

  [[nodiscard]] bool is_open() const { return handle_ >= 0; }
  /// Fills `into`; false at the end of the file.
  result<bool> read(void* into, std::size_t size) {
    std::size_t done = 0;
    while (done < size) {
      const auto got = ::read(handle_, static_cast<char*>(into) + done, size - done);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return from_errno(errno, "read " + path_);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    XXH3_64bits_update(hash_.get(), into, done);
    if (done == 0 && size > 0) return false;
    if (done < size) return damaged_log(path_, "it ends too early");
    return true;
  }
  [[nodiscard]] std::uint64_t hash() const { return XXH3_64bits_digest(hash_.get()); }

 private:
  std::string path_;
  int handle_;
  hash_pointer hash_ = make_hash();
};

}  // namespace

struct segment_writer::hash_state {
  hash_pointer state = make_hash();
};

segment_writer::segment_writer(std::string path, std::string name, std::string run, int handle)
    : path_(std::move(path)),
      name_(std::move(name)),
      run_(std::move(run)),
      handle_(handle),
      hash_(std::make_unique<hash_state>()) {
  XXH3_64bits_reset(hash_->state.get());
}

result<std::unique_ptr<segment_writer>> segment_writer::create(const std::string& folder, std::string name,
                                                               std::string run) {
  auto path = folder + "/" + name;
  const int handle = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (handle < 0) return write_failed(errno, path);
  return std::unique_ptr<segment_writer>(new segment_writer(std::move(path), std::move(name), std::move(run), handle));
}

segment_writer::~segment_writer() {
  ::close(handle_);
  if (!finished_) ::unlink(path_.c_str());
}

status segment_writer::write(const void* data, std::size_t size) {
  XXH3_64bits_update(hash_->state.get(), data, size);
  const auto* from = static_cast<const char*>(data);
  for (std::size_t done = 0; done < size;) {
    const auto put = ::write(handle_, from + done, size - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return write_failed(errno, path_);
    done += static_cast<std::size_t>(put);
  }
  bytes_ += static_cast<std::int64_t>(size);
  return {};
}

status segment_writer::append(const batch& rows) {
  wire::message one{.head = {.run = run_, .sequence = sequence_}, .body = rows};
  std::get<batch>(one.body).positions = nullptr;
  SLUICE_ASSIGN(const auto frames, wire::encode(one, wire::codec::lz4));
  for (const auto& frame : frames) {
    const auto size = static_cast<std::uint32_t>(frame.size());
    SLUICE_TRY(write(&size, sizeof size));
    SLUICE_TRY(write(frame.data(), frame.size()));
  }
  sequence_ += frames.size();
  rows_ += static_cast<std::uint64_t>(rows.rows());
  return {};
}

result<segment> segment_writer::finish(std::uint64_t epoch) {
  if (::fsync(handle_) != 0) return write_failed(errno, path_);
  SLUICE_TRY(sync_folder(path_.substr(0, path_.size() - name_.size())));
  finished_ = true;
  return segment{.run = run_,
                 .epoch = epoch,
                 .file = name_,
                 .rows = rows_,
                 .bytes = bytes_,
                 .checksum = XXH3_64bits_digest(hash_->state.get())};
}

status read_segment(const waiting_segment& what, const std::function<status(const batch&)>& each) {
  hashed_file file(what.path);
  if (!file.is_open()) return from_errno(errno, "open " + what.path);
  wire::decoder decoder;
  std::uint64_t rows = 0;
  for (;;) {
    std::uint32_t size = 0;
    SLUICE_ASSIGN(const bool more, file.read(&size, sizeof size));
    if (!more) break;
    if (size > wire::max_frame_bytes) return damaged_log(what.path, "a piece of it can't be that large");
    std::string frame(size, '\0');
    SLUICE_ASSIGN(const bool whole, file.read(frame.data(), frame.size()));
    if (!whole) return damaged_log(what.path, "it ends too early");
    auto messages = decoder.take(std::span<const char>(frame));
    if (!messages.ok()) return damaged_log(what.path, messages.problem().message);
    for (const auto& message : *messages) {
      const auto* const some = std::get_if<batch>(&message.body);
      if (some == nullptr) return damaged_log(what.path, "it has something else than rows");
      rows += static_cast<std::uint64_t>(some->rows());
      SLUICE_TRY(each(*some));
    }
  }
  if (file.hash() != what.checksum)
    return damaged_log(what.path, "its checksum is another one than when it was written");
  if (rows != what.rows)
    return damaged_log(what.path, "it has " + std::to_string(rows) + " rows instead of " + std::to_string(what.rows));
  return {};
}

}  // namespace sluice::when_down
