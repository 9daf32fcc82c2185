#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::cluster {

/// Keeps strangers from filling the log: in ten seconds five lines are written, the rest is counted, and the count
/// follows with the next line that is written. Takes the time as an argument.
class refusal_log {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr auto window = std::chrono::seconds(10);
  static constexpr int lines_in_window = 5;

  /// The lines to write for this one: none, itself, or a count and itself.
  std::vector<std::string> take(std::string line, clock::time_point now) {
    std::vector<std::string> out;
    if (written_ == 0 || now - begin_ >= window) {
      if (left_out_ > 0) out.push_back(std::to_string(left_out_) + " more connections or messages were refused");
      begin_ = now;
      written_ = 0;
      left_out_ = 0;
    }
    if (written_ < lines_in_window) {
      ++written_;
      out.push_back(std::move(line));
    } else {
      ++left_out_;
    }
    return out;
  }

 private:
  clock::time_point begin_;
  int written_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace sluice::cluster
