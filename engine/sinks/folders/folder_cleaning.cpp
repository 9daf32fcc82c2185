#include "engine/sinks/folders/folder_cleaning.hpp"

#include "engine/files/hidden_file.hpp"

#include <algorithm>
#include <filesystem>
#include <unordered_set>

namespace sluice::folders {

namespace fs = std::filesystem;

namespace {

/// The names in a folder; none where it can't be read.
std::vector<fs::path> entries_of(const std::string& folder) {
  std::error_code ignored;
  std::vector<fs::path> all;
  for (fs::directory_iterator at(folder, ignored), end; !ignored && at != end; at.increment(ignored))
    all.push_back(at->path());
  return all;
}

/// Calls `use` for the folders of all partitions, the innermost ones, and for those above them afterwards.
status for_each_partition(const std::string& folder, const std::vector<std::string>& columns, std::size_t depth,
                          const std::function<status(const std::string& folder, bool innermost)>& use) {
  if (depth == columns.size()) return use(folder, true);
  for (const auto& path : entries_of(folder)) {
    std::error_code ignored;
    const auto name = path.filename().string();
    if (name.find('=') == std::string::npos || name.starts_with('.') || !fs::is_directory(path, ignored) ||
        fs::is_symlink(path, ignored))
      continue;
    SLUICE_TRY(for_each_partition(path.string(), columns, depth + 1, use));
  }
  return use(folder, false);
}

}  // namespace

status check_empty(const std::string& folder) {
  std::error_code ignored;
  // Folders of an earlier attempt hold hidden files at most.
  for (fs::recursive_directory_iterator at(folder, ignored), end; !ignored && at != end; at.increment(ignored)) {
    if (at->path().filename().string().starts_with('.')) {
      at.disable_recursion_pending();
    } else if (!at->is_directory(ignored)) {
      return user_error("target_exists",
                        "the folder " + folder + " is not empty, and mode is error: it has " +
                            fs::relative(at->path(), folder, ignored).string(),
                        "remove its files, use another path, or set mode: replace, replace_partitions or append");
    }
  }
  return {};
}

status remove_files(const std::string& folder, const std::function<bool(const std::string& name)>& is_old) {
  bool removed = false;
  for (const auto& path : entries_of(folder)) {
    std::error_code problem;
    if (!is_old(path.filename().string()) || fs::is_directory(path, problem)) continue;
    fs::remove(path, problem);
    if (problem) return from_errno(problem.value(), "remove the earlier file " + path.string());
    removed = true;
  }
  const int number = removed ? sync_folder(folder) : 0;
  return number == 0 ? status{} : status(from_errno(number, "make durable the folder " + folder));
}

status remove_in_all_partitions(const std::string& folder, const std::vector<std::string>& columns,
                                const std::function<bool(const std::string& name)>& is_old) {
  // Files in the folder itself may be of others, but for the parts of an earlier version of the pipeline.
  SLUICE_TRY(remove_files(folder, [&](const auto& name) { return name.starts_with("part-") && is_old(name); }));
  if (columns.empty()) return {};
  return for_each_partition(folder, columns, 0, [&](const std::string& each, bool innermost) -> status {
    if (innermost) SLUICE_TRY(remove_files(each, is_old));
    std::error_code ignored;
    if (each != folder) fs::remove(each, ignored);  // fails where something is in it
    return {};
  });
}

void remove_hidden_parts(const std::string& folder, const std::vector<std::string>& columns, const std::string& run,
                         const std::string& unit, const std::vector<std::string>& kept) noexcept {
  const std::unordered_set<std::string> stays(kept.begin(), kept.end());
  const auto mark = "." + run + "." + unit + ".";
  const auto remove_in = [&](const std::string& in) {
    std::error_code ignored;
    for (const auto& path : entries_of(in)) {
      const auto name = path.filename().string();
      if (name.starts_with(".part-") && name.ends_with(".part") && name.find(mark) != std::string::npos &&
          stays.count(path.string()) == 0)
        fs::remove(path, ignored);
    }
    if (in != folder) fs::remove(in, ignored);  // fails where something is in it
  };
  remove_in(folder);
  if (columns.empty()) return;
  (void)for_each_partition(folder, columns, 0, [&](const std::string& each, bool innermost) {
    if (innermost) remove_in(each);
    std::error_code ignored;
    if (each != folder) fs::remove(each, ignored);
    return status();
  });
}

void remove_empty_folders(const std::string& folder, const std::string& top) noexcept {
  std::error_code problem;
  for (fs::path at = folder; at.string().size() > top.size() && at.string().starts_with(top); at = at.parent_path()) {
    fs::remove(at, problem);
    if (problem) return;
  }
}

}  // namespace sluice::folders
