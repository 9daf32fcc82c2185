#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sluice::http {

struct post_request {
  std::string url;
  std::vector<std::string> headers;  ///< "name: value"
  std::string body;
  std::chrono::milliseconds limit{15'000};
  bool allow_private = false;
};

struct post_answer {
  long status = 0;      ///< 0: there was no answer
  std::string body;     ///< its beginning
  std::string problem;  ///< why there was none; empty where there was one
  std::optional<std::chrono::microseconds> retry_after;
  std::vector<std::string> steps;  ///< what happened on the way, with times
};

/// Posts over HTTP and HTTPS by libcurl. Redirects are not followed; certificates are checked. An address that is not
/// public is refused when the connection is made, whatever the name was, unless the request allows it; where a proxy of
/// the environment is used, the name is looked up before. Thread-safe; keeps connections open between calls.
class poster {
 public:
  poster();
  ~poster();
  poster(const poster&) = delete;
  poster& operator=(const poster&) = delete;

  post_answer post(const post_request& what);
  /// Ends calls under way soon, and all later ones.
  void interrupt() noexcept { stopped_ = true; }

 private:
  struct handle;
  std::unique_ptr<handle> take();
  void give_back(std::unique_ptr<handle> one);

  std::mutex lock_;
  std::vector<std::unique_ptr<handle>> free_;
  std::atomic<bool> stopped_ = false;
};

/// The error of a URL that can't be posted to, or empty.
std::string problem_of_url(const std::string& url);

}  // namespace sluice::http
