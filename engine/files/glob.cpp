#include "engine/files/glob.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

namespace sluice {

namespace {

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const auto slash = path.find('/');
    if (slash != 0) parts.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return parts;
}

struct entry {
  std::string name;
  bool folder = false;
};

/// Names in a folder, sorted. A folder that vanished meanwhile is empty.
result<std::vector<entry>> list_folder(const std::string& path) {
  std::vector<entry> entries;
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) {
    if (errno == ENOENT || errno == ENOTDIR) return entries;
    return from_errno(errno, "list the folder " + path);
  }
  while (const auto* item = ::readdir(folder)) {
    const std::string name = item->d_name;
    if (name == "." || name == "..") continue;
    bool is_folder = item->d_type == DT_DIR;
    if (item->d_type == DT_LNK || item->d_type == DT_UNKNOWN) {
      // A link to nowhere is a file that whoever opens it does not find: it is not passed over.
      struct stat info {};
      is_folder = ::stat((path + "/" + name).c_str(), &info) == 0 && S_ISDIR(info.st_mode);
    }
    entries.push_back({name, is_folder});
  }
  ::closedir(folder);
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

bool hidden(std::string_view name) { return name.front() == '.' || name.front() == '_'; }

bool fits_entry(const std::string& pattern, const std::string& name) {
  if (hidden(name) && pattern.front() != name.front()) return false;
  return fits_glob(pattern, name);
}

/// Says whether the parts of a path fit those of a pattern, as `walker` finds files.
bool fits_parts(const std::vector<std::string>& pattern, std::size_t part, const std::vector<std::string>& path,
                std::size_t at) {
  const bool last = part + 1 == pattern.size();
  if (pattern[part] != "**") {
    const bool fits = is_glob(pattern[part]) ? fits_entry(pattern[part], path[at]) : pattern[part] == path[at];
    if (!fits || last || at + 1 == path.size()) return fits && last && at + 1 == path.size();
    return fits_parts(pattern, part + 1, path, at + 1);
  }
  if (!last && fits_parts(pattern, part + 1, path, at)) return true;
  if (hidden(path[at])) return false;
  if (at + 1 == path.size()) return last;
  return fits_parts(pattern, part, path, at + 1);
}

/// Walks a pattern part by part.
class walker {
 public:
  walker(std::vector<std::string> parts, std::string base) : parts_(std::move(parts)), base_(std::move(base)) {}

  /// Also looks whether a file would be found that need not be there.
  void imagine(const file_identity& place) {
    imagined_ = place;
    imagined_parts_ = parts_of(place.below);
  }

  status walk(const std::string& prefix, std::size_t part) {
    look_for_imagined(prefix, part);
    const auto& pattern = parts_[part];
    const bool last = part + 1 == parts_.size();
    if (pattern == "**") return walk_below(prefix, part);
    if (!is_glob(pattern)) {
      const auto name = prefix + pattern;
      if (!last) return walk(name + "/", part + 1);
      struct stat info {};
      if (::stat(real(name).c_str(), &info) == 0 && !S_ISDIR(info.st_mode)) found.push_back(name);
      return {};
    }
    SLUICE_ASSIGN(const auto entries, list_folder(real(prefix)));
    for (const auto& each : entries) {
      if (!fits_entry(pattern, each.name)) continue;
      if (last && !each.folder) found.push_back(prefix + each.name);
      if (!last && each.folder) SLUICE_TRY(walk(prefix + each.name + "/", part + 1));
    }
    return {};
  }

  std::vector<std::string> found;
  bool found_imagined = false;

 private:
  void look_for_imagined(const std::string& prefix, std::size_t part) {
    if (imagined_parts_.empty() || found_imagined) return;
    struct stat info {};
    if (::stat(real(prefix).c_str(), &info) != 0 || info.st_dev != imagined_.device || info.st_ino != imagined_.number)
      return;
    found_imagined = fits_parts(parts_, part, imagined_parts_, 0);
  }

  status walk_below(const std::string& prefix, std::size_t part) {
    // A link to a folder above leads to what is found without it.
    struct stat info {};
    if (::stat(real(prefix).c_str(), &info) != 0) return {};
    const auto here = std::pair(info.st_dev, info.st_ino);
    if (std::find(above_.begin(), above_.end(), here) != above_.end()) return {};
    above_.push_back(here);
    auto done = walk_folder(prefix, part);
    above_.pop_back();
    return done;
  }

