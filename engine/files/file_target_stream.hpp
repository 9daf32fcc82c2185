#pragma once

#include "engine/files/file_target.hpp"

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <string>

namespace sluice {

/// Lets Arrow's writers write to a file_target. Small pieces are gathered, large ones go through as they are.
class file_target_stream : public arrow::io::OutputStream {
 public:
  explicit file_target_stream(file_target& to) : to_(to) {}

  arrow::Status Write(const void* data, int64_t size) override;
  using arrow::io::OutputStream::Write;
  arrow::Status Flush() override;
  arrow::Status Close() override;
  arrow::Result<int64_t> Tell() const override { return told_; }
  [[nodiscard]] bool closed() const override { return closed_; }

  /// Goes on at the end of a file that has so many bytes.
  void go_on_at(std::int64_t size) { told_ = size; }
  /// Drops all that still comes: writers finish their files when they are destroyed, also those that failed.
  void drop() { dropping_ = true; }
  /// The exact error behind a failed write, or one made of Arrow's status.
  [[nodiscard]] error explain(const arrow::Status& problem, const std::string& doing) const;

 private:
  arrow::Status pass_gathered();
  arrow::Status pass(const void* data, std::size_t size);

  file_target& to_;
  std::string gathered_;
  status problem_;
  std::int64_t told_ = 0;
  bool closed_ = false;
  bool dropping_ = false;
};

}  // namespace sluice
