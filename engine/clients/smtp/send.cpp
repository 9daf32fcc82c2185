#include "engine/clients/smtp/send.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace sluice::smtp {

namespace {

struct reading {
  const std::string* content;
  std::size_t at = 0;
};

std::size_t give_content(char* buffer, std::size_t one, std::size_t count, void* user) {
  auto& from = *static_cast<reading*>(user);
  const auto size = std::min(one * count, from.content->size() - from.at);
  std::memcpy(buffer, from.content->data() + from.at, size);
  from.at += size;
  return size;
}

/// The server's lines; the one that refuses is kept, else the last.
std::size_t take_line(char* data, std::size_t one, std::size_t count, void* user) {
  std::string line(data, one * count);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.pop_back();
  auto& kept = *static_cast<std::string*>(user);
  const auto refuses = [](const std::string& text) { return text.starts_with('4') || text.starts_with('5'); };
  // Behind a refusal the server still says goodbye.
  if (!line.empty() && (refuses(line) || !refuses(kept))) kept = line.substr(0, 500);
  return one * count;
}

int look(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(user)->load() ? 1 : 0;
}

double milliseconds(CURL* of, CURLINFO what) {
  curl_off_t time = 0;
  curl_easy_getinfo(of, what, &time);
  return static_cast<double>(time) / 1000;
}

recipient_answer send_one(CURL* easy, const server& through, const mail& what, const std::string& to,
                          std::chrono::milliseconds limit, const std::atomic<bool>& stopped) {
  recipient_answer made{.to = to};
  std::array<char, CURL_ERROR_SIZE> problem = {};
  reading content{&what.content};
  std::string last_line;
  auto* recipients = curl_slist_append(nullptr, ("<" + to + ">").c_str());
  curl_easy_reset(easy);
  curl_easy_setopt(easy, CURLOPT_URL, through.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
  if (!through.plain) curl_easy_setopt(easy, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
  if (!through.ca.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, through.ca.c_str());
  if (!through.user.empty()) {
    curl_easy_setopt(easy, CURLOPT_USERNAME, through.user.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, through.password.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_MAIL_FROM, ("<" + what.from + ">").c_str());
  curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients);
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_content);
  curl_easy_setopt(easy, CURLOPT_READDATA, &content);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_line);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &last_line);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, look);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&stopped));
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, problem.data());
  const auto outcome = curl_easy_perform(easy);
  long code = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
  if (const auto time = milliseconds(easy, CURLINFO_CONNECT_TIME_T); time > 0)
    made.steps.push_back(fmt::format("{:7.1f} ms  connected", time));
  if (const auto time = milliseconds(easy, CURLINFO_APPCONNECT_TIME_T); time > 0)
    made.steps.push_back(fmt::format("{:7.1f} ms  agreed on TLS, the certificate is good", time));
  made.taken = outcome == CURLE_OK;
  // A refused login (535) is for good too, but not the address's fault.
  made.for_good = outcome == CURLE_SEND_ERROR && code >= 500 && code <= 599;
  made.answer = made.taken || outcome == CURLE_SEND_ERROR || outcome == CURLE_LOGIN_DENIED
                    ? last_line
                    : std::string(problem[0] != '\0' ? problem.data() : curl_easy_strerror(outcome));
  made.steps.push_back(fmt::format("{:7.1f} ms  {}: {}", milliseconds(easy, CURLINFO_TOTAL_TIME_T), to, made.answer));
  curl_slist_free_all(recipients);
  return made;
}

}  // namespace

std::vector<recipient_answer> send(const server& through, const mail& what, const std::atomic<bool>& stopped) {
  static const auto once = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)once;
  using clock = std::chrono::steady_clock;
  const auto end = clock::now() + what.limit;
  std::vector<recipient_answer> answers;
  auto* easy = curl_easy_init();
  for (const auto& to : what.to) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now());
    if (left.count() <= 0 || stopped) {
      answers.push_back({.to = to, .answer = "there was no time left"});
      continue;
    }
    answers.push_back(send_one(easy, through, what, to, left, stopped));
  }
  curl_easy_cleanup(easy);
  return answers;
}

bool is_address(const std::string& text) {
  const auto at = text.find('@');
  if (at == std::string::npos || at == 0 || at + 1 == text.size() || text.find('@', at + 1) != std::string::npos)
    return false;
  return text.size() <= 254 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return c > 0x20 && c != 0x7f && c != '<' && c != '>' && c != ',' && c != ';' && c != '"' && c != '\\';
         });
}

}  // namespace sluice::smtp
