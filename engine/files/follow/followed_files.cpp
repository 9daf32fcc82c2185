#include "engine/files/follow/followed_files.hpp"

#include "engine/files/file_identity.hpp"
#include "engine/files/glob.hpp"
#include "engine/files/source_reach.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace sluice {

namespace fs = std::filesystem;

namespace {

error gone(const followed_mark& mark) {
  return external_error(
      "followed_file_gone",
      "the followed file " + mark.name + " is not there any more, under any name in its folder; " +
          std::to_string(mark.end) + " bytes of it were read, and what was written after them can't be",
      "put it back under this name and start again; or read all files from their beginning with --fresh");
}

error cannot_follow(const input_file& file) {
  const auto packed = std::string(name_of(file.packed));
  return user_error("cannot_follow",
                    file.packed == compression::none
                        ? "the file " + file.name + " is not in UTF-8; only plain UTF-8 files can be followed"
                        : "the file " + file.name + " is compressed (" + packed + "); only plain files can be followed",
                    "choose a path that leaves it out, for example path: \"logs/*.csv\"; rotated files that are "
                    "compressed later would be read twice");
}

/// The paths of the files beside one.
std::vector<std::string> neighbours(const std::string& path) {
  std::vector<std::string> found;
  std::error_code failed;
  for (fs::directory_iterator at(fs::path(path).parent_path(), failed), end; !failed && at != end; at.increment(failed))
    found.push_back(at->path().string());
  std::sort(found.begin(), found.end());
  return found;
}

/// What one entry of `path` names now.
status add_names(const std::string& entry, const file_search& what, std::vector<std::string>& into) {
  struct stat info {};
  const bool there = ::stat(absolute_path(entry, what.base_folder).c_str(), &info) == 0;
  if (there && !S_ISDIR(info.st_mode)) return into.push_back(entry), status{};
  if (!there && !is_glob(entry)) return {};
  const auto pattern = there ? (entry.back() == '/' ? entry : entry + "/") + "**" : entry;
  auto names = expand_glob(pattern, what.base_folder);
  // A folder that is not there yet holds nothing; one that vanished while it was listed will be looked at again.
  if (!names.ok() && names.problem().code == "file_not_found") return {};
  if (!names.ok()) return names.problem();
  for (auto& name : *names)
    if (!there || counts_in_folder(name, what.extensions)) into.push_back(std::move(name));
  return {};
}

}  // namespace

result<std::vector<std::string>> followed_files::names(const file_search& what) {
  std::vector<std::string> found;
  if (what.path.is_string()) SLUICE_TRY(add_names(what.path.get<std::string>(), what, found));
  if (what.path.is_array())
    for (const auto& entry : what.path)
      if (entry.is_string()) SLUICE_TRY(add_names(entry.get<std::string>(), what, found));
  return found;
}

bool followed_files::is_known(const file_number& which) const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [&](const slot& one) { return one.file && one.file->number().same_as(which); });
}

void followed_files::add(const std::shared_ptr<followed_file>& found) {
  // Numbers that an earlier run gave to files of which it read nothing are free.
  auto place = std::find_if(slots_.begin(), slots_.end(), [](const slot& one) { return !one.taken; });
  if (place == slots_.end()) place = slots_.insert(slots_.end(), slot{});
  *place = {.name = found->name(), .file = found, .taken = true};
}

result<std::vector<split>> followed_files::look() {
  SLUICE_ASSIGN(const auto found, names(what_));
  const std::lock_guard guard(lock_);
  for (const auto& name : found) {
    const auto path = absolute_path(name, what_.base_folder);
    const auto which = number_at(path);
    if (!which || is_known(*which)) continue;
    auto looked_at = find_file(name, what_);
    if (!looked_at.ok() && looked_at.problem().code == "file_not_found") continue;
    if (!looked_at.ok()) return looked_at.problem();
    if (!looked_at->seekable()) return cannot_follow(*looked_at);
    auto opened = followed_file::open(name, path);
    if (!opened.ok() && !number_at(path)) continue;  // it has gone in between
    if (!opened.ok()) return opened.problem();
    if (!is_known((*opened)->number())) add(*opened);
  }
  std::vector<split> splits;
  for (auto& one : slots_) {
    // A split keeps its name from now on: numbers that no file has taken stay without one.
    one.taken = true;
    const auto now = one.file ? one.file->look() : result<followed_now>(followed_now{});
    splits.push_back(
        {.id = static_cast<std::uint32_t>(splits.size()), .object = one.name, .bytes = now.ok() ? now->size : 0});
  }
  return splits;
}

result<std::shared_ptr<followed_file>> followed_files::find_again(const followed_mark& mark,
                                                                  const std::vector<std::string>& names) const {
  const file_number which{.number = mark.number, .born = mark.born};
  const auto path = absolute_path(mark.name, what_.base_folder);
  std::vector<std::string> paths{path};
  for (const auto& name : names) paths.push_back(absolute_path(name, what_.base_folder));
  for (auto& beside : neighbours(path)) paths.push_back(std::move(beside));
  for (const auto& candidate : paths) {
    const auto there = number_at(candidate);
    if (!there || !there->same_as(which)) continue;
    SLUICE_ASSIGN(auto opened, followed_file::open(mark.name, candidate));
    const auto same = opened->check(mark);
    // Without a time of birth the number may be that of a later file.
    if (!same.ok() && which.born == 0) continue;
    if (!same.ok()) return same.problem();
    return opened;
  }
  // A copy on another disk, or one that was put back: the same content under the same name.
  if (mark.begin > 0 && number_at(path)) {
    SLUICE_ASSIGN(auto opened, followed_file::open(mark.name, path));
    if (opened->check(mark).ok() && !is_known(opened->number())) return opened;
  }
  return std::shared_ptr<followed_file>();
}

status followed_files::keep(const std::vector<split_progress>& before) {
  SLUICE_ASSIGN(const auto found, names(what_));
  const std::lock_guard guard(lock_);
  for (const auto& one : before) {
    if (slots_.size() <= one.split) slots_.resize(one.split + 1);
    auto& place = slots_[one.split];
    // Of a file that was removed and read to its end the checkpoint keeps only the number.
    place.taken = one.ended;
    // Nothing was read of it: its number is free.
    if (one.ended || one.position.empty()) continue;
    SLUICE_ASSIGN(const auto mark, followed_mark::of_position(one.position));
    place.name = mark.name;
    place.taken = true;
    if (mark.removed) continue;
    SLUICE_ASSIGN(place.file, find_again(mark, found));
    if (!place.file && !mark.quiet) return gone(mark);
  }
  return {};
}

std::shared_ptr<followed_file> followed_files::file(std::uint32_t split) const {
  const std::lock_guard guard(lock_);
  return split < slots_.size() ? slots_[split].file : nullptr;
}

void followed_files::forget(std::uint32_t split) {
  const std::lock_guard guard(lock_);
  if (split < slots_.size()) slots_[split].file.reset();
}

}  // namespace sluice
