#include "engine/flow/state_file.hpp"

#include "engine/files/hidden_file.hpp"
#include "engine/files/private_files.hpp"
#include "engine/values/hexadecimal.hpp"

#include <arrow/buffer.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <filesystem>

namespace sluice::flow {

namespace {

constexpr const char* part_key = "sluice.part";
constexpr auto doing = "write a checkpoint";
constexpr std::int64_t read_at_once = 1024 * 1024;

std::string digits_of(XXH3_state_t* state) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(state));
  return to_hexadecimal({reinterpret_cast<const char*>(bytes.digest), sizeof(bytes.digest)});
}

struct hash_state {
  hash_state() { XXH3_128bits_reset(state); }
  ~hash_state() { XXH3_freeState(state); }
  hash_state(const hash_state&) = delete;
  hash_state& operator=(const hash_state&) = delete;
  XXH3_state_t* state = XXH3_createState();
};

/// Counts and hashes what goes into the file.
class hashing_stream final : public arrow::io::OutputStream {
 public:
  explicit hashing_stream(int file) : file_(file) {}
  ~hashing_stream() override {
    if (file_ >= 0) ::close(file_);
  }
  arrow::Status Close() override { return arrow::Status::OK(); }
  [[nodiscard]] bool closed() const override { return false; }
  [[nodiscard]] arrow::Result<std::int64_t> Tell() const override { return bytes_; }
  arrow::Status Write(const void* data, std::int64_t size) override {
    XXH3_128bits_update(hash_.state, data, static_cast<std::size_t>(size));
    bytes_ += size;
    const auto* at = static_cast<const char*>(data);
    while (size > 0) {
      const auto wrote = ::write(file_, at, static_cast<std::size_t>(size));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) {
        number_ = errno;
        return arrow::Status::IOError("can't write");
      }
      at += wrote;
      size -= wrote;
    }
    return arrow::Status::OK();
  }
  using arrow::io::OutputStream::Write;

  /// errno or 0
  int make_durable() {
    if (number_ == 0 && ::fsync(file_) != 0) number_ = errno;
    if (::close(std::exchange(file_, -1)) != 0 && number_ == 0) number_ = errno;
    return number_;
  }
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  [[nodiscard]] std::string hash() const { return digits_of(hash_.state); }

 private:
  int file_;
  int number_ = 0;
  std::int64_t bytes_ = 0;
  hash_state hash_;
};

arrow::Status write_part(const state_part& part, arrow::io::OutputStream& to) {
  const auto& old = part.rows->schema()->metadata();
  auto metadata = old ? old->Copy() : std::make_shared<arrow::KeyValueMetadata>();
  metadata->Append(part_key, part.name);
  const auto schema = part.rows->schema()->WithMetadata(metadata);
  ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeStreamWriter(&to, schema));
  ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*part.rows->ReplaceSchemaMetadata(metadata)));
  return writer->Close();
}

arrow::Result<state_part> read_part(const std::shared_ptr<arrow::io::InputStream>& from) {
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchStreamReader::Open(from));
  std::shared_ptr<arrow::RecordBatch> rows;
  ARROW_RETURN_NOT_OK(reader->ReadNext(&rows));
  std::shared_ptr<arrow::RecordBatch> end;
  if (rows) ARROW_RETURN_NOT_OK(reader->ReadNext(&end));
  const auto& found = reader->schema()->metadata();
  const int at = found ? found->FindKey(part_key) : -1;
  if (!rows || end || at < 0) return arrow::Status::Invalid("not a part of a state");
  auto metadata = found->Copy();
  auto name = metadata->value(at);
  ARROW_RETURN_NOT_OK(metadata->Delete(at));
  return state_part{std::move(name), rows->ReplaceSchemaMetadata(metadata->size() > 0 ? metadata : nullptr)};
}

error damaged(const std::string& path, const std::string& how) {
  return external_error("checkpoint_damaged", "the checkpoint's file " + path + " " + how,
                        "something changed it since it was written; --fresh starts again");
}

