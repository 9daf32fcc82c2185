#include "engine/component/interruption.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace sluice {

interruption::interruption() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

interruption::~interruption() {
  if (event_ >= 0) ::close(event_);
}

void interruption::raise() noexcept {
  raised_ = true;
  const std::uint64_t one = 1;
  if (event_ >= 0) (void)!::write(event_, &one, sizeof one);
}

bool interruption::sleep_until(std::chrono::steady_clock::time_point when) noexcept {
  while (!raised_) {
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(when - std::chrono::steady_clock::now());
    if (left.count() <= 0) return true;
    const auto seconds = std::min<std::int64_t>(left.count() / 1'000'000'000, 3600);
    const timespec time = {.tv_sec = seconds, .tv_nsec = seconds == 3600 ? 0 : left.count() % 1'000'000'000};
    pollfd event = {.fd = event_, .events = POLLIN, .revents = 0};
    ::ppoll(&event, event_ >= 0 ? 1 : 0, &time, nullptr);
  }
  return false;
}

bool interruption::wait_readable(int file) noexcept { return wait(file, POLLIN); }
bool interruption::wait_writable(int file) noexcept { return wait(file, POLLOUT); }

bool interruption::wait_readable(int file, std::chrono::steady_clock::time_point until) noexcept {
  while (!raised_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    if (left <= 0) break;
    pollfd both[] = {{.fd = file, .events = POLLIN, .revents = 0}, {.fd = event_, .events = POLLIN, .revents = 0}};
    const int ready = ::poll(both, event_ >= 0 ? 2 : 1, static_cast<int>(std::min<std::int64_t>(left, 3'600'000)));
    if (ready > 0 && both[0].revents != 0) break;
  }
  return !raised_;
}

bool interruption::wait(int file, short events) noexcept {
  while (!raised_) {
    pollfd both[] = {{.fd = file, .events = events, .revents = 0}, {.fd = event_, .events = POLLIN, .revents = 0}};
    const int ready = ::poll(both, event_ >= 0 ? 2 : 1, -1);
    if (ready < 0 && errno != EINTR) return !raised_;
    if (ready > 0 && both[0].revents != 0) return !raised_;
  }
  return false;
}

error interrupted_error(const std::string& doing) {
  return external_error("interrupted", doing + " was stopped", "the run has ended");
}

}  // namespace sluice
