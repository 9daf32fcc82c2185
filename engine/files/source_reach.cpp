#include "engine/files/source_reach.hpp"

#include "engine/files/glob.hpp"
#include "engine/files/hidden_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace sluice {

namespace {

bool is_regular(int handle) {
  struct stat info {};
  return ::fstat(handle, &info) == 0 && S_ISREG(info.st_mode);
}

/// True where a pattern finds names that begin with a dot.
bool finds_hidden(const std::string& pattern) {
  const auto slash = pattern.rfind('/');
  return pattern.compare(slash == std::string::npos ? 0 : slash + 1, 1, ".") == 0;
}

}  // namespace

possible_file look_at_place(const std::string& absolute) {
  return {.file = identity_of(absolute),
          .place = place_of(absolute),
          .hidden_place = place_of(hidden_path(real_path(absolute), "run", "unit", 1))};
}

source_reach::source_reach(const options& path, std::vector<std::string> extensions, std::string base_folder)
    : extensions_(std::move(extensions)), base_folder_(std::move(base_folder)) {
  const auto add = [this](const options& one) {
    if (one.is_string()) entries_.push_back({.text = one.get<std::string>()});
  };
  if (path.is_array())
    for (const auto& one : path) add(one);
  else
    add(path);
}

status source_reach::look(entry& one) const {
  if (one.text == "-") {
    // `< file`: nobody can tell what else standard input is.
    if (is_regular(STDIN_FILENO)) one.files.push_back(identity_of(STDIN_FILENO));
    return {};
  }
  const auto path = absolute_path(one.text, base_folder_);
  std::error_code ignored;
  const bool there = std::filesystem::exists(path, ignored);
  one.folder = std::filesystem::is_directory(path, ignored) || (!there && one.text.ends_with('/'));
  if (one.folder)
    one.pattern = one.text + (one.text.ends_with('/') ? "**" : "/**");
  else if (!there && is_glob(one.text))
    one.pattern = one.text;
  if (one.pattern.empty()) {
    one.files.push_back(identity_of(path));
    return {};
  }
  SLUICE_ASSIGN(const auto names, expand_glob(one.pattern, base_folder_));
  for (const auto& name : names)
    if (!one.folder || counts_in_folder(name, extensions_))
      one.files.push_back(identity_of(absolute_path(name, base_folder_)));
  return {};
}

result<std::optional<reached_file>> source_reach::find(const possible_file& what) {
  if (!looked_)
    for (auto& one : entries_) SLUICE_TRY(look(one));
  looked_ = true;
  for (const auto& one : entries_)
    if (std::find(one.files.begin(), one.files.end(), what.file) != one.files.end())
      return std::optional(reached_file{one.text, true});
  for (const auto& one : entries_) {
    if (one.pattern.empty()) continue;
    auto places = std::vector{what.place};
    if (finds_hidden(one.pattern)) places.push_back(what.hidden_place);
    for (const auto& place : places) {
      if (one.folder && !counts_in_folder(place.below, extensions_)) continue;
      SLUICE_ASSIGN(const bool found, glob_would_find(one.pattern, base_folder_, place));
      if (found) return std::optional(reached_file{one.text, false});
    }
  }
  return std::optional<reached_file>();
}

}  // namespace sluice
