#include "engine/flow/state_file.hpp"

#include "engine/files/hidden_file.hpp"
#include "engine/files/private_files.hpp"
#include "engine/values/hexadecimal.hpp"

#include <arrow/buffer.h>
#include <arrow/io/file.h>
#include <arrow/io/memory.h>
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

result<std::shared_ptr<arrow::Buffer>> read_whole(const std::string& folder, const saved_state& what) {
  const auto path = folder + "/" + what.name;
  auto file = arrow::io::ReadableFile::Open(path);
  if (!file.ok()) return damaged(path, "can't be opened: " + file.status().message());
  const auto size = (*file)->GetSize();
  if (!size.ok() || static_cast<std::uint64_t>(*size) != what.bytes)
    return damaged(path, "has another length than it had");
  auto bytes = (*file)->Read(*size);
  if (!bytes.ok()) return damaged(path, "can't be read: " + bytes.status().message());
  const hash_state hash;
  XXH3_128bits_update(hash.state, (*bytes)->data(), static_cast<std::size_t>((*bytes)->size()));
  if (digits_of(hash.state) != what.hash) return damaged(path, "does not have the bytes that were written");
  return *bytes;
}

}  // namespace

result<saved_state> write_state(const std::string& folder, const std::string& name,
                                const std::vector<state_part>& parts) {
  if (parts.empty()) return saved_state{};
  const auto path = folder + "/" + name;
  const auto above = std::filesystem::path(path).parent_path().string();
  SLUICE_TRY(make_private_folder(above));
  SLUICE_ASSIGN(const int file, open_private_file(path, O_WRONLY | O_TRUNC));
  hashing_stream to(file);
  for (const auto& part : parts) {
    const auto written = write_part(part, to);
    if (to.number() != 0) return from_errno(to.number(), "write the checkpoint " + path);
    if (!written.ok()) return from_arrow(written, doing);
  }
  if (const int number = to.make_durable(); number != 0) return from_errno(number, "write the checkpoint " + path);
  // The file is found by its name, and its folders by theirs.
  for (auto at = std::filesystem::path(above); at.string().size() + 1 >= folder.size(); at = at.parent_path())
    if (const int number = sync_folder(at.string()); number != 0)
      return from_errno(number, "write the checkpoint " + path);
  if (const int number = sync_folder(std::filesystem::path(folder).parent_path().string()); number != 0)
    return from_errno(number, "write the checkpoint " + path);
  return saved_state{.name = name, .bytes = static_cast<std::uint64_t>(to.bytes()), .hash = to.hash()};
}

result<std::vector<state_part>> read_state(const std::string& folder, const saved_state& what) {
  std::vector<state_part> parts;
  if (what.name.empty()) return parts;
  SLUICE_ASSIGN(const auto bytes, read_whole(folder, what));
  const auto from = std::make_shared<arrow::io::BufferReader>(bytes);
  while (true) {
    const auto at = from->Tell();
    if (!at.ok() || *at >= bytes->size()) return parts;
    auto part = read_part(from);
    if (!part.ok()) return damaged(folder + "/" + what.name, "can't be read: " + part.status().message());
    parts.push_back(std::move(*part));
  }
}

status check_state(const std::string& folder, const saved_state& what) {
  if (what.name.empty()) return {};
  SLUICE_ASSIGN(const auto bytes, read_whole(folder, what));
  (void)bytes;
  return {};
}

}  // namespace sluice::flow
