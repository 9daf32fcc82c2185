#include "actors/run/checkpoint_files.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace sluice::actors {

options checkpoint_summary(const flow::epoch_round::collected& what, bool savepoint) {
  std::uint64_t bytes = 0;
  std::uint64_t held = 0;
  std::uint64_t loaded = 0;
  for (const auto& one : what.snapshot.instances) {
    bytes += one.state.bytes;
    held += one.held;
  }
  for (const auto& [who, one] : what.prepared) loaded += one.rows;
  options data = {{"epoch", what.epoch}, {"state_bytes", bytes}, {"held", held}, {"rows", loaded}};
  if (savepoint) data["savepoint"] = true;
  return data;
}

int remove_old_states(store::store& in, const std::string& run, const std::string& folder, std::int64_t oldest) {
  const auto kept = in.checkpoints(run);
  if (!kept.ok()) return 0;
  std::error_code ignored;
  std::vector<std::filesystem::path> old;
  for (std::filesystem::directory_iterator at(folder, ignored), end; !ignored && at != end; at.increment(ignored)) {
    const auto name = at->path().filename().string();
    std::int64_t epoch = 0;
    const auto [stop, problem] = std::from_chars(name.data(), name.data() + name.size(), epoch);
    if (problem != std::errc() || stop != name.data() + name.size() || epoch > oldest) continue;
    const bool keeps =
        std::any_of(kept->begin(), kept->end(), [&](const auto& one) { return one.what.epoch == epoch; });
    if (!keeps) old.push_back(at->path());
  }
  for (const auto& path : old) std::filesystem::remove_all(path, ignored);
  return static_cast<int>(old.size());
}

}  // namespace sluice::actors
