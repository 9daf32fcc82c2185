#include "engine/plan/file_choice.hpp"

#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <unordered_map>

namespace sluice {

namespace {

constexpr std::int64_t fingerprint_bytes = 64 * 1024;

/// Hash of a stretch of a file; empty where the file is too short.
result<std::string> fingerprint(const random_file& file, std::int64_t begin, std::int64_t end) {
  std::string bytes(static_cast<std::size_t>(end - begin), '\0');
  SLUICE_ASSIGN(const auto got, file.read_at(begin, bytes.data(), end - begin));
  if (got < end - begin) return std::string();
  std::array<char, 20> hex = {};
  std::snprintf(hex.data(), hex.size(), "%016llx",
                static_cast<unsigned long long>(XXH3_64bits(bytes.data(), bytes.size())));
  return std::string(hex.data());
}

/// Fills in the fingerprints of the first `mark.size` bytes.
status take_fingerprints(const random_file& file, store::file_mark& mark) {
  SLUICE_ASSIGN(mark.head, fingerprint(file, 0, std::min(mark.size, fingerprint_bytes)));
  SLUICE_ASSIGN(mark.tail, fingerprint(file, std::max<std::int64_t>(mark.size - fingerprint_bytes, 0), mark.size));
  return {};
}

result<store::file_mark> look_at(const input_file& file) {
  struct stat info {};
  if (::stat(file.path.c_str(), &info) != 0) return from_errno(errno, "read " + file.name);
  store::file_mark mark;
  mark.path = file.path;
  mark.size = file.size;
  mark.modified = static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
  return mark;
}

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
      return user_error("not_a_file", file.name + " is no regular file, so nobody can tell later whether it was read",
                        "read it without incremental");
    SLUICE_ASSIGN(auto mark, look_at(file));
    const auto known = taken_.find(mark.path);
    const auto* before = known == taken_.end() ? nullptr : known->second;
    if (before != nullptr && before->size == mark.size && before->modified == mark.modified) {
      ++made_.known;
      return {};
    }
    SLUICE_ASSIGN(const auto bytes, random_file::open(file));
    SLUICE_TRY(take_fingerprints(*bytes, mark));
    // An empty file had nothing to take.
    if (before == nullptr && was_renamed(mark)) {
      ++made_.known;
      made_.marks.push_back(std::move(mark));
      return {};
    }
    if (before == nullptr || before->size == 0) {
      ++made_.fresh;
      return take(file, std::move(mark));
    }
    return compare(file, std::move(mark), *before, *bytes);
  }

  result<file_choice> made() && {
    if (changed_.empty()) return std::move(made_);
    return user_error(
        "file_changed", "files that earlier runs have taken were changed since: " + changed_,
        "to take changed files again in whole: incremental: { by: file, changed: read_again } (into a sink "
        "with mode: upsert); to begin anew: " +
            rules_.reset);
  }

 private:
  /// True where a taken file of the same size, time and bytes is no longer under its name: renaming keeps all three.
  [[nodiscard]] bool was_renamed(const store::file_mark& mark) const {
    const auto [first, last] = by_time_.equal_range(mark.modified);
    return mark.size > 0 && std::any_of(first, last, [&](const auto& one) {
             const auto& old = *one.second;
             struct stat info {};
             return old.size == mark.size && old.head == mark.head && old.tail == mark.tail &&
                    ::stat(old.path.c_str(), &info) != 0 && errno == ENOENT;
           });
  }

  status compare(const input_file& file, store::file_mark mark, const store::file_mark& before,
                 const random_file& bytes) {
    if (mark.size == before.size && mark.head == before.head && mark.tail == before.tail) {
      ++made_.known;
      made_.marks.push_back(std::move(mark));  // its time is new
      return {};
    }
    std::string why = mark.size < before.size    ? "is shorter"
                      : mark.size == before.size ? "has other bytes"
                                                 : "has grown";
    if (mark.size > before.size) {
      store::file_mark old;
      old.size = before.size;
      SLUICE_TRY(take_fingerprints(bytes, old));
      const bool same = old.head == before.head && old.tail == before.tail;
      if (!same) why = "has other bytes";
      if (same && rules_.appends && file.seekable()) {
        SLUICE_ASSIGN(const auto begin, next_line(bytes, before.size));
        if (begin) {
          ++made_.grown;
          auto rest = file;
          rest.begin = *begin;
          return take(rest, std::move(mark));
        }
        why = "has more on the line that was its last one";
      }
    }
    if (rules_.read_changed) {
      ++made_.changed;
      return take(file, std::move(mark));
    }
    if (++changes_ <= 5) changed_ += (changed_.empty() ? "" : ", ") + file.name + " (" + why + ")";
    if (changes_ == 6) changed_ += ", and others";
    return {};
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
