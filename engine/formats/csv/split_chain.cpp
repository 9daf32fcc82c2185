#include "engine/formats/csv/split_chain.hpp"

#include "engine/formats/csv/record_index.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace sluice::csv {

namespace {

constexpr std::int64_t block_bytes = 512 * 1024;
constexpr std::int64_t padding = 64;

/// Looks for starts of records from one that is known, block by block.
class start_search {
 public:
  start_search(const random_file& file, const dialect& rules)
      : file_(file), index_(rules, best_simd_level()), buffer_(static_cast<std::size_t>(block_bytes + 4 * padding)) {}

  /// What it has searched.
  [[nodiscard]] std::int64_t searched() const { return at_; }

  void begin(std::int64_t start) {
    index_.reset(0);
    at_ = start;
    begun_ = true;
    kept_ = 0;
  }

  /// Searches one more block for the first record at or behind `target`.
  result<std::optional<std::int64_t>> step(std::int64_t target) {
    if (begun_ && (at_ >= target || at_ >= file_.size())) return std::optional(at_);
    begun_ = false;
    auto* const data = buffer_.data() + padding;
    SLUICE_ASSIGN(const auto got, file_.read_at(at_ + kept_, data + kept_, block_bytes - kept_));
    const bool last = got < block_bytes - kept_;
    const auto size = static_cast<std::uint32_t>(kept_ + got);
    data[size] = 0;
    index_.forget();
    const auto scanned = index_.scan(data, 0, size, last);
    for (std::size_t i = 0; i < index_.records(); ++i) {
      const auto next = std::min(at_ + index_.ends()[index_.record_ends()[i]] + 1, file_.size());
      if (next >= target) return std::optional(next);
    }
    if (last) return std::optional(file_.size());
    kept_ = size - scanned;
    std::copy_n(data + scanned, kept_, data);
    at_ += scanned;
    return std::optional<std::int64_t>();
  }

 private:
  const random_file& file_;
  record_index index_;
  std::vector<std::uint8_t> buffer_;
  std::int64_t at_ = 0;
  bool begun_ = false;     ///< at_ is the start of a record
  std::int64_t kept_ = 0;  ///< a CR that waits for the byte behind it
};

}  // namespace

split_chain::split_chain(input_file file, dialect rules, std::int64_t data_begin, std::int64_t split_bytes)
    : file_(std::move(file)), rules_(rules), data_begin_(data_begin), split_bytes_(split_bytes), starts_{data_begin} {}

result<std::shared_ptr<random_file>> split_chain::file() {
  const std::lock_guard guard(opening_);
  if (auto open = open_.lock()) return open;
  SLUICE_ASSIGN(auto opened, random_file::open(file_));
  struct stat info {};
  if (::fstat(opened->handle(), &info) != 0) return from_errno(errno, "look at " + file_.name);
  const std::pair<std::uint64_t, std::uint64_t> found(info.st_dev, info.st_ino);
  if (identity_ && *identity_ != found)
    return user_error("source_changed", "the file " + file_.name + " was replaced while it was being read",
                      "run again when no program is writing to the file");
  identity_ = found;
  open_ = opened;
  return opened;
}

void split_chain::follow_reports(std::size_t split) {
  while (starts_.size() <= split) {
    const auto found = findings_.find(starts_.size() - 1);
    if (found == findings_.end() || !found->second.whole || found->second.start != starts_.back()) return;
    starts_.push_back(found->second.end);
    findings_.erase(found);
  }
}

std::optional<std::int64_t> split_chain::known_start(std::size_t split) {
  const std::lock_guard guard(lock_);
  follow_reports(split);
  return split < starts_.size() ? std::optional(starts_[split]) : std::nullopt;
}

std::int64_t split_chain::furthest() const {
  const auto found = findings_.find(starts_.size() - 1);
  return found != findings_.end() && found->second.start == starts_.back() ? found->second.end : starts_.back();
}

result<std::int64_t> split_chain::find_start(std::size_t split) {
  const std::lock_guard only(searching_);
  SLUICE_ASSIGN(const auto open, file());
  std::optional<start_search> search;
  for (std::size_t known = 0;;) {
    std::int64_t target = 0;
    {
      const std::lock_guard guard(lock_);
      follow_reports(split);
      if (split < starts_.size()) return starts_[split];
      if (!search) search.emplace(*open, rules_);
      if (const auto from = furthest(); starts_.size() != known || from > search->searched()) search->begin(from);
      known = starts_.size();
      target = begin_of(known);
    }
    SLUICE_ASSIGN(const auto next, search->step(target));
    if (!next) continue;
    const std::lock_guard guard(lock_);
    if (starts_.size() > known) continue;
    findings_.erase(known - 1);
    starts_.push_back(*next);
  }
}

void split_chain::report(std::size_t split, std::int64_t start, std::int64_t end) {
  const std::lock_guard guard(lock_);
  if (split + 1 >= starts_.size()) findings_[split] = {start, end, true};
}

void split_chain::report_so_far(std::size_t split, std::int64_t start, std::int64_t record) {
  const std::lock_guard guard(lock_);
  if (split + 1 >= starts_.size()) findings_[split] = {start, record, false};
}

}  // namespace sluice::csv