  status walk_folder(const std::string& prefix, std::size_t part) {
    look_for_imagined(prefix, part);
    const bool last = part + 1 == parts_.size();
    if (!last) SLUICE_TRY(walk(prefix, part + 1));
    SLUICE_ASSIGN(const auto entries, list_folder(real(prefix)));
    for (const auto& each : entries) {
      if (hidden(each.name)) continue;
      if (each.folder) SLUICE_TRY(walk_below(prefix + each.name + "/", part));
      if (last && !each.folder) found.push_back(prefix + each.name);
    }
    return {};
  }

  [[nodiscard]] std::string real(const std::string& name) const {
    const auto path = std::filesystem::path(name.empty() ? "." : name);
    return path.is_absolute() || base_.empty() ? path.string() : base_ + "/" + path.string();
  }

  std::vector<std::string> parts_;
  std::string base_;
  file_identity imagined_;
  std::vector<std::string> imagined_parts_;     ///< empty: nothing is imagined
  std::vector<std::pair<dev_t, ino_t>> above_;  ///< folders that `**` is within
};

/// Matches a set "[a-z]" at the start of `pattern`; gives its length, 0 where it has no end.
std::size_t match_set(std::string_view pattern, char c, bool& fits) {
  std::size_t at = 1;
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) ++at;
  const auto first = at;
  bool inside = false;
  for (; at < pattern.size() && (pattern[at] != ']' || at == first); ++at) {
    auto high = pattern[at];
    const auto low = high;
    if (at + 2 < pattern.size() && pattern[at + 1] == '-' && pattern[at + 2] != ']') {
      high = pattern[at + 2];
      at += 2;
    }
    inside = inside || (static_cast<unsigned char>(low) <= static_cast<unsigned char>(c) &&
                        static_cast<unsigned char>(c) <= static_cast<unsigned char>(high));
  }
  if (at >= pattern.size()) return 0;
  fits = inside != negated;
  return at + 1;
}

/// Bytes of the character that starts at `text`: ? stands for one character, not one byte.
std::size_t character_bytes(std::string_view text) {
  std::size_t bytes = 1;
  while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80) ++bytes;
  return bytes;
}

}  // namespace

bool is_glob(std::string_view path) { return path.find_first_of("*?[") != std::string_view::npos; }

std::string glob_root(std::string_view pattern) {
  const auto wildcard = pattern.find_first_of("*?[");
  const auto slash = pattern.substr(0, wildcard).rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(pattern.substr(0, slash));
}

bool fits_glob(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  auto star = std::string_view::npos;  // where to try again with one more character taken by the last *
  std::size_t star_name = 0;
  while (n < name.size()) {
    bool fits = false;
    std::size_t used = 1;
    std::size_t taken = 1;
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_name = n;
      continue;
    }
    if (p < pattern.size()) {
      if (pattern[p] == '?') {
        fits = true;
        taken = character_bytes(name.substr(n));
      } else if (pattern[p] == '[') {
        used = match_set(pattern.substr(p), name[n], fits);
        if (used == 0) {  // no set: a bracket like any other character
          used = 1;
          fits = name[n] == '[';
        }
      } else if (pattern[p] == '\\' && p + 1 < pattern.size()) {
        used = 2;
        fits = pattern[p + 1] == name[n];
      } else {
        fits = pattern[p] == name[n];
      }
    }
    if (fits) {
      p += used;
      n += taken;
    } else if (star != std::string_view::npos) {
      p = star;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

result<std::vector<std::string>> expand_glob(std::string_view pattern, const std::string& base_folder) {
  auto parts = parts_of(pattern);
  if (parts.empty()) return std::vector<std::string>{};
  walker walk(std::move(parts), base_folder);
  SLUICE_TRY(walk.walk(pattern.front() == '/' ? "/" : "", 0));
  std::sort(walk.found.begin(), walk.found.end());
  walk.found.erase(std::unique(walk.found.begin(), walk.found.end()), walk.found.end());
  return std::move(walk.found);
}

result<bool> glob_would_find(std::string_view pattern, const std::string& base_folder, const file_identity& place) {
  auto parts = parts_of(pattern);
  if (parts.empty()) return false;
  walker walk(std::move(parts), base_folder);
  walk.imagine(place);
  SLUICE_TRY(walk.walk(pattern.front() == '/' ? "/" : "", 0));
  return walk.found_imagined;
}

}  // namespace sluice
