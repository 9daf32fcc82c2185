#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cluster {

/// Takes server-sent events out of a stream of bytes, however it is cut.
class event_lines {
 public:
  struct event {
    std::int64_t id = 0;
    std::string data;
  };

  /// Adds bytes; gives the events that are complete.
  std::vector<event> take(std::string_view bytes) {
    std::vector<event> whole;
    rest_ += bytes;
    std::size_t begin = 0;
    for (auto end = rest_.find('\n', begin); end != std::string::npos; end = rest_.find('\n', begin)) {
      line(std::string_view(rest_).substr(begin, end - begin), whole);
      begin = end + 1;
    }
    rest_.erase(0, begin);
    return whole;
  }

 private:
  void line(std::string_view text, std::vector<event>& whole) {
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.starts_with("id: ")) {
      std::from_chars(text.data() + 4, text.data() + text.size(), next_.id);
    } else if (text.starts_with("data: ")) {
      if (!next_.data.empty()) next_.data += '\n';
      next_.data += text.substr(6);
    } else if (text.empty() && !next_.data.empty()) {
      whole.push_back(std::move(next_));
      next_ = {};
    }
  }

  std::string rest_;
  event next_;
};

}  // namespace sluice::cluster
