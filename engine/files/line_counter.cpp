#include "engine/files/line_counter.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace sluice {

namespace {

constexpr std::int64_t block_bytes = 256 * 1024;
constexpr std::size_t most_cursors = 16;

}  // namespace

void line_ends::add(const std::uint8_t* data, std::int64_t size) {
  if (kind_ == line_break::newline ||
      (!open_return_ && std::memchr(data, '\r', static_cast<std::size_t>(size)) == nullptr)) {
    count_ += static_cast<std::uint64_t>(std::count(data, data + size, std::uint8_t{'\n'}));
    return;
  }
  for (std::int64_t i = 0; i < size; ++i) {
    count_ += data[i] == '\n' || open_return_ ? 1 : 0;
    open_return_ = data[i] == '\r';
  }
}

result<line_counter::cursor> line_counter::open(const input_file& file) const {
  cursor made{.path = file.path, .at = 0, .ends = line_ends(kind_), .file = nullptr, .stream = nullptr};
  if (file.seekable()) {
    SLUICE_ASSIGN(made.file, random_file::open(file));
  } else {
    SLUICE_ASSIGN(made.stream, open_stream(file));
  }
  return made;
}

/// The cursor that has the shortest way to `offset`, in front of the others.
result<std::list<line_counter::cursor>::iterator> line_counter::nearest(const input_file& file, std::int64_t offset) {
  auto best = cursors_.end();
  for (auto one = cursors_.begin(); one != cursors_.end(); ++one)
    if (one->path == file.path && one->at <= offset && (best == cursors_.end() || one->at > best->at)) best = one;
  if (best != cursors_.end()) {
    cursors_.splice(cursors_.begin(), cursors_, best);
  } else {
    SLUICE_ASSIGN(auto fresh, open(file));
    cursors_.push_front(std::move(fresh));
    if (cursors_.size() > most_cursors) cursors_.pop_back();
  }
  return cursors_.begin();
}

std::uint64_t line_counter::line_at(const input_file& file, std::int64_t offset) {
  if (file.path == "-") return 0;
  const std::lock_guard guard(lock_);
  const auto found = nearest(file, offset);
  if (!found.ok()) return 0;
  auto& from = **found;
  std::vector<std::uint8_t> buffer(static_cast<std::size_t>(std::min(block_bytes, offset - from.at)));
  while (from.at < offset) {
    const auto wanted = std::min(block_bytes, offset - from.at);
    const auto got =
        from.file ? from.file->read_at(from.at, buffer.data(), wanted) : from.stream->read(buffer.data(), wanted);
    if (!got.ok() || *got == 0) {
      cursors_.pop_front();
      return 0;
    }
    from.ends.add(buffer.data(), *got);
    from.at += *got;
  }
  return from.ends.count() + 1;
}

void passing_lines::pass(std::int64_t offset, const std::uint8_t* data, std::int64_t size) {
  const std::lock_guard guard(lock_);
  at_ = offset;
  if (open_return_ && size > 0) {
    open_return_ = false;
    if (data[0] != '\n') begins_.push_back(at_);
  }
  const auto* const end = data + size;
  const bool returns =
      kind_ == line_break::any && size > 0 && std::memchr(data, '\r', static_cast<std::size_t>(size)) != nullptr;
  const auto is_end = [&](std::uint8_t byte) { return byte == '\n' || (returns && byte == '\r'); };
  for (const auto* from = data; from < end;) {
    const auto* hit = returns ? std::find_if(from, end, is_end) : std::find(from, end, std::uint8_t{'\n'});
    if (hit == end) break;
    from = hit + 1;
    if (*hit == '\r' && from == end) {
      open_return_ = true;
    } else if (*hit == '\n' || *from != '\n') {
      begins_.push_back(at_ + (from - data));
    }
  }
  at_ += size;
}

std::uint64_t passing_lines::find(std::int64_t offset) const {
  const auto behind = std::upper_bound(begins_.begin(), begins_.end(), offset);
  return forgotten_ + static_cast<std::uint64_t>(behind - begins_.begin()) + (open_return_ && offset >= at_ ? 1 : 0) +
         1;
}

void passing_lines::keep(std::int64_t offset) {
  const std::lock_guard guard(lock_);
  kept_.emplace(offset, find(offset));
}

void passing_lines::forget_before(std::int64_t offset) {
  const std::lock_guard guard(lock_);
  const auto end = std::upper_bound(begins_.begin(), begins_.end(), offset);
  forgotten_ += static_cast<std::uint64_t>(end - begins_.begin());
  begins_.erase(begins_.begin(), end);
  first_ = offset;
}

std::uint64_t passing_lines::line_at(std::int64_t offset) {
  const std::lock_guard guard(lock_);
  const auto kept = kept_.find(offset);
  if (kept != kept_.end()) return kept->second;
  return offset < first_ ? 0 : find(offset);
}

}  // namespace sluice
