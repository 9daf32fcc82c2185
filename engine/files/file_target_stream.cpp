#include "engine/files/file_target_stream.hpp"

#include <arrow/status.h>

namespace sluice {

namespace {

constexpr std::size_t gather_bytes = 1024 * 1024;
constexpr std::size_t small_bytes = 64 * 1024;

}  // namespace

arrow::Status file_target_stream::pass(const void* data, std::size_t size) {
  if (dropping_ || size == 0) return arrow::Status::OK();
  if (!problem_.ok()) return arrow::Status::IOError(problem_.problem().message);
  problem_ = to_.write(data, size);
  return problem_.ok() ? arrow::Status::OK() : arrow::Status::IOError(problem_.problem().message);
}

arrow::Status file_target_stream::Write(const void* data, int64_t size) {
  told_ += size;
  const auto bytes = static_cast<std::size_t>(size);
  if (bytes < small_bytes && gathered_.size() + bytes <= gather_bytes) {
    gathered_.append(static_cast<const char*>(data), bytes);
    return arrow::Status::OK();
  }
  ARROW_RETURN_NOT_OK(pass_gathered());
  if (bytes >= small_bytes) return pass(data, bytes);
  gathered_.assign(static_cast<const char*>(data), bytes);
  return arrow::Status::OK();
}

arrow::Status file_target_stream::Flush() {
  auto done = pass_gathered();
  std::string().swap(gathered_);  // it may be long until more comes; assignment would keep the memory
  return done;
}

arrow::Status file_target_stream::pass_gathered() {
  auto done = pass(gathered_.data(), gathered_.size());
  gathered_.clear();
  return done;
}

arrow::Status file_target_stream::Close() {
  if (closed_) return arrow::Status::OK();
  closed_ = true;
  return Flush();
}

error file_target_stream::explain(const arrow::Status& problem, const std::string& doing) const {
  return problem_.ok() ? from_arrow(problem, doing) : problem_.problem();
}

}  // namespace sluice
