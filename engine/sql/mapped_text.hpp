#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::sql {

/// A text made of pieces of a statement and of our own, which knows where each byte came from.
class mapped_text {
 public:
  mapped_text() = default;
  /// A text of our own that stands for what begins at `origin`.
  mapped_text(const std::string& text, std::size_t origin) { add(text, origin, false); }

  /// `copied`: the piece stands so in the statement, else all of it stands for the byte at `origin`.
  void add(std::string_view piece, std::size_t origin, bool copied);
  void add(const mapped_text& other);

  [[nodiscard]] const std::string& text() const { return text_; }
  /// The byte of the statement that a byte of the text came from.
  [[nodiscard]] std::size_t origin_of(std::size_t offset) const;

 private:
  struct segment {
    std::size_t at;
    std::size_t origin;
    bool copied;
  };
  std::string text_;
  std::vector<segment> segments_;
};

}  // namespace sluice::sql
