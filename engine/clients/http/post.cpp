#include "engine/clients/http/post.hpp"

#include "engine/clients/http/private_address.hpp"
#include "engine/version.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <utility>

namespace sluice::http {

namespace {

constexpr std::size_t kept_body = 1024;

struct curl_start {
  curl_start() { curl_global_init(CURL_GLOBAL_DEFAULT); }
};

/// What the callbacks of one call need.
struct call {
  post_answer answer;
  bool check_address = true;
  bool refused = false;
  const std::atomic<bool>* stopped = nullptr;
};

std::size_t take_body(char* data, std::size_t one, std::size_t count, void* user) {
  auto& body = static_cast<call*>(user)->answer.body;
  const auto size = one * count;
  if (body.size() < kept_body) body.append(data, std::min(size, kept_body - body.size()));
  return size;
}

curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& of = *static_cast<call*>(user);
  if (of.check_address && is_private(address->addr)) {
    of.refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int look(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<call*>(user)->stopped->load() ? 1 : 0;
}

std::optional<std::chrono::microseconds> retry_after(const std::string& text) {
  std::int64_t seconds = 0;
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (problem != std::errc() || stop != text.data() + text.size()) {
    const auto at = curl_getdate(text.c_str(), nullptr);
    if (at < 0) return std::nullopt;
    seconds = static_cast<std::int64_t>(at) - static_cast<std::int64_t>(std::time(nullptr));
  }
  return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, 7 * 24 * 3600));
}

std::size_t take_header(char* data, std::size_t one, std::size_t count, void* user) {
  const auto size = one * count;
  const std::string_view line(data, size);
  constexpr std::string_view wanted = "retry-after:";
  if (line.size() > wanted.size() &&
      std::equal(wanted.begin(), wanted.end(), line.begin(), [](char a, char b) { return a == (b | 0x20); })) {
    auto value = std::string(line.substr(wanted.size()));
    while (!value.empty() && (value.back() == '\r' || value.back() == '\n' || value.back() == ' ')) value.pop_back();
    value.erase(0, value.find_first_not_of(' '));
    static_cast<call*>(user)->answer.retry_after = retry_after(value);
  }
  return size;
}

/// A proxy of the environment, as curl would find it for the URL; empty: none.
std::string proxy_for(const std::string& url) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
  };
  const bool secure = url.starts_with("https:");
  // Upper case HTTP_PROXY is set by any request to a CGI program; nobody reads it.
  for (const auto* name : secure ? std::array{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}
                                 : std::array{"http_proxy", "all_proxy", "ALL_PROXY", ""})
    if (auto found = variable(name); !found.empty()) return found;
  return {};
}

std::string host_of(const std::string& url) {
  auto* parsed = curl_url();
  std::string host;
  char* part = nullptr;
  if (curl_url_set(parsed, CURLUPART_URL, url.c_str(), 0) == CURLUE_OK &&
      curl_url_get(parsed, CURLUPART_HOST, &part, 0) == CURLUE_OK)
    host = part;
  curl_free(part);
  curl_url_cleanup(parsed);
  return host;
}

double milliseconds(CURL* of, CURLINFO what) {
  curl_off_t time = 0;
  curl_easy_getinfo(of, what, &time);
  return static_cast<double>(time) / 1000;
}

void note_steps(CURL* of, const std::string& url, const std::string& proxy, post_answer& answer) {
  char* address = nullptr;
  curl_easy_getinfo(of, CURLINFO_PRIMARY_IP, &address);
  if (!proxy.empty()) answer.steps.push_back("through the proxy of the environment");
  if (const auto time = milliseconds(of, CURLINFO_NAMELOOKUP_TIME_T); time > 0)
    answer.steps.push_back(fmt::format("{:7.1f} ms  found the address of {}{}", time, host_of(url),
                                       address != nullptr && *address != '\0' ? std::string(": ") + address : ""));
  if (const auto time = milliseconds(of, CURLINFO_CONNECT_TIME_T); time > 0)
    answer.steps.push_back(fmt::format("{:7.1f} ms  connected", time));
  if (const auto time = milliseconds(of, CURLINFO_APPCONNECT_TIME_T); time > 0)
    answer.steps.push_back(fmt::format("{:7.1f} ms  agreed on TLS, the certificate is good", time));
  if (const auto time = milliseconds(of, CURLINFO_STARTTRANSFER_TIME_T); time > 0 && answer.status != 0)
    answer.steps.push_back(fmt::format("{:7.1f} ms  answer {}", time, answer.status));
}

}  // namespace

struct poster::handle {
  CURL* easy = curl_easy_init();
  handle() = default;
  ~handle() { curl_easy_cleanup(easy); }
  handle(const handle&) = delete;
  handle& operator=(const handle&) = delete;
};

poster::poster() { static const curl_start once; }
poster::~poster() = default;

std::unique_ptr<poster::handle> poster::take() {
  const std::lock_guard guard(lock_);
  if (free_.empty()) return std::make_unique<handle>();
  auto one = std::move(free_.back());
  free_.pop_back();
  return one;
}

void poster::give_back(std::unique_ptr<handle> one) {
  const std::lock_guard guard(lock_);
  if (free_.size() < 8) free_.push_back(std::move(one));
}

post_answer poster::post(const post_request& what) {
  call of;
  of.stopped = &stopped_;
  const auto proxy = proxy_for(what.url);
  if (!what.allow_private && !proxy.empty() && leads_to_private(host_of(what.url))) {
    of.answer.problem = "the address of " + host_of(what.url) + " is not public";
    return of.answer;
  }
  // Behind a proxy only its own address is seen here.
  of.check_address = !what.allow_private && proxy.empty();
  auto used = take();
  auto* easy = used->easy;
  std::array<char, CURL_ERROR_SIZE> problem = {};
  curl_slist* headers = nullptr;
  for (const auto& header : what.headers) headers = curl_slist_append(headers, header.c_str());
  headers = curl_slist_append(headers, "Expect:");
  curl_easy_reset(easy);
  curl_easy_setopt(easy, CURLOPT_URL, what.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROXY, proxy.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(what.limit.count()));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, (std::string("sluice/") + version()).c_str());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(what.body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, what.body.data());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &of);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &of);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &of);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, look);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &of);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, problem.data());
  const auto outcome = curl_easy_perform(easy);
  if (outcome == CURLE_OK) curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &of.answer.status);
  note_steps(easy, what.url, proxy, of.answer);
  curl_slist_free_all(headers);
  if (outcome == CURLE_OK) {
    give_back(std::move(used));
    return std::move(of.answer);
  }
  // A whole answer that came too late is no answer: the receiver may not have meant it.
  of.answer.problem = of.refused           ? "the address of " + host_of(what.url) + " is not public"
                      : problem[0] != '\0' ? std::string(problem.data())
                                           : std::string(curl_easy_strerror(outcome));
  return std::move(of.answer);
}

std::string problem_of_url(const std::string& url) {
  static const curl_start once;
  auto* parsed = curl_url();
  char* scheme = nullptr;
  std::string problem;
  if (curl_url_set(parsed, CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
    problem = "it must be a URL such as https://hooks.example/abc";
  else if (std::string_view(scheme) != "http" && std::string_view(scheme) != "https")
    problem = "it must begin with https:// or http://";
  curl_free(scheme);
  curl_url_cleanup(parsed);
  return problem;
}

}  // namespace sluice::http