/// Sees that a file has the bytes that were written, and opens it.
result<std::shared_ptr<arrow::io::ReadableFile>> open_sound(const std::string& folder, const saved_state& what) {
  const auto path = folder + "/" + what.name;
  auto file = arrow::io::ReadableFile::Open(path);
  if (!file.ok()) return damaged(path, "can't be opened: " + file.status().message());
  const auto size = (*file)->GetSize();
  if (!size.ok() || static_cast<std::uint64_t>(*size) != what.bytes)
    return damaged(path, "has another length than it had");
  const hash_state hash;
  std::vector<char> block(read_at_once);
  for (std::int64_t at = 0; at < *size;) {
    const auto got = (*file)->Read(read_at_once, block.data());
    if (!got.ok() || *got == 0) return damaged(path, "can't be read: " + got.status().message());
    XXH3_128bits_update(hash.state, block.data(), static_cast<std::size_t>(*got));
    at += *got;
  }
  if (digits_of(hash.state) != what.hash) return damaged(path, "does not have the bytes that were written");
  if (!(*file)->Seek(0).ok()) return damaged(path, "can't be read again");
  return *file;
}

}  // namespace

struct state_writer::file {
  file(std::string in, std::string with_name, int descriptor)
      : folder(std::move(in)), name(std::move(with_name)), to(descriptor) {}
  [[nodiscard]] std::string path() const { return folder + "/" + name; }

  std::string folder, name;
  hashing_stream to;
};

state_writer::state_writer() = default;
state_writer::~state_writer() = default;

result<std::unique_ptr<state_writer>> state_writer::open(const std::string& folder, const std::string& name) {
  const auto path = folder + "/" + name;
  SLUICE_TRY(make_private_folder(std::filesystem::path(path).parent_path().string()));
  SLUICE_ASSIGN(const int descriptor, open_private_file(path, O_WRONLY | O_TRUNC));
  std::unique_ptr<state_writer> made(new state_writer);
  made->file_ = std::make_unique<file>(folder, name, descriptor);
  return made;
}

status state_writer::add(const state_part& part) {
  const auto written = write_part(part, file_->to);
  if (file_->to.number() != 0) return from_errno(file_->to.number(), "write the checkpoint " + file_->path());
  return written.ok() ? status{} : from_arrow(written, doing);
}

result<saved_state> state_writer::finish() {
  const auto path = file_->path();
  const auto& folder = file_->folder;
  if (const int number = file_->to.make_durable(); number != 0)
    return from_errno(number, "write the checkpoint " + path);
  // The file is found by its name, and its folders by theirs.
  for (auto at = std::filesystem::path(path).parent_path(); at.string().size() + 1 >= folder.size();
       at = at.parent_path())
    if (const int number = sync_folder(at.string()); number != 0)
      return from_errno(number, "write the checkpoint " + path);
  if (const int number = sync_folder(std::filesystem::path(folder).parent_path().string()); number != 0)
    return from_errno(number, "write the checkpoint " + path);
  return saved_state{
      .name = file_->name, .bytes = static_cast<std::uint64_t>(file_->to.bytes()), .hash = file_->to.hash()};
}

result<saved_state> write_state(const std::string& folder, const std::string& name,
                                const std::vector<state_part>& parts) {
  if (parts.empty()) return saved_state{};
  SLUICE_ASSIGN(const auto to, state_writer::open(folder, name));
  for (const auto& part : parts) SLUICE_TRY(to->add(part));
  return to->finish();
}

status read_parts(const std::string& folder, const saved_state& what, const std::function<status(state_part)>& take) {
  if (what.name.empty()) return {};
  SLUICE_ASSIGN(const auto from, open_sound(folder, what));
  while (true) {
    const auto at = from->Tell();
    if (!at.ok() || static_cast<std::uint64_t>(*at) >= what.bytes) return {};
    auto part = read_part(from);
    if (!part.ok()) return damaged(folder + "/" + what.name, "can't be read: " + part.status().message());
    SLUICE_TRY(take(std::move(*part)));
  }
}

result<std::vector<state_part>> read_state(const std::string& folder, const saved_state& what) {
  std::vector<state_part> parts;
  SLUICE_TRY(read_parts(folder, what, [&](state_part part) -> status {
    parts.push_back(std::move(part));
    return {};
  }));
  return parts;
}

status check_state(const std::string& folder, const saved_state& what) {
  if (what.name.empty()) return {};
  SLUICE_ASSIGN(const auto file, open_sound(folder, what));
  (void)file;
  return {};
}

}  // namespace sluice::flow
