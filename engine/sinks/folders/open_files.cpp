#include "engine/sinks/folders/open_files.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice::folders {

open_file* open_files::find(std::uint32_t partition) {
  const auto found = files_.find(partition);
  return found == files_.end() ? nullptr : &found->second;
}

void open_files::remove(std::uint32_t partition) {
  const auto found = files_.find(partition);
  if (found == files_.end()) return;
  held_ -= found->second.held;
  files_.erase(found);
}

status open_files::settle(std::uint32_t partition) {
  auto* const one = find(partition);
  if (one == nullptr || one->among_many == nullptr) return {};
  SLUICE_TRY(one->among_many->settle());
  note_held(*one);
  while (held_ > most_) {
    auto& largest = std::max_element(files_.begin(), files_.end(), [](const auto& a, const auto& b) {
                      return a.second.held < b.second.held;
                    })->second;
    stop_.connect(largest.file.get());
    auto done = largest.among_many->let_out();
    stop_.connect(nullptr);
    SLUICE_TRY(std::move(done));
    const auto before = largest.held;
    note_held(largest);
    if (largest.held >= before) break;
  }
  return {};
}

std::vector<std::string> open_files::abort() noexcept {
  std::vector<std::string> paths;
  for (auto& [partition, one] : files_) {
    one.file->abort();
    paths.push_back(one.path);
  }
  files_.clear();
  held_ = 0;
  return paths;
}

void open_files::note_held(open_file& one) {
  held_ -= one.held;
  one.held = one.among_many->held_bytes();
  held_ += one.held;
}

}  // namespace sluice::folders
