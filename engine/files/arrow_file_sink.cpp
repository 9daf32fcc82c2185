#include "engine/files/arrow_file_sink.hpp"

#include <arrow/status.h>

#include <utility>

namespace sluice {

arrow_file_sink::arrow_file_sink(const sink_request& request, std::string path, std::string what, std::string component)
    : target_(request, std::move(path)),
      stream_(target_),
      request_(request),
      what_(std::move(what)),
      component_(std::move(component)) {}

status arrow_file_sink::open(std::uint32_t attempt) {
  SLUICE_TRY(target_.open(attempt));
  stream_.go_on_at(target_.size());
  // Nothing is written behind an epoch before rows come.
  ended_ = target_.goes_on();
  return ended_ ? status() : begin();
}

status arrow_file_sink::write(const batch& rows, row_errors&) {
  if (rows.rows() == 0) return {};
  if (ended_ && !target_.grows())
    return internal_error("not_supported",
                          what_ + " " + target_.path() +
                              " was completed by an earlier checkpoint; rows of a later one can't be added to it");
  if (std::exchange(ended_, false)) SLUICE_TRY(begin());
  SLUICE_TRY(add(rows));
  loaded_ += static_cast<std::uint64_t>(rows.rows());
  return {};
}

result<prepared_epoch> arrow_file_sink::prepare(std::uint64_t) {
  if (!std::exchange(ended_, true)) SLUICE_TRY(end());
  SLUICE_TRY(checked(stream_.Flush()));
  drop();
  SLUICE_ASSIGN(auto token, target_.prepare());
  return prepared_epoch{{.loaded = std::exchange(loaded_, 0),
                         .bytes = static_cast<std::uint64_t>(target_.more_bytes()),
                         .target = target_.path()},
                        std::move(token)};
}

void arrow_file_sink::let_go() noexcept {
  stream_.drop();
  drop();
}

void arrow_file_sink::abort() noexcept {
  let_go();
  target_.abort();
}

status arrow_file_sink::checked(const arrow::Status& done) const { return done.ok() ? status{} : status(failed(done)); }

error arrow_file_sink::failed(const arrow::Status& problem) const {
  return stream_.explain(problem, "write " + what_ + " " + target_.path());
}

void refuse_append(const sink_request& request, const std::string& what, diagnostics& faults) {
  if (request.mode == "append")
    faults.push_back(
        user_error("not_supported", what + " can't be appended to", "write to another file, or use mode: replace"));
}

}  // namespace sluice
