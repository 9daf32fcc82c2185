#include "engine/plan/following_reader.hpp"

#include "engine/files/file_faults.hpp"
#include "engine/secrets/known_secrets.hpp"
#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

using namespace std::chrono_literals;

// A source without end answers that often, so that whoever wants a checkpoint does not wait for a row.
constexpr auto longest_silence = 100ms;
// A file that is written is looked at that often; one that is not, less and less.
constexpr auto shortest_pause = 10ms;
constexpr auto longest_pause = 1000ms;
// A piece of text is read at once; only a longer record makes it grow.
constexpr std::int64_t piece_bytes = 8 * 1024 * 1024;
constexpr std::int64_t longest_record = 256 * 1024 * 1024;

}  // namespace

status following_reader::add(const split& piece, const std::string& position) {
  auto made = std::make_unique<one_file>();
  made->piece = piece;
  made->file = what_->files->file(piece.id);
  if (!position.empty()) {
    SLUICE_ASSIGN(made->at, followed_mark::of_position(position));
    made->told = true;
    made->last = made->at.removed;
  } else if (made->file) {
    made->at.name = secrets::hide(piece.object);
    made->at.number = made->file->number().number;
    made->at.born = made->file->number().born;
    SLUICE_ASSIGN(made->at.tail, made->file->hash_before(0));
    made->at.head = made->at.tail;
  }
  files_.push_back(std::move(made));
  return {};
}

result<read_step> following_reader::next() {
  const auto begun = clock::now();
  for (;;) {
    if (stop_.raised() || files_.empty()) return interrupted_error("following files");
    // One piece after the other: each reader holds buffers.
    if (turn_ < files_.size() && in_piece(*files_[turn_])) return read(turn_);
    for (std::size_t tried = 0; tried < files_.size(); ++tried) {
      turn_ = (turn_ + 1) % files_.size();
      auto& one = *files_[turn_];
      if (!one.file) return end_of(turn_);
      if (!one.told) return nothing_new(one);
      if (!in_piece(one)) {
        SLUICE_ASSIGN(const bool more, look(one));
        if (one.last && !more) return end_of(turn_);
        if (!more) continue;
      }
      return read(turn_);
    }
    const auto until = begun + longest_silence;
    if (clock::now() >= until) {
      silent_ = (silent_ + 1) % files_.size();
      return nothing_new(*files_[silent_]);
    }
    if (!stop_.sleep_until(next_look(until))) return interrupted_error("following files");
  }
}

following_reader::clock::time_point following_reader::next_look(clock::time_point latest) const {
  for (const auto& one : files_) latest = std::min(latest, one->look_at);
  return latest;
}

/// Whether there is something to read; then a piece has begun.
result<bool> following_reader::look(one_file& of) {
  const auto now = clock::now();
  if (now < of.look_at) return false;
  of.pause = std::clamp<clock::duration>(of.pause * 2, shortest_pause, longest_pause);
  of.look_at = now + of.pause;
  SLUICE_ASSIGN(const auto found, of.file->look());
  of.at.quiet = found.quiet && found.size == of.at.end;
  if (found.size == of.at.end) {
    of.last = found.removed;
    return false;
  }
  SLUICE_TRY(of.file->check(of.at));
  SLUICE_ASSIGN(auto end, find_end(of, found.size));
  // Nobody will write the rest of a last line that belongs to a file which was removed.
  if (end == of.at.end && found.removed) {
    end = found.size;
    of.last = true;
  }
  if (end == of.at.end) return false;
  SLUICE_TRY(begin_piece(of, end));
  of.pause = {};
  of.look_at = {};
  return true;
}

result<std::int64_t> following_reader::find_end(const one_file& of, std::int64_t size) const {
  for (auto bytes = piece_bytes;; bytes *= 4) {
    const auto to = std::min(size, of.at.end + bytes);
    SLUICE_ASSIGN(const auto end, what_->records->complete_until(*of.file, of.at.end, to));
    if (end > of.at.end || to == size) return end;
    if (bytes > longest_record)
      return user_error(
          "record_too_large",
          of.file->name() + " has a record at byte " + std::to_string(of.at.end) + " that does not end within 256 MiB",
          "look for a missing line break, or a quote that is never closed");
  }
}

status following_reader::begin_piece(one_file& of, std::int64_t end) {
  of.at.end = end;
  of.at.inner = 0;
  of.at.inside.clear();
  of.at.quiet = false;
  return open_piece(of);
}

