#include "engine/memory/spill_file.hpp"

#include "engine/files/private_files.hpp"
#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/io/interfaces.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/options.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>
#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <vector>

namespace sluice::memory {

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
constexpr auto position_column = "";  // no column of the language has an empty name

bool holds_dictionary(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY) return true;
  return std::any_of(type.fields().begin(), type.fields().end(),
                     [](const auto& field) { return holds_dictionary(*field->type()); });
}

bool holds_dictionary(const arrow::Schema& schema) {
  return std::any_of(schema.fields().begin(), schema.fields().end(),
                     [](const auto& field) { return holds_dictionary(*field->type()); });
}

int write_all(int descriptor, const char* data, std::size_t size, std::int64_t offset) {
  while (size > 0) {
    const auto written = ::pwrite(descriptor, data, size, offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    data += written;
    size -= static_cast<std::size_t>(written);
    offset += written;
  }
  return 0;
}

// Writes to a place in a file, and computes the checksum on the way.
class block_stream final : public arrow::io::OutputStream {
 public:
  block_stream(int descriptor, std::int64_t offset) : descriptor_(descriptor), begin_(offset), at_(offset) {
    state_ = XXH3_createState();
    XXH3_64bits_reset(state_);
    buffer_.reserve(buffer_bytes);
  }
  ~block_stream() override { XXH3_freeState(state_); }

  arrow::Status Write(const void* data, std::int64_t size) override {
    const auto* bytes = static_cast<const char*>(data);
    const auto count = static_cast<std::size_t>(size);
    XXH3_64bits_update(state_, bytes, count);
    if (buffer_.size() + count > buffer_bytes) ARROW_RETURN_NOT_OK(flush());
    if (count < buffer_bytes) {
      buffer_.insert(buffer_.end(), bytes, bytes + count);
      return arrow::Status::OK();
    }
    return put(bytes, count);
  }
  using arrow::io::OutputStream::Write;
  arrow::Status Close() override { return arrow::Status::OK(); }
  arrow::Result<std::int64_t> Tell() const override { return at_ - begin_ + static_cast<std::int64_t>(buffer_.size()); }
  [[nodiscard]] bool closed() const override { return false; }

  arrow::Status flush() {
    ARROW_RETURN_NOT_OK(put(buffer_.data(), buffer_.size()));
    buffer_.clear();
    return arrow::Status::OK();
  }
  [[nodiscard]] std::uint64_t checksum() const { return XXH3_64bits_digest(state_); }
  /// Of the write that failed, or 0.
  [[nodiscard]] int failure() const { return failure_; }
  [[nodiscard]] std::int64_t bytes() const { return at_ - begin_; }

 private:
  arrow::Status put(const char* data, std::size_t size) {
    failure_ = write_all(descriptor_, data, size, at_);
    if (failure_ != 0) return arrow::Status::IOError("write");
    at_ += static_cast<std::int64_t>(size);
    return arrow::Status::OK();
  }

  int descriptor_;
  std::int64_t begin_;
  std::int64_t at_;
  int failure_ = 0;
  XXH3_state_t* state_;
  std::vector<char> buffer_;
};

result<arrow::ipc::IpcWriteOptions> write_options() {
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  options.use_threads = false;
  options.alignment = 64;
  SLUICE_ASSIGN_ARROW(options.codec, arrow::util::Codec::Create(arrow::Compression::LZ4_FRAME), "use lz4");
  return options;
}

arrow::Status write_block(const arrow::RecordBatch& rows, bool dictionaries, const arrow::ipc::IpcWriteOptions& options,
                          block_stream& out) {
  if (dictionaries) {
    ARROW_ASSIGN_OR_RAISE(const auto writer, arrow::ipc::MakeStreamWriter(&out, rows.schema(), options));
    ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(rows));
    ARROW_RETURN_NOT_OK(writer->Close());
  } else {
    arrow::ipc::IpcPayload payload;
    ARROW_RETURN_NOT_OK(arrow::ipc::GetRecordBatchPayload(rows, options, &payload));
    std::int32_t metadata_length = 0;
    ARROW_RETURN_NOT_OK(arrow::ipc::WriteIpcPayload(payload, options, &out, &metadata_length));
  }
  return out.flush();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> read_block(const std::shared_ptr<arrow::Buffer>& bytes,
                                                              const spilled_block& where) {
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  arrow::io::BufferReader in(bytes);
  if (!where.has_dictionaries) {
    arrow::ipc::DictionaryMemo memo;
    return arrow::ipc::ReadRecordBatch(where.schema, &memo, options, &in);
  }
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ipc::RecordBatchStreamReader::Open(&in, options));
  std::shared_ptr<arrow::RecordBatch> rows;
  ARROW_RETURN_NOT_OK(reader->ReadNext(&rows));
  return rows;
}

