#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::app {

/// What an engine's process leaves behind however it dies: memory that it shares with its parent. Made before the fork;
/// the child writes on one thread, the parent reads when the child is dead.
class black_box {
 public:
  black_box();
  ~black_box();
  black_box(const black_box&) = delete;
  black_box& operator=(const black_box&) = delete;

  /// Keeps a line of the log; the last ones stay, long ones are cut.
  void line(std::string_view text);
  /// The last lines, oldest first.
  [[nodiscard]] std::vector<std::string> lines() const;
  /// Notes the cursor of the last event that was printed.
  void told(std::int64_t cursor);
  [[nodiscard]] std::int64_t told() const;

 private:
  struct content;
  content* content_;  ///< null where there is no memory for it: nothing is kept
};

}  // namespace sluice::app
