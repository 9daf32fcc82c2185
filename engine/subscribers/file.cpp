#include "engine/component/component.hpp"
#include "engine/notify/channels.hpp"
#include "engine/notify/message_form.hpp"
#include "engine/notify/subscriber.hpp"
#include "engine/secrets/known_secrets.hpp"
#include "engine/values/quantities.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>

namespace sluice {

namespace {

struct settings {
  std::string path;
  std::int64_t max_size = 0;
  std::int64_t keep = 5;
  notify::message_form form{options()};
};

/// Appends a line to a file that other processes may write too. A line is whole or not there: what a dead process has
/// left without an end is ended first.
class notice_file final : public subscriber {
 public:
  explicit notice_file(settings how) : how_(std::move(how)) {}

  delivery_attempt deliver(const notice& what) override {
    delivery_attempt made;
    const auto formed = how_.form.form(what);
    if (!formed.ok()) {
      made.answer = formed.problem().message;
      return made;
    }
    if (!*formed) return notify::not_told();
    const auto line = (*formed)->body + "\n";
    const std::lock_guard guard(lock_);
    if (const auto done = append(line); done.ok()) {
      made.what = delivery_attempt::outcome::delivered;
      made.answer = "written to " + how_.path;
    } else {
      made.answer = done.problem().message;
    }
    return made;
  }

 private:
  struct opened {
    int file = -1;
    ~opened() {
      if (file >= 0) ::close(file);
    }
  };

  status append(const std::string& line) {
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(how_.path).parent_path(), ignored);
    while (true) {
      opened held;
      held.file = ::open(how_.path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
      if (held.file < 0) return from_errno(errno, "open " + how_.path);
      if (::flock(held.file, LOCK_EX) != 0) return from_errno(errno, "lock " + how_.path);
      struct stat by_handle = {};
      struct stat by_name = {};
      if (::fstat(held.file, &by_handle) != 0) return from_errno(errno, "look at " + how_.path);
      // Another process has put the file away while this one waited.
      if (::stat(how_.path.c_str(), &by_name) != 0 || by_name.st_ino != by_handle.st_ino) continue;
      const bool full =
          by_handle.st_size > 0 && by_handle.st_size + static_cast<std::int64_t>(line.size()) > how_.max_size;
      if (how_.max_size > 0 && full) {
        SLUICE_TRY(put_away());
        continue;
      }
      return write(held.file, by_handle.st_size, line);
    }
  }

  /// FILE becomes FILE.1, that FILE.2 and so on; the oldest goes.
  status put_away() {
    const auto name = [&](std::int64_t number) { return how_.path + "." + std::to_string(number); };
    for (auto number = how_.keep - 1; number >= 1; --number)
      (void)::rename(name(number).c_str(), name(number + 1).c_str());
    if (how_.keep == 0) {
      if (::unlink(how_.path.c_str()) != 0) return from_errno(errno, "remove " + how_.path);
      return {};
    }
    if (::rename(how_.path.c_str(), name(1).c_str()) != 0) return from_errno(errno, "rename " + how_.path);
    return {};
  }

  status write(int file, std::int64_t size, const std::string& line) {
    char last = '\n';
    if (size > 0 && ::pread(file, &last, 1, size - 1) != 1) return from_errno(errno, "read " + how_.path);
    const auto text = last == '\n' ? line : "\n" + line;
    for (std::size_t at = 0; at < text.size();) {
      const auto wrote = ::write(file, text.data() + at, text.size() - at);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) {
        const auto problem = from_errno(errno, "write to " + how_.path);
        (void)!::ftruncate(file, size);
        return problem;
      }
      at += static_cast<std::size_t>(wrote);
    }
    if (::fdatasync(file) != 0) return from_errno(errno, "write to " + how_.path);
    return {};
  }

  settings how_;
  std::mutex lock_;
};

}  // namespace

std::unique_ptr<subscriber> make_file_subscriber(const subscriber_request& request, diagnostics& faults) {
  settings how;
  const auto& own = request.own;
  const auto path = own.is_string() ? own.text() : own.value("path", "");
  how.path = (std::filesystem::path(request.base_folder) / path).lexically_normal().string();
  if (path.empty()) {
    faults.push_back(user_error("invalid_option", "the path of the file is empty"));
    faults.back().path = "/file";
    return nullptr;
  }
  how.form = notify::message_form(own);
  if (own.is_object()) {
    how.keep = own.value("keep", how.keep);
    if (const auto size = own.value("max_size", ""); !size.empty())
      how.max_size = parse_size(size).ok() ? *parse_size(size) : 0;
    if (how.keep < 0) {
      faults.push_back(user_error("invalid_option", "keep must be 0 or more"));
      faults.back().path = "/file/keep";
      return nullptr;
    }
  }
  return std::make_unique<notice_file>(std::move(how));
}

namespace {

component_spec spec() {
  return {
      .name = "file",
      .kind = component_kind::subscriber,
      .summary = "Appends each notification to a file as a line of JSON",
      .description =
          "Each line is a CloudEvents 1.0 object (or an OpenLineage run event, with `format: openlineage`), on disk "
          "before it counts as delivered. Several processes "
          "may write the same file. With `max_size` a file that would grow above it becomes `FILE.1`, that "
          "`FILE.2` and so on.",
      .value = {.form = shape::one_of,
                .help = "the path, or a map",
                .elements = {{.help = "path of the file"},
                             {.form = shape::object,
                              .help = "path and rotation",
                              .elements =
                                  notify::with_form({{.name = "path", .help = "path of the file", .required = true},
                                                     {.name = "max_size",
                                                      .form = shape::size,
                                                      .help = "begin a new file before this size (default: never)"},
                                                     {.name = "keep",
                                                      .form = shape::integer,
                                                      .help = "files that are kept beside the newest",
                                                      .default_value = 5}},
                                                    false)}}},
      .example = R"yaml(version: 1
pipeline: file-example
extract:
  numbers:
    generate: { rows: 10, columns: { id: sequence } }
load:
  nowhere: { from: numbers, blackhole: {} }
channels:
  log: { file: { path: out/notifications.ndjson, max_size: 10MiB } }
notify:
  - { name: all, to: [log] }
)yaml",
      .promise = delivery::at_least_once,
  };
}

}  // namespace

const component& file_subscriber() {
  static const component made = {.spec = spec()};
  return made;
}

}  // namespace sluice
