#include "engine/flow/retries.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice::flow {

namespace {

/// Faults of the outside world and of Sluice that are the same at the next try.
constexpr std::array<std::string_view, 39> lasting = {
    "authentication_failed",
    "checkpoint_damaged",
    "cycle",
    "commit_decided",
    "commit_refused",
    "commit_settled",
    "corrupt_file",
    "database_corrupt",
    "file_exists",
    "file_exposed",
    "file_not_found",
    "file_too_large",
    "folder_exposed",
    "foreign_bytes",
    "foreign_file",
    "foreign_split",
    "foreign_state",
    "invalid_plan",
    "is_a_folder",
    "link_refused",
    "missing_secret",
    "not_a_database",
    "not_authorized",
    "not_a_folder",
    "tls_failed",
    "not_replayable",
    "permission_denied",
    "prepared_lost",
    "protocol_error",
    "rows_lost",
    "run_is_final",
    "run_not_found",
    "run_unreadable",
    "stale_term",
    "store_corrupt",
    "store_too_new",
    "target_changed",
    "target_exists",
    "too_many_files",
};

}  // namespace

bool may_pass(const error& why) {
  if (why.to_blame == blame::user) return false;
  return std::find(lasting.begin(), lasting.end(), why.code) == lasting.end();
}

std::optional<std::chrono::microseconds> wait_after(const retry_rule& rule, std::uint32_t attempt, std::uint64_t seed) {
  backoff waits(rule, seed);
  std::optional<std::chrono::microseconds> wait;
  for (std::uint32_t at = 0; at < attempt; ++at) {
    wait = waits.next();
    if (!wait) return {};
  }
  return wait;
}

}  // namespace sluice::flow
