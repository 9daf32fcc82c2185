#include "cluster/audit_log.hpp"

#include "cluster/error_answer.hpp"
#include "cluster/process.hpp"
#include "engine/files/private_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::cluster {

namespace {
/// While the disk hangs; what comes beyond goes to the log.
constexpr std::size_t most_waiting = 10'000;
}  // namespace

audit_log::audit_log(const std::string& state_folder)
    : path_(state_folder + "/audit.ndjson"), thread_([this] { work(); }) {}

audit_log::~audit_log() {
  {
    const std::lock_guard guard(lock_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
  if (file_ >= 0) ::close(file_);
}

void audit_log::write(const audit_entry& what) {
  options line = {{"time", what.time},     {"who", what.who},   {"role", what.role},    {"from", what.from},
                  {"method", what.method}, {"path", what.path}, {"status", what.status}};
  if (!what.run.empty()) line["run"] = what.run;
  auto text = json_text(line);
  {
    const std::lock_guard guard(lock_);
    if (waiting_.size() < most_waiting) {
      waiting_.push_back(std::move(text));
      text.clear();
    }
  }
  if (!text.empty()) return log_line("not in " + path_ + ": " + text);
  changed_.notify_all();
}

void audit_log::work() {
  std::unique_lock guard(lock_);
  for (;;) {
    changed_.wait(guard, [&] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const auto text = std::move(waiting_.front());
    waiting_.pop_front();
    guard.unlock();
    append(text);
    guard.lock();
  }
}

void audit_log::append(const std::string& text) {
  // Who rotates logs may have moved it away.
  struct stat there {};
  struct stat ours {};
  if (file_ >= 0 && (::stat(path_.c_str(), &there) != 0 || ::fstat(file_, &ours) != 0 || there.st_ino != ours.st_ino)) {
    ::close(file_);
    file_ = -1;
  }
  if (file_ < 0) {
    const auto opened = open_private_file(path_, O_WRONLY | O_APPEND);
    if (opened.ok()) file_ = *opened;
  }
  const auto line = text + "\n";
  if (file_ < 0 || ::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    log_line("not in " + path_ + ": " + text);
}

}  // namespace sluice::cluster
