#pragma once

#include "engine/component/component.hpp"
#include "engine/files/file_target.hpp"
#include "engine/files/file_target_stream.hpp"
#include "engine/files/growing_file.hpp"
#include "engine/files/staged_files.hpp"

#include <string>

namespace sluice {

/// What sinks whose formats are written into a stream of Arrow's have in common: the target and its life.
class arrow_file_sink : public sink, public growing_file, public reads_back {
 public:
  /// `what` names the file in messages: "the Parquet file"; `component` is the sink's name.
  arrow_file_sink(const sink_request& request, std::string path, std::string what, std::string component);

  status open(std::uint32_t attempt) final;
  status write(const batch& rows, row_errors& refused) final;
  result<prepared_epoch> prepare(std::uint64_t epoch) final;
  status commit(const std::string& token) final { return target_.commit(token); }
  status recover(const std::vector<std::string>& tokens) final { return target_.recover(tokens); }
  status keep(const std::vector<std::string>& tokens) final { return target_.keep(tokens); }
  [[nodiscard]] bool one_epoch() const override { return target_.one_epoch(); }
  void abort() noexcept final;
  void interrupt() noexcept final { target_.interrupt(); }
  [[nodiscard]] std::int64_t size_so_far() const final { return target_.bytes() + held(); }
  result<std::vector<staged_source>> staged(const std::string& token) final {
    return staged_file(component_, request_, token);
  }

 protected:
  /// Begins the file, or goes on behind the one that stream_ stands at the end of.
  virtual status begin() = 0;
  /// Writes rows, at least one.
  virtual status add(const batch& rows) = 0;
  /// Ends the file.
  virtual status end() = 0;
  /// About the bytes that the file gets from what is still in memory.
  [[nodiscard]] virtual std::int64_t held() const { return 0; }
  /// Lets go of what writes; nothing that it still writes counts.
  virtual void drop() noexcept = 0;

  /// For destructors: writers finish their files when they go, also those that nobody wants.
  void let_go() noexcept;
  [[nodiscard]] status checked(const arrow::Status& done) const;
  [[nodiscard]] error failed(const arrow::Status& problem) const;

  file_target target_;
  file_target_stream stream_;

 private:
  sink_request request_;
  std::string what_;
  std::string component_;
  std::uint64_t loaded_ = 0;  ///< of this epoch
  bool ended_ = false;        ///< the file is complete
};

/// Faults where a file that can't be continued is to be appended to.
void refuse_append(const sink_request& request, const std::string& what, diagnostics& faults);

}  // namespace sluice