// A file without a name in a folder; -1 and errno.
int open_nameless(const std::string& folder) {
  const int handle = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (handle >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return handle;
  // File systems without such files.
  auto name = folder + "/spill-XXXXXX";
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

}  // namespace

void return_freed_memory() { arrow::default_memory_pool()->ReleaseUnused(); }

spill_file::spill_file(const run_context& of, std::string unit)
    : folder_(of.spill_folder), unit_(std::move(unit)), buffers_(of.memory, unit_) {}

namespace {

error of_unit(const std::string& unit, const char* code, std::string message, std::string hint) {
  auto made = external_error(code, std::move(message), std::move(hint));
  made.where = "unit " + unit;
  return made;
}

}  // namespace

spill_file::~spill_file() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

error spill_file::failed(int number, const std::string& doing, std::int64_t bytes) const {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  auto text = "cannot " + doing + " in the spill folder " + folder_;
  if (full) {
    text += number == ENOSPC   ? ", which is full"
            : number == EDQUOT ? ": the user's quota on it is exhausted"
                               : ": the limit on file sizes is reached";
  } else {
    text += std::string(": ") + std::strerror(number);
  }
  if (bytes > 0)
    text += " (" + std::to_string(bytes) + " more bytes, in addition to the " + std::to_string(end_) +
            " that it already uses there)";
  return of_unit(unit_, "spill_failed", std::move(text),
                 full ? "free space there, use a folder on another disk (--spill or SLUICE_SPILL), or raise run.memory"
                      : "use a folder that can be written (--spill or SLUICE_SPILL), or raise run.memory");
}

namespace {

/// Others may share the folder that the user has named; the run's own in it is private.
status make_run_folder(const std::string& folder) {
  const auto above = std::filesystem::path(folder).parent_path();
  std::error_code ignored;
  if (std::filesystem::is_symlink(above, ignored) || !std::filesystem::exists(above, ignored))
    SLUICE_TRY(make_private_folder(above.string()));
  return make_private_folder(folder);
}

}  // namespace

status spill_file::open() {
  // Other instances of the run make and remove the same folder.
  static std::mutex one_at_a_time;
  const std::lock_guard guard(one_at_a_time);
  if (const auto done = make_run_folder(folder_); !done.ok())
    return of_unit(unit_, "spill_failed", done.problem().message,
                   done.problem().code == "link_refused" || done.problem().code == "folder_exposed"
                       ? done.problem().hint
                       : "use a folder that can be written (--spill or SLUICE_SPILL), or raise run.memory");
  descriptor_ = open_nameless(folder_);
  const int number = errno;
  ::rmdir(folder_.c_str());
  if (descriptor_ < 0) return failed(number, "make a file", 0);
  return {};
}

result<spilled_block> spill_file::write(const batch& rows) {
  if (descriptor_ < 0) SLUICE_TRY(open());
  spilled_block made;
  made.offset = end_;
  made.rows = rows.rows();
  made.memory_bytes = rows.bytes();
  made.order = rows.order;
  made.epoch = rows.epoch;
  made.has_positions = rows.positions != nullptr;
  auto data = rows.data;
  if (made.has_positions) {
    const auto field = arrow::field(position_column, position_type());
    SLUICE_ASSIGN_ARROW(data, data->AddColumn(data->num_columns(), field, rows.positions), "spill rows");
  }
  made.schema = data->schema();
  made.has_dictionaries = holds_dictionary(*made.schema);
  SLUICE_ASSIGN(const auto options, write_options());
  // The compressed columns are all there before the first is written.
  buffers_.take(made.memory_bytes + static_cast<std::int64_t>(buffer_bytes));
  block_stream out(descriptor_, end_);
  const auto written = write_block(*data, made.has_dictionaries, options, out);
  buffers_.take(0);
  if (!written.ok()) {
    if (out.failure() == 0) return from_arrow(written, "spill rows of unit " + unit_);
    return failed(out.failure(), "write", made.memory_bytes);
  }
  made.bytes = out.bytes();
  made.checksum = out.checksum();
  end_ += (made.bytes + 63) / 64 * 64;
  return made;
}

result<batch> spill_file::read(const spilled_block& where) const {
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> bytes, arrow::AllocateBuffer(where.bytes), "read spilled rows");
  std::int64_t have = 0;
  while (have < where.bytes) {
    const auto got = ::pread(descriptor_, bytes->mutable_data() + have, static_cast<std::size_t>(where.bytes - have),
                             where.offset + have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(errno, "read", 0);
    if (got == 0) break;
    have += got;
  }
  const auto damaged = [&] {
    return external_error(
        "spill_damaged",
        "unit " + unit_ + " read other bytes from its spill file than it wrote (" + std::to_string(where.bytes) +
            " bytes at " + std::to_string(where.offset) + ", in the spill folder " + folder_ + ")",
        "check the kernel log for disk errors, or use a folder on another disk (--spill or SLUICE_SPILL)");
  };
  if (have < where.bytes || XXH3_64bits(bytes->data(), static_cast<std::size_t>(have)) != where.checksum)
    return damaged();
  auto decoded = read_block(bytes, where);
  if (!decoded.ok()) return from_arrow(decoded.status(), "read spilled rows of unit " + unit_);
  if (*decoded == nullptr) return damaged();
  batch made;
  made.data = std::move(*decoded);
  made.order = where.order;
  made.epoch = where.epoch;
  if (where.has_positions) {
    const int last = made.data->num_columns() - 1;
    made.positions = as_positions(made.data->column(last));
    SLUICE_ASSIGN_ARROW(made.data, made.data->RemoveColumn(last), "read spilled rows");
  }
  return made;
}

void spill_file::drop(const spilled_block& where) {
  // Only where the file system can do it; the space comes back with the file's end otherwise.
  (void)::fallocate(descriptor_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, where.offset,
                    (where.bytes + 63) / 64 * 64);
}

}  // namespace sluice::memory
