#include "app/console.hpp"

#include "app/prose.hpp"
#include "engine/secrets/mask.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace sluice::app {

namespace {

constexpr std::size_t buffered = 64 * 1024;
constexpr int no_terminal_width = 1 << 20;

/// Writes all of it; gives errno, or 0.
int write_all(int stream, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(stream, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

bool locale_is_utf8() {
  for (const auto* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const auto* value = std::getenv(name);
    if (value == nullptr || *value == 0) continue;
    return strcasestr(value, "utf-8") != nullptr || strcasestr(value, "utf8") != nullptr;
  }
  return false;
}

int width_of(int stream, bool is_terminal) {
  if (!is_terminal) return no_terminal_width;
  winsize size = {};
  if (ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace

console::console() : out_is_terminal_(isatty(STDOUT_FILENO) == 1), err_is_terminal_(isatty(STDERR_FILENO) == 1) {
  const auto* no_color = std::getenv("NO_COLOR");
  const auto* terminal = std::getenv("TERM");
  dumb_ = terminal == nullptr || *terminal == 0 || std::strcmp(terminal, "dumb") == 0;
  color_ = (no_color == nullptr || *no_color == 0) && !dumb_;
  unicode_ = locale_is_utf8();
}

bool console::out(std::string_view text) {
  if (closed_) return false;
  buffer_ += secrets::mask(std::string(text));
  if (buffer_.size() >= buffered) (void)flush();
  return !closed_;
}

bool console::line(std::string_view text) {
  out(text);
  out("\n");
  (void)flush();
  return !closed_;
}

// Masked first: a secret that is broken over two lines would not be known again.
bool console::prose(std::string_view text) { return out(wrapped(secrets::mask(std::string(text)), out_width())); }

void console::note(std::string_view text) { note_as_it_is(wrapped(secrets::mask(std::string(text)), err_width())); }

void console::note_as_it_is(std::string_view text) {
  (void)flush();
  (void)write_all(STDERR_FILENO, secrets::mask(std::string(text)));
}

status console::flush() {
  if (!closed_ && !buffer_.empty()) {
    if (const int failure = write_all(STDOUT_FILENO, buffer_); failure != 0) {
      closed_ = true;
      if (failure != EPIPE) failure_ = failure;
    }
  }
  buffer_.clear();
  if (failure_ != 0) return from_errno(failure_, "write the answer to standard output");
  return {};
}

int console::out_width() const { return width_of(STDOUT_FILENO, out_is_terminal_); }
int console::err_width() const { return width_of(STDERR_FILENO, err_is_terminal_); }

std::string paint(std::string_view text, style how, bool color) {
  if (!color || how == style::plain || text.empty()) return std::string(text);
  const char* code = "";
  switch (how) {
    case style::plain:
      break;
    case style::bold:
      code = "1";
      break;
    case style::dim:
      code = "2";
      break;
    case style::red:
      code = "31;1";
      break;
    case style::green:
      code = "32";
      break;
    case style::yellow:
      code = "33";
      break;
    case style::cyan:
      code = "36";
      break;
  }
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

}  // namespace sluice::app
