#include "engine/sinks/when_down/row_log.hpp"

#include "engine/component/opaque.hpp"
#include "engine/component/options.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sluice::when_down {

namespace fs = std::filesystem;

error damaged_log(const std::string& path, const std::string& what) {
  return external_error("spill_log_damaged", "the rows that wait in " + path + " can't be loaded: " + what,
                        "the disk has damaged the file, or somebody changed it; restore it from a copy and run again");
}

status sync_folder(const std::string& folder) {
  const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return from_errno(errno, "open " + folder);
  const int failure = ::fsync(handle) != 0 ? errno : 0;
  ::close(handle);
  return failure == 0 ? status() : from_errno(failure, "sync " + folder);
}

namespace {

constexpr char logged_rows = 'w';
constexpr std::size_t remembered_runs = 16;

/// "w-000000000042-1000-81236-8c7d...-RUN-7": number, rows, bytes, checksum, run, epoch. A run's id has dashes.
std::string waiting_name(std::uint64_t number, const segment& of) {
  auto digits = std::to_string(number);
  digits.insert(0, 12 - std::min<std::size_t>(12, digits.size()), '0');
  return "w_" + digits + "_" + std::to_string(of.rows) + "_" + std::to_string(of.bytes) + "_" +
         std::to_string(of.checksum) + "_" + of.run + "_" + std::to_string(of.epoch);
}

std::optional<waiting_segment> read_name(const std::string& folder, const std::string& name) {
  if (!name.starts_with("w_")) return std::nullopt;
  std::vector<std::string> parts;
  std::istringstream text(name.substr(2));
  for (std::string part; std::getline(text, part, '_');) parts.push_back(part);
  if (parts.size() != 6) return std::nullopt;
  const auto number = [&](std::size_t at) {
    std::uint64_t value = 0;
    (void)std::from_chars(parts[at].data(), parts[at].data() + parts[at].size(), value);
    return value;
  };
  return waiting_segment{.number = number(0),
                         .path = folder + "/" + name,
                         .rows = number(1),
                         .bytes = static_cast<std::int64_t>(number(2)),
                         .checksum = number(3),
                         .run = parts[4],
                         .epoch = number(5)};
}

result<std::vector<std::string>> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
    names.push_back(at->path().filename().string());
  if (failed) return from_errno(failed.value(), "list " + folder);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string segment::to_token() const {
  return opaque_writer(logged_rows)
      .text(run)
      .number(static_cast<std::int64_t>(epoch))
      .text(file)
      .number(static_cast<std::int64_t>(rows))
      .number(bytes)
      .number(static_cast<std::int64_t>(checksum))
      .take();
}

result<segment> segment::of_token(const std::string& token) {
  opaque_reader from(token, logged_rows);
  segment made;
  made.run = from.text();
  made.epoch = static_cast<std::uint64_t>(from.number());
  made.file = from.text();
  made.rows = static_cast<std::uint64_t>(from.number());
  made.bytes = from.number();
  made.checksum = static_cast<std::uint64_t>(from.number());
  SLUICE_TRY(from.done("the token of rows that wait for their target"));
  return made;
}

status row_log::make(const std::string& run, interruption& stop) {
  std::error_code failed;
  fs::create_directories(folder_, failed);
  if (failed) return from_errno(failed.value(), "make the folder " + folder_);
  SLUICE_ASSIGN(const auto held, lock(stop));
  SLUICE_ASSIGN(auto known, read_notes());
  if (!known.id.empty()) return {};
  known.id = run;
  return write_notes(known);
}

result<publish_lock> row_log::lock(interruption& stop) const { return publish_lock::take(folder_, stop); }

result<row_log::notes> row_log::read_notes() const {
  notes made;
  std::ifstream file(folder_ + "/notes");
  if (!file) return made;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto read = options::try_parse(text);
  if (!read || !read->is_object()) return damaged_log(folder_ + "/notes", "it is not what was written");
  made.id = read->value("id", std::string());
  made.next = read->value("next", std::uint64_t{1});
  made.loaded = read->value("loaded", std::uint64_t{0});
  made.begun = read->value("begun", std::uint64_t{0});
  if (read->contains("admitted"))
    for (const auto& one : (*read)["admitted"])
      made.admitted.emplace_back(one.value("run", std::string()), one.value("epoch", std::uint64_t{0}));
  return made;
}

status row_log::write_notes(const notes& what) const {
  auto admitted = options::array();
  const auto first = what.admitted.size() - std::min(what.admitted.size(), remembered_runs);
  for (auto at = first; at < what.admitted.size(); ++at)
    admitted.push_back({{"run", what.admitted[at].first}, {"epoch", what.admitted[at].second}});
  const auto text = options{{"id", what.id},
                            {"next", what.next},
                            {"loaded", what.loaded},
                            {"begun", what.begun},
                            {"admitted", std::move(admitted)}}
                        .dump();
  const auto path = folder_ + "/notes";
  const auto fresh = path + ".new";
  const int handle = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (handle < 0) return from_errno(errno, "write " + fresh);
  const auto put = ::write(handle, text.data(), text.size());
  int failure = put == static_cast<ssize_t>(text.size()) ? 0 : put < 0 ? errno : ENOSPC;
  if (failure == 0 && ::fsync(handle) != 0) failure = errno;
  ::close(handle);
  if (failure == 0 && ::rename(fresh.c_str(), path.c_str()) != 0) failure = errno;
  if (failure != 0) return from_errno(failure, "write " + path);
  return sync_folder(folder_);
}

result<std::string> row_log::id() const {
  SLUICE_ASSIGN(auto known, read_notes());
  return std::move(known.id);
}

status row_log::begin(const std::string& run) {
  SLUICE_ASSIGN(auto known, read_notes());
  const bool admitted =
      std::any_of(known.admitted.begin(), known.admitted.end(), [&](const auto& one) { return one.first == run; });
  if (admitted) return {};
  SLUICE_ASSIGN(const auto all, waiting());
  known.begun = std::max(known.next, all.empty() ? 0 : all.back().number + 1);
  return write_notes(known);
}

result<std::uint64_t> row_log::begun() const {
  SLUICE_ASSIGN(const auto known, read_notes());
  return known.begun;
}

result<std::uint64_t> row_log::loaded() const {
  SLUICE_ASSIGN(const auto known, read_notes());
  return known.loaded;
}

result<std::vector<waiting_segment>> row_log::waiting() const {
  SLUICE_ASSIGN(const auto names, names_in(folder_));
  SLUICE_ASSIGN(const auto known, read_notes());
  std::vector<waiting_segment> all;
  for (const auto& name : names)
    if (auto one = read_name(folder_, name)) all.push_back(std::move(*one));
  // One that was loaded is still there where its process died before it could be removed.
  std::erase_if(all, [&](const auto& one) {
    if (one.number > known.loaded) return false;
    ::unlink(one.path.c_str());
    return true;
  });
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  return all;
}

status row_log::admit(const segment& what) {
  SLUICE_ASSIGN(auto known, read_notes());
  auto of_run = std::find_if(known.admitted.begin(), known.admitted.end(),
                             [&](const auto& one) { return one.first == what.run; });
  if (of_run != known.admitted.end() && of_run->second >= what.epoch) return {};
  if (!what.file.empty()) {
    SLUICE_ASSIGN(const auto all, waiting());
    const bool moved = std::any_of(all.begin(), all.end(),
                                   [&](const auto& one) { return one.run == what.run && one.epoch == what.epoch; });
    const auto number = std::max(known.next, all.empty() ? 0 : all.back().number + 1);
    const auto from = folder_ + "/" + what.file;
    if (!moved && ::rename(from.c_str(), (folder_ + "/" + waiting_name(number, what)).c_str()) != 0) {
      if (errno == ENOENT)
        return external_error("prepared_lost",
                              "the file " + from + " with " + std::to_string(what.rows) +
                                  " rows that are to be loaded is not there any more",
                              "somebody has removed it; the rows can't be loaded from here");
      return from_errno(errno, "keep the rows in " + from);
    }
    SLUICE_TRY(sync_folder(folder_));
    known.next = moved ? std::max(known.next, all.back().number + 1) : number + 1;
  }
  if (of_run != known.admitted.end()) known.admitted.erase(of_run);
  known.admitted.emplace_back(what.run, what.epoch);
  return write_notes(known);
}

status row_log::done(const waiting_segment& what) {
  SLUICE_ASSIGN(auto known, read_notes());
  known.loaded = std::max(known.loaded, what.number);
  SLUICE_TRY(write_notes(known));
  if (::unlink(what.path.c_str()) != 0 && errno != ENOENT) return from_errno(errno, "remove " + what.path);
  return {};
}

status row_log::discard(const std::string& run, const std::vector<segment>& kept) {
  if (!fs::exists(folder_)) return {};
  SLUICE_ASSIGN(const auto names, names_in(folder_));
  for (const auto& name : names) {
    if (!name.starts_with("s_" + run + "_")) continue;
    if (std::any_of(kept.begin(), kept.end(), [&](const auto& one) { return one.file == name; })) continue;
    ::unlink((folder_ + "/" + name).c_str());
  }
  return {};
}

}  // namespace sluice::when_down
