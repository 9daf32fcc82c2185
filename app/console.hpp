#pragma once

#include "engine/error/error.hpp"

#include <string>
#include <string_view>

namespace sluice::app {

enum class style { plain, bold, dim, red, green, yellow, cyan };

/// Is the command's two streams: stdout for data and answers, stderr for progress, tables and logs.
///
/// Nothing is printed with anything else, so that a closed pipe ends quietly and colours appear only where they are
/// seen. Not thread-safe: only the command's own thread writes.
class console {
 public:
  /// Looks at the two streams, NO_COLOR, TERM and the locale.
  console();

  /// Adds to stdout (buffered). Returns false once the reader has gone: nothing more is worth making.
  bool out(std::string_view text);
  /// Adds to stdout with a line break and writes it at once, for streams that somebody follows.
  bool line(std::string_view text);
  /// Adds text to stdout, its lines broken between words where a terminal is narrower.
  bool prose(std::string_view text);
  /// Writes text to stderr at once, its lines broken as those of `prose`; failures there have nobody to be told to.
  void note(std::string_view text);
  /// Writes to stderr as it is: JSON, and what moves the cursor.
  void note_as_it_is(std::string_view text);
  /// Writes what is buffered. An error means that an answer was lost (disk full); a closed pipe is none.
  status flush();

  [[nodiscard]] bool out_is_terminal() const { return out_is_terminal_; }
  [[nodiscard]] bool err_is_terminal() const { return err_is_terminal_; }
  [[nodiscard]] bool unicode() const { return unicode_; }
  /// True where stderr is a terminal that knows escape sequences, so that lines can be drawn again.
  [[nodiscard]] bool can_redraw() const { return err_is_terminal_ && !dumb_; }
  [[nodiscard]] bool color_out() const { return color_ && out_is_terminal_; }
  [[nodiscard]] bool color_err() const { return color_ && err_is_terminal_; }
  /// Columns of the terminal behind stdout or stderr; a wide number where there is none. Asked anew at each call.
  [[nodiscard]] int out_width() const;
  [[nodiscard]] int err_width() const;

 private:
  bool out_is_terminal_;
  bool err_is_terminal_;
  bool dumb_;  ///< TERM is `dumb` or not set
  bool color_;
  bool unicode_;
  bool closed_ = false;
  int failure_ = 0;  ///< errno of the first write that failed otherwise
  std::string buffer_;
};

/// Wraps text in a colour where `color` says so.
std::string paint(std::string_view text, style how, bool color);

}  // namespace sluice::app
