#include "engine/plan/file_choice.hpp"

#include "engine/plan/content_hash.hpp"

#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <unordered_map>

namespace sluice {

namespace {

/// A file that was changed so shortly before it is looked at may be changed again within the same tick of the file
/// system's clock (2 s on FAT).
constexpr std::int64_t settled_nanoseconds = 2'000'000'000;

std::int64_t nanoseconds(const timespec& when) { return std::int64_t{when.tv_sec} * 1'000'000'000 + when.tv_nsec; }

/// What is known of a file without reading it. `head` of a mark is the hash of all bytes taken, `tail` what shows that
/// the file was neither written nor replaced since: its number, and the time of its last change, which nobody can set
/// back. An empty tail shows nothing.
result<store::file_mark> look_at(const input_file& file) {
  struct stat info {};
  if (::stat(file.path.c_str(), &info) != 0) return from_errno(errno, "read " + file.name);
  timespec now = {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  store::file_mark mark;
  mark.path = file.path;
  mark.size = file.size;
  mark.modified = nanoseconds(info.st_mtim);
  const auto changed = nanoseconds(info.st_ctim);
  if (changed < nanoseconds(now) - settled_nanoseconds)
    mark.tail = std::to_string(info.st_ino) + "." + std::to_string(changed);
  return mark;
}

bool is_untouched(const store::file_mark& mark, const store::file_mark& before) {
  return mark.size == before.size && mark.modified == before.modified && mark.tail == before.tail &&
         !before.tail.empty();
}

/// What an older sluice has taken has a shorter hash, of its begin only.
bool has_hash(const store::file_mark& mark) { return mark.head.size() == hash_digits; }

/// The place behind the line that ended at `size`, where a file was read to before; nothing if that line has gone on.
result<std::optional<std::int64_t>> next_line(const random_file& file, std::int64_t size) {
  std::array<char, 3> around = {};  // the byte before the old end, and the two behind it
  SLUICE_ASSIGN(const auto got, file.read_at(size - 1, around.data(), std::ssize(around)));
  if (got < 2) return std::optional<std::int64_t>();
  const auto [before, first, second] = around;
  if (before == '\n') return std::optional(size);
  if (before == '\r') return std::optional(first == '\n' ? size + 1 : size);
  if (first == '\n') return std::optional(size + 1);
  if (first == '\r') return std::optional(got == 3 && second == '\n' ? size + 2 : size + 1);
  return std::optional<std::int64_t>();
}

class chooser {
 public:
  chooser(const std::vector<store::file_mark>& taken, const file_choice_rules& rules) : rules_(rules) {
    for (const auto& mark : taken) {
      taken_.emplace(mark.path, &mark);
      by_time_.emplace(mark.modified, &mark);
    }
  }

  status look(const input_file& file) {
    if (file.size < 0)
      return user_error("not_a_file",
                        file.name + " is not a regular file, so a later run can't know whether it was read",
                        "read it without incremental");
    SLUICE_ASSIGN(auto mark, look_at(file));
    const auto known = taken_.find(mark.path);
    const auto* before = known == taken_.end() ? nullptr : known->second;
    if (before != nullptr && is_untouched(mark, *before)) {
      ++made_.known;
      return {};
    }
    if (!rules_.remembers) return take_new(file, std::move(mark));
    if (before != nullptr && mark.size > before->size) {
      SLUICE_ASSIGN(auto hashes, hash_up_to(file, {before->size, mark.size}));
      mark.head = std::move(hashes[1]);
      return compare_grown(file, std::move(mark), *before, hashes[0]);
    }
    SLUICE_ASSIGN(auto hashes, hash_up_to(file, {mark.size}));
    mark.head = std::move(hashes[0]);
    if (before != nullptr) return compare(file, std::move(mark), *before);
    if (!was_renamed(mark)) return take_new(file, std::move(mark));
    ++made_.known;
    made_.marks.push_back(std::move(mark));
    return {};
  }

  result<file_choice> made() && {
    if (changed_.empty()) return std::move(made_);
    return user_error("file_changed", "files that earlier runs have loaded were changed since: " + changed_,
                      "to load changed files again completely, set incremental: { by: file, changed: read_again } "
                      "(with a sink in mode: upsert); to start again: " +
                          rules_.reset);
  }

 private:
  /// True where a taken file of the same size, time and bytes is no longer under its name: renaming keeps all three.
  [[nodiscard]] bool was_renamed(const store::file_mark& mark) const {
    const auto [first, last] = by_time_.equal_range(mark.modified);
    return mark.size > 0 && std::any_of(first, last, [&](const auto& one) {
             const auto& old = *one.second;
             struct stat info {};
             return old.size == mark.size && old.head == mark.head && ::stat(old.path.c_str(), &info) != 0 &&
                    errno == ENOENT;
           });
  }

  /// A file of the size that it had, or a shorter one.
  status compare(const input_file& file, store::file_mark mark, const store::file_mark& before) {
    if (mark.size < before.size) return refuse(file, std::move(mark), "is shorter");
    // What an older sluice has taken has no hash: the time has to do.
    const bool same = !has_hash(before) ? mark.modified == before.modified : mark.head == before.head;
    if (!same) return refuse(file, std::move(mark), other_bytes(before));
    ++made_.known;
    made_.marks.push_back(std::move(mark));  // its time is new
    return {};
  }

  /// A larger file, `begin` being the hash of as many bytes as it had.
  status compare_grown(const input_file& file, store::file_mark mark, const store::file_mark& before,
                       const std::string& begin) {
    // An empty file had nothing to take.
    if (before.size == 0) return take_new(file, std::move(mark));
    if (begin != before.head) return refuse(file, std::move(mark), other_bytes(before));
    if (!rules_.appends || !file.seekable()) return refuse(file, std::move(mark), "has grown");
    SLUICE_ASSIGN(const auto bytes, random_file::open(file));
    SLUICE_ASSIGN(const auto next, next_line(*bytes, before.size));
    if (!next) return refuse(file, std::move(mark), "has more text in the line that was its last line");
    ++made_.grown;
    auto rest = file;
    rest.begin = *next;
    return take(rest, std::move(mark));
  }

  static std::string other_bytes(const store::file_mark& before) {
    return !has_hash(before) ? "has a new time, and the older sluice that loaded it saved no hash of its content"
                             : "has other content";
  }

  /// A file that is not what it was: read again in whole, or a fault.
  status refuse(const input_file& file, store::file_mark mark, const std::string& why) {
    if (rules_.read_changed) {
      ++made_.changed;
      return take(file, std::move(mark));
    }
    if (++changes_ <= 5) changed_ += (changed_.empty() ? "" : ", ") + file.name + " (" + why + ")";
    if (changes_ == 6) changed_ += ", and others";
    return {};
  }

  status take_new(const input_file& file, store::file_mark mark) {
    ++made_.fresh;
    return take(file, std::move(mark));
  }

  status take(input_file file, store::file_mark mark) {
    made_.files.push_back(std::move(file));
    made_.marks.push_back(std::move(mark));
    return {};
  }

  file_choice_rules rules_;
  std::unordered_map<std::string, const store::file_mark*> taken_;
  std::unordered_multimap<std::int64_t, const store::file_mark*> by_time_;
  file_choice made_;
  std::string changed_;
  int changes_ = 0;
};

}  // namespace

result<file_choice> choose_new_files(const std::vector<input_file>& found, const std::vector<store::file_mark>& taken,
                                     const file_choice_rules& rules) {
  chooser all(taken, rules);
  for (const auto& file : found) SLUICE_TRY(all.look(file));
  return std::move(all).made();
}

}  // namespace sluice
