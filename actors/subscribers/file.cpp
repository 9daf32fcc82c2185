#include "actors/subscribers/file.hpp"

#include "engine/files/private_files.hpp"
#include "engine/secrets/mask.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace sluice::actors {

namespace {

class event_file {
 public:
  event_file(std::string path, std::shared_ptr<store::store> from) : path_(std::move(path)), store_(std::move(from)) {}
  ~event_file() {
    if (file_ >= 0) ::close(file_);
  }
  event_file(const event_file&) = delete;
  event_file& operator=(const event_file&) = delete;

  result<std::int64_t> place(std::int64_t kept) {
    SLUICE_TRY(open());
    return last_ > 0 ? last_ : kept;
  }

  status append(const store::event& what) {
    SLUICE_TRY(open());
    if (what.cursor != 0 && what.cursor <= last_) return {};
    SLUICE_TRY(write(secrets::masked(store::cloud_event(what)).dump() + "\n"));
    last_ = what.cursor;
    return {};
  }

 private:
  status open() {
    if (file_ >= 0) return {};
    SLUICE_TRY(make_private_folder(std::filesystem::path(path_).parent_path().string()));
    SLUICE_ASSIGN(file_, open_private_file(path_, O_RDWR | O_APPEND));
    auto done = take_over();
    if (!done.ok()) close();
    return done;
  }

  status take_over() {
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return from_errno(errno, "lock " + path_);
      return external_error("file_locked", "another process already writes the events to " + path_,
                            "nothing: the other process does it", true);
    }
    SLUICE_ASSIGN(const auto line, last_line());
    const auto json = options::try_parse(line).value_or(options());
    last_ = 0;
    if (!json.is_object() || !json.contains("data") || !json["data"].is_object()) return {};
    const auto cursor = json["data"].value("cursor", std::int64_t{0});
    if (cursor <= 0) return {};
    SLUICE_ASSIGN(const auto same, store_->events(cursor - 1, "", 1));
    if (!same.empty() && same.front().cursor == cursor && same.front().id == json.value("id", "")) last_ = cursor;
    return {};
  }

  /// The last whole line; what stands behind it is cut off.
  result<std::string> last_line() {
    struct stat about {};
    if (::fstat(file_, &about) != 0) return from_errno(errno, "look at " + path_);
    std::string tail;
    auto begin = std::int64_t{about.st_size};
    std::size_t end = std::string::npos;
    while (begin > 0) {
      const auto size = std::min<std::int64_t>(begin, 64 * 1024);
      begin -= size;
      std::string piece(static_cast<std::size_t>(size), '\0');
      if (::pread(file_, piece.data(), piece.size(), begin) != size) return from_errno(errno, "read " + path_);
      tail.insert(0, piece);
      end = tail.rfind('\n');
      if (end != std::string::npos && end > 0 && tail.rfind('\n', end - 1) != std::string::npos) break;
    }
    const auto whole = end == std::string::npos ? begin : begin + static_cast<std::int64_t>(end) + 1;
    if (whole < about.st_size && ::ftruncate(file_, whole) != 0) return from_errno(errno, "write to " + path_);
    if (end == std::string::npos) return std::string();
    const auto before = end == 0 ? std::string::npos : tail.rfind('\n', end - 1);
    const auto first = before == std::string::npos ? 0 : before + 1;
    return tail.substr(first, end - first);
  }

  status write(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const auto wrote = ::write(file_, text.data() + at, text.size() - at);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) {
        const auto problem = from_errno(errno, "write to " + path_);
        close();
        return problem;
      }
      at += static_cast<std::size_t>(wrote);
    }
    return {};
  }

  void close() {
    ::close(file_);
    file_ = -1;
  }

  std::string path_;
  std::shared_ptr<store::store> store_;
  std::int64_t last_ = 0;  ///< cursor of the file's last event
  int file_ = -1;
};

}  // namespace

subscriber_functions file_subscriber(const std::string& path, std::shared_ptr<store::store> from) {
  const auto file = std::make_shared<event_file>(path, std::move(from));
  subscriber_functions made([file](const store::event& what) { return file->append(what); });
  made.place = [file](std::int64_t kept) { return file->place(kept); };
  return made;
}

}  // namespace sluice::actors
