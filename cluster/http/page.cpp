#include "cluster/http/page.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <cctype>

namespace sluice::cluster {

namespace {

/// Trusted types are asked for as well: no script of the page may turn a text into markup.
constexpr const char* content_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

bool is_own_name(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  boost::system::error_code problem;
  const auto address = boost::asio::ip::make_address(name, problem);
  return !problem && address.is_loopback();
}

/// The name in a Host header, without port and brackets.
std::string name_in(const std::string& host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool has_tag(const std::string& tags, std::string_view tag) {
  return tags == "*" || tags.find(tag) != std::string::npos;
}

}  // namespace

std::optional<api_response> page_answer(const api_request& request) {
  if ((request.method != "GET" && request.method != "HEAD") || request.path.size() > 1) return {};
  const std::string name = request.path.empty() || request.path[0].empty() ? "index.html" : request.path[0];
  const auto& files = page_files();
  const auto found = std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.path == name; });
  if (found == files.end()) return {};
  api_response out{.content_type = std::string(found->content_type),
                   .body = std::string(found->body),
                   // The browser asks each time, and gets the file only where it has changed.
                   .headers = {{"Cache-Control", "no-cache"},
                               {"ETag", std::string(found->etag)},
                               {"Content-Security-Policy", content_policy},
                               {"X-Frame-Options", "DENY"},
                               {"Referrer-Policy", "no-referrer"},
                               {"Cross-Origin-Opener-Policy", "same-origin"}},
                   .has_data = false};
  if (has_tag(request.header("if-none-match"), found->etag)) {
    out.status = 304;
    out.body.clear();
  }
  return out;
}

std::optional<api_response> misdirected(const api_request& request) {
  // Only clients that are not browsers leave it out.
  const auto& host = request.header("host");
  if (host.empty() || is_own_name(name_in(host))) return {};
  return api::refuse(421,
                     user_error("wrong_host", "the request is for '" + host.substr(0, 100) + "', not for this machine",
                                "use http://127.0.0.1 or http://localhost with the port of the node"));
}

}  // namespace sluice::cluster
