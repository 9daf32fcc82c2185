#include "engine/notify/mail_text.hpp"

#include "engine/notify/wording.hpp"
#include "engine/values/base64.hpp"
#include "engine/values/markup.hpp"
#include "engine/values/uuid.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <string_view>

namespace sluice::notify {

namespace {

/// Text of a header line: a line break in it would begin another header.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

/// An unstructured header's value: encoded words (RFC 2047) of at most 75 characters, which hold whole characters.
std::string header_text(const std::string& value) {
  auto text = one_line(value);
  const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80; });
  if (plain && text.size() <= 60) return text;
  std::string made;
  for (std::size_t at = 0; at < text.size();) {
    auto size = std::min<std::size_t>(45, text.size() - at);
    while (at + size < text.size() && size > 1 && (static_cast<unsigned char>(text[at + size]) & 0xc0U) == 0x80U)
      --size;
    made += (made.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + to_base64(text.substr(at, size)) + "?=";
    at += size;
  }
  return made;
}

std::string date_text(std::int64_t microseconds) {
  static constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto seconds = static_cast<std::time_t>(microseconds / 1'000'000);
  std::tm utc = {};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text = {};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %d %02d:%02d:%02d +0000",
                days.at(static_cast<std::size_t>(utc.tm_wday)), utc.tm_mday,
                months.at(static_cast<std::size_t>(utc.tm_mon)), utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                utc.tm_sec);
  return text.data();
}

std::string part(const std::string& boundary, const char* type, const std::string& text) {
  auto made =
      "--" + boundary + "\r\nContent-Type: " + type + "; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
  const auto encoded = to_base64(text);
  for (std::size_t at = 0; at < encoded.size(); at += 76) made += encoded.substr(at, 76) + "\r\n";
  return made;
}

std::string html_page(const notice& what) {
  const auto severity = severity_of(what);
  const char* color = severity == "error" ? "#b00020" : severity == "warning" ? "#8a6100" : "#1b6e3c";
  std::string page = "<!doctype html><html><body style=\"font-family:sans-serif;color:#222\">\n<h2 style=\"color:" +
                     std::string(color) + "\">" + escaped_markup(title_of(what)) + "</h2>\n<table cellpadding=\"4\">\n";
  for (const auto& [label, value] : facts_of(what))
    page +=
        "<tr><td valign=\"top\"><b>" + escaped_markup(label) + "</b></td><td>" + escaped_markup(value) + "</td></tr>\n";
  page += "</table>\n";
  if (what.events.size() > 1) {
    page += "<p>Events:</p>\n<ul>\n";
    for (const auto& one : what.events)
      page += "<li>" + escaped_markup(time_text(one.time) + " " + one.type + " " + one.run) + "</li>\n";
    page += "</ul>\n";
  }
  return page + "<p style=\"color:#666\">Sent by Sluice, rule " + escaped_markup(what.rule) + " of " +
         escaped_markup(what.pipeline) + ".</p>\n</body></html>\n";
}

std::string plain_page(const notice& what) {
  auto page = title_of(what) + "\n\n" + text_of(what) + "\n";
  if (what.events.size() > 1) {
    page += "\nEvents:\n";
    for (const auto& one : what.events) page += "  " + time_text(one.time) + " " + one.type + " " + one.run + "\n";
  }
  return page + "\n-- \nSent by Sluice, rule " + what.rule + " of " + what.pipeline + ".\n";
}

}  // namespace

std::string mail_text(const notice& what, const std::string& from, const std::vector<std::string>& to) {
  const auto identity = uuid_v8(what.pipeline + '\0' + what.rule + '\0' + what.channel + '\0' + what.id);
  const auto boundary = "sluice-" + identity;
  const auto domain = from.substr(from.find('@') + 1);
  std::string receivers;
  for (const auto& one : to) receivers += (receivers.empty() ? "" : ",\r\n ") + one_line(one);
  auto mail = "From: Sluice <" + one_line(from) + ">\r\nTo: " + receivers +
              "\r\nSubject: " + header_text("[" + severity_of(what) + "] " + title_of(what).substr(0, 300)) +
              "\r\nDate: " + date_text(what.time) + "\r\nMessage-ID: <" + identity + "@" + one_line(domain) +
              ">\r\nAuto-Submitted: auto-generated\r\nX-Sluice-Notice: " + one_line(what.id) +
              "\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"" + boundary + "\"\r\n\r\n";
  mail += part(boundary, "text/plain", plain_page(what));
  mail += part(boundary, "text/html", html_page(what));
  return mail + "--" + boundary + "--\r\n";
}

}  // namespace sluice::notify