/// Makes the source of the piece that the mark names.
status following_reader::open_piece(one_file& of) {
  const chosen_file piece{.name = of.file->path(), .begin = of.at.begin, .size = of.at.end};
  auto unit = what_->unit;
  unit.reading.files = std::make_shared<const chosen_files>(std::vector<chosen_file>{piece});
  auto search = what_->search;
  search.chosen = unit.reading.files;
  SLUICE_ASSIGN(const auto file, find_file(piece.name, search));
  if (!file.seekable())
    return user_error("cannot_follow",
                      "the file " + of.file->name() + " is not in UTF-8; only such files can be followed",
                      "convert it, or leave it out of path");
  diagnostics faults;
  of.from = what_->make(unit, faults);
  if (!of.from) return internal_error("unexpected_exception", "no source was made of a piece of " + of.file->name());
  SLUICE_ASSIGN(of.splits, of.from->discover());
  return {};
}

/// The same; in errors the file has its name.
result<read_step> following_reader::read(std::size_t at) {
  const auto name = files_[at]->file->name();
  const auto path = files_[at]->file->path();
  auto step = read_piece(at);
  if (step.ok()) return step;
  auto problem = std::move(step).problem();
  for (auto* text : {&problem.message, &problem.hint, &problem.where})
    for (std::size_t found = 0; (found = text->find(path, found)) != std::string::npos; found += name.size())
      text->replace(found, path.size(), name);
  return problem;
}

/// The next step of a file that has a piece.
result<read_step> following_reader::read_piece(std::size_t at) {
  auto& of = *files_[at];
  if (!of.from) SLUICE_TRY(open_piece(of));
  while (static_cast<std::size_t>(of.at.inner) < of.splits.size()) {
    auto piece = of.splits[static_cast<std::size_t>(of.at.inner)];
    piece.id = of.piece.id;
    if (!of.reader) {
      SLUICE_ASSIGN(of.reader, of.from->open(piece, of.at.inside));
    }
    SLUICE_ASSIGN(auto step, of.reader->next());
    SLUICE_TRY(place(step, of));
    SLUICE_TRY(name_file(step, of));
    of.at.inside = step.position;
    if (std::exchange(step.end, false)) {
      ++of.at.inner;
      of.at.inside.clear();
      of.reader.reset();
    }
    const bool over = static_cast<std::size_t>(of.at.inner) == of.splits.size();
    if (over) SLUICE_TRY(end_piece(of));
    // A step without records would say that there is nothing more.
    if (step.records == 0 && !over) continue;
    step.position = of.at.to_position();
    step.split = of.piece.id;
    return step;
  }
  SLUICE_TRY(end_piece(of));
  return nothing_new(of);
}

/// Counts places from the begin of the file.
status following_reader::place(read_step& step, const one_file& of) const {
  const auto base = of.splits[static_cast<std::size_t>(of.at.inner)].begin;
  for (auto& record : step.rejected) record.offset += static_cast<std::uint64_t>(base);
  if (!step.rows.positions || base == 0) return {};
  const auto& before = *step.rows.positions;
  SLUICE_ASSIGN(step.rows.positions, make_positions(before.length(), [&](std::int64_t row) {
                  auto made = position_at(before, row);
                  made.offset += base;
                  return made;
                }));
  return {};
}

/// Puts the name of the file into the columns that show its path.
status following_reader::name_file(read_step& step, const one_file& of) const {
  const auto& metadata = what_->unit.definition.metadata;
  if (!step.rows.data || !metadata.is_object()) return {};
  for (const auto& [name, kind] : metadata.items()) {
    const auto at = kind == "path" ? step.rows.data->schema()->GetFieldIndex(name) : -1;
    if (at < 0) continue;
    SLUICE_ASSIGN(const auto names, path_values(of.file->name(), step.rows.data->num_rows()));
    SLUICE_ASSIGN_ARROW(step.rows.data, step.rows.data->SetColumn(at, step.rows.data->schema()->field(at), names),
                        "show the names of files");
  }
  return {};
}

status following_reader::end_piece(one_file& of) {
  of.from.reset();
  of.splits.clear();
  auto& at = of.at;
  at.begin = at.end;
  at.inner = 0;
  at.inside.clear();
  SLUICE_ASSIGN(at.tail, of.file->hash_before(at.begin));
  if (at.head_bytes < marked_bytes) {
    at.head_bytes = std::min(at.begin, marked_bytes);
    SLUICE_ASSIGN(at.head, of.file->hash_of_head(at.head_bytes));
  }
  return {};
}

read_step following_reader::nothing_new(one_file& of) {
  of.told = true;
  read_step step;
  step.split = of.piece.id;
  step.position = of.at.to_position();
  return step;
}

read_step following_reader::end_of(std::size_t at) {
  auto one = std::move(files_[at]);
  files_.erase(files_.begin() + static_cast<std::ptrdiff_t>(at));
  turn_ = silent_ = 0;
  one->at.removed = true;
  auto step = nothing_new(*one);
  step.end = true;
  what_->files->forget(one->piece.id);
  return step;
}

}  // namespace sluice
