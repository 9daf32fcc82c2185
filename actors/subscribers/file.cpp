#include "actors/subscribers/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>

namespace sluice::actors {

namespace {

class event_file {
 public:
  explicit event_file(std::string path) : path_(std::move(path)) {}
  ~event_file() {
    if (file_ >= 0) ::close(file_);
  }
  event_file(const event_file&) = delete;
  event_file& operator=(const event_file&) = delete;

  status append(const store::event& what) {
    SLUICE_TRY(open());
    return write(store::cloud_event(what).dump() + "\n");
  }

 private:
  status open() {
    if (file_ >= 0) return {};
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file_ < 0) return from_errno(errno, "open " + path_);
    const auto size = ::lseek(file_, 0, SEEK_END);
    char last = '\n';
    if (size > 0 && ::pread(file_, &last, 1, size - 1) == 1 && last != '\n') return write("\n");
    return {};
  }

  status write(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const auto wrote = ::write(file_, text.data() + at, text.size() - at);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) {
        const auto problem = from_errno(errno, "write to " + path_);
        ::close(file_);
        file_ = -1;
        return problem;
      }
      at += static_cast<std::size_t>(wrote);
    }
    return {};
  }

  std::string path_;
  int file_ = -1;
};

}  // namespace

deliver_function file_subscriber(const std::string& path) {
  return [file = std::make_shared<event_file>(path)](const store::event& what) { return file->append(what); };
}

}  // namespace sluice::actors
