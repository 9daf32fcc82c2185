// What goes out: times of retries, signatures, templates, mails, addresses.
#include "engine/clients/http/post.hpp"
#include "engine/clients/http/private_address.hpp"
#include "engine/clients/smtp/send.hpp"
#include "engine/notify/channels.hpp"
#include "engine/notify/mail_text.hpp"
#include "engine/notify/message_template.hpp"
#include "engine/notify/retry.hpp"
#include "engine/notify/signature.hpp"
#include "engine/notify/wording.hpp"
#include "engine/secrets/known_secrets.hpp"

#include <arpa/inet.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <sstream>

using namespace sluice;
using namespace sluice::notify;

namespace {

constexpr std::int64_t second = 1'000'000;

notice failure() {
  notice made;
  made.id = "0190a3f2-1b2c-7abc-8000-000000000001/7";
  made.kind = "event";
  made.pipeline = "daily";
  made.rule = "oncall";
  made.channel = "pager";
  made.time = 1'714'540'509 * second;
  store::event event;
  event.id = made.id;
  event.run = "0190a3f2-1b2c-7abc-8000-000000000001";
  event.sequence = 7;
  event.type = "run.failed";
  event.time = made.time;
  event.pipeline = "daily";
  event.owner = "data@shop.example";
  event.data =
      options{{"cause", {{"code", "disk_full"}, {"message", "no room <here> & \"there\""}, {"where", "unit out"}}}};
  made.events.push_back(event);
  return made;
}

bool is_private_text(const char* text) {
  sockaddr_in four = {};
  four.sin_family = AF_INET;
  if (inet_pton(AF_INET, text, &four.sin_addr) == 1) return http::is_private(reinterpret_cast<const sockaddr&>(four));
  sockaddr_in6 six = {};
  six.sin6_family = AF_INET6;
  REQUIRE(inet_pton(AF_INET6, text, &six.sin6_addr) == 1);
  return http::is_private(reinterpret_cast<const sockaddr&>(six));
}

diagnostics faults_of(const char* kind, const options& own) {
  diagnostics faults;
  (void)make_subscriber(kind, {.own = own, .base_folder = "/"}, faults);
  return faults;
}

}  // namespace

TEST_CASE("retries come after about 5 s, 5 min, 30 min, 2 h, 5 h and 10 h, and then every 10 h") {
  const std::vector<std::int64_t> about = {5, 300, 1800, 7200, 18000, 36000, 36000, 36000};
  for (std::size_t at = 0; at < about.size(); ++at)
    for (std::uint64_t random = 0; random < 5000; random += 7) {
      const auto pause = pause_before_retry(static_cast<std::int64_t>(at) + 1, random);
      CHECK(pause >= about[at] * second * 9 / 10);
      CHECK(pause <= about[at] * second * 11 / 10);
    }
  CHECK(pause_before_retry(1, 0) != pause_before_retry(1, 2000));
}

TEST_CASE("a receiver is never asked earlier than it wants, within a day") {
  for (std::uint64_t random = 0; random < 5000; random += 7) {
    CHECK(pause_before_retry(1, random, 120 * second) >= 120 * second);
    CHECK(pause_before_retry(1, random, 120 * second) <= 132 * second);
  }
  CHECK(pause_before_retry(5, 1000, 0) == second);
  CHECK(pause_before_retry(1, 1000, 1000 * 24 * 3600 * second) == 24 * 3600 * second);
}

TEST_CASE("the signature is that of the Standard Webhooks specification") {
  // The example of the specification's reference libraries.
  const auto key = key_to_sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").value();
  const auto made = signature_of({key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})");
  CHECK(made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  const auto two = signature_of({key, {.bytes = "another key"}}, "a", 1, "b");
  CHECK(std::count(two.begin(), two.end(), ' ') == 1);
}

TEST_CASE("an ed25519 signature is that of other senders of Standard Webhooks, and is checked by the public key") {
  // The vector of Svix, which the specification's example of v1a is.
  const std::string pair = "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
  const std::string seed = "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=";
  const auto* const id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
  const auto* const body = R"({"test": 2432232314})";
  const auto* const wanted =
      "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
  for (const auto& text : {pair, seed})
    CHECK(signature_of({key_to_sign("whsk_" + text).value()}, id, 1614265330, body) == wanted);
  const auto both =
      signature_of({key_to_sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").value(), key_to_sign("whsk_" + pair).value()},
                   id, 1614265330, body);
  CHECK(both.ends_with(std::string(" ") + wanted));
  const auto known = key_to_check("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=").value();
  CHECK(is_signed(known, both, id, 1614265330, body));
  CHECK(is_signed(key_to_check("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").value(), both, id, 1614265330, body));
  CHECK_FALSE(is_signed(known, both, id, 1614265331, body));
  CHECK_FALSE(is_signed(known, both, "other", 1614265330, body));
  CHECK_FALSE(is_signed(known, both.substr(0, both.find(' ')), id, 1614265330, body));
  for (const auto* text : {"", " ", "v1a,", "v1a,AAAA", "v1a,!!"}) CHECK_FALSE(is_signed(known, text, id, 1, body));
}

TEST_CASE("what is no signing key is refused") {
  for (const auto* text : {"", "abc", "whsec_", "whsec_MfKQ", "whsec_!!!!!!!!", "whsec_QUJD", "whsk_QUJD",
                           "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="})
    CHECK(key_to_sign(text).problem().code == "invalid_option");
  CHECK(key_to_sign("whsec_" + std::string(32, 'A')).value().bytes == std::string(24, '\0'));
  // The second half is another key's.
  CHECK(key_to_sign("whsk_" + std::string(86, 'A') + "==").problem().message.find("second half") != std::string::npos);
  for (const auto* text : {"", "whpk_QUJD", "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="})
    CHECK(key_to_check(text).problem().code == "invalid_option");
}

TEST_CASE("addresses that are not public are known in all their forms") {
  for (const auto* text : {"127.0.0.1",
                           "127.8.9.1",
                           "10.0.0.1",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.1.1",
                           "169.254.169.254",
                           "100.64.0.1",
                           "0.0.0.0",
                           "224.0.0.1",
                           "255.255.255.255",
                           "198.18.0.1",
                           "::1",
                           "::",
                           "fe80::1",
                           "fc00::1",
                           "fd12::1",
                           "ff02::1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1",
                           "64:ff9b::7f00:1",
                           "2002:7f00:1::",
                           "2001:db8::1"})
    CHECK(is_private_text(text));
  for (const auto* text :
       {"8.8.8.8", "172.32.0.1", "100.128.0.1", "11.0.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"})
    CHECK_FALSE(is_private_text(text));
  CHECK(http::leads_to_private("localhost"));
  CHECK(http::leads_to_private("metadata.google.internal"));
  CHECK(http::leads_to_private("0x7f.1"));
  CHECK(http::leads_to_private("2130706433"));
  CHECK(http::leads_to_private("[::1]"));
}

TEST_CASE("a request to this machine is refused before a connection is made") {
  http::poster from;
  for (const auto* url : {"http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/", "http://2130706433:1/",
                          "http://0x7f.1:1/", "http://0177.0.0.1:1/", "http://0:1/"}) {
    const auto answer = from.post({.url = url, .headers = {}, .body = "x"});
    CHECK(answer.status == 0);
    CHECK(answer.problem.find("is not public") != std::string::npos);
  }
}

TEST_CASE("templates take values whole or as text, cut them and escape them") {
  const options values = {{"n", 3}, {"t", "a <b> & \"c\""}, {"deep", {{"list", options::array({"x", "y"})}}}};
  CHECK(fill_template(options{{"a", "{{ n }}"}}, values).dump() == R"({"a":3})");
  CHECK(fill_template(options{{"a", "{{n}} of {{ t }}"}}, values).dump() == R"({"a":"3 of a <b> & \"c\""})");
  CHECK(fill_template("{{ t | slack }}", values) == "a &lt;b&gt; &amp; \"c\"");
  CHECK(fill_template("{{ t | 3 }}", values) == "a <...");
  CHECK(fill_template("{{ deep.list.1 }}", values) == "y");
  CHECK(fill_template("{{ deep.list.2 }}", values).is_null());
  CHECK(fill_template("[{{ none.at.all }}]", values) == "[]");
  CHECK(fill_template("{{ open", values) == "{{ open");
}

TEST_CASE("a mail has both parts, a stable id, and no line that data could have made") {
  auto what = failure();
  what.events[0].data["cause"]["message"] = "first\r\nBcc: evil@x.example\r\n\r\nmore \xc3\xa4";
  const auto mail = mail_text(what, "etl@shop.example", {"a@x.example", "b@x.example"});
  CHECK(mail == mail_text(what, "etl@shop.example", {"a@x.example", "b@x.example"}));
  std::istringstream lines(mail);
  std::size_t longest = 0;
  for (std::string line; std::getline(lines, line);) {
    longest = std::max(longest, line.size());
    CHECK(line.find("evil") == std::string::npos);  // in parts it is base64, in the subject encoded
    CHECK(line.ends_with('\r'));
  }
  CHECK(longest <= 100);
  CHECK(mail.find("text/plain") != std::string::npos);
  CHECK(mail.find("text/html") != std::string::npos);
  CHECK(mail.find("Message-ID: <") != std::string::npos);
  auto other = what;
  other.id += "0";
  CHECK(mail_text(other, "etl@shop.example", {"a@x.example"}) != mail);
}

TEST_CASE("addresses of mails that would change the dialogue with the server are refused") {
  CHECK(smtp::is_address("data@shop.example"));
  for (const auto* text : {"", "a", "@x", "a@", "a@b@c", "a b@x", "a@x\r\nRCPT TO:<evil@x>", "<a@x>", "a@x,b@x"})
    CHECK_FALSE(smtp::is_address(text));
  const auto faults = faults_of(
      "email", {{"to", options::array({"a@x.example\r\nRCPT TO:<evil@x>"})}, {"server", "smtp://mail.x.example:587"}});
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].path == "/email/to");
}

TEST_CASE("channels refuse options that can't work") {
  CHECK(faults_of("webhook", {{"url", "ftp://x.example"}}).front().path == "/webhook/url");
  CHECK(faults_of("webhook", {{"url", "https://x.example"}, {"template", "none.json"}}).front().path ==
        "/webhook/template");
  CHECK(faults_of("webhook", {{"url", "https://x.example"}, {"template", "pagerduty"}}).size() == 1);
  CHECK(faults_of("webhook", {{"url", "https://x.example"}, {"signing_key", options::array({"x"})}}).size() == 1);
  CHECK(faults_of("webhook", {{"url", secrets::reference_to("hook")}}).empty());
  CHECK(faults_of("email", {{"to", options::array()}, {"server", "mail.x.example"}}).size() >= 2);
  CHECK(faults_of("command", options::array()).size() == 1);
  CHECK(faults_of("file", "").size() == 1);
}

TEST_CASE("a person on call reads what happened, where, the cause and what to do") {
  const auto what = failure();
  CHECK(title_of(what) == "daily failed: disk_full: no room <here> & \"there\"");
  const auto text = text_of(what);
  for (const auto* part :
       {"Pipeline: daily", "Time: 2024-05-01 05:15:09 UTC", "Where: unit out",
        "Look at it: sluice status 0190a3f2-1b2c-7abc-8000-000000000001", "Owner: data@shop.example"})
    CHECK(text.find(part) != std::string::npos);
  auto over = what;
  over.kind = "resolved";
  CHECK(title_of(over) == "Resolved: daily failed");
  CHECK(severity_of(over) == "info");
}

TEST_CASE("the bodies for Slack, Teams and PagerDuty hold the failure") {
  const auto what = failure();
  const options values = {{"title", title_of(what)},
                          {"text", text_of(what)},
                          {"severity", "error"},
                          {"facts", options::array({{{"title", "a"}, {"value", "b"}}})},
                          {"action", "trigger"},
                          {"episode", "e"},
                          {"routing_key", "k"},
                          {"pipeline", "daily"},
                          {"time", "t"},
                          {"details", options::object()}};
  const auto slack = fill_template(shipped_template("slack"), values);
  CHECK(slack["text"] == "daily failed: disk_full: no room &lt;here&gt; &amp; \"there\"");
  CHECK(slack["blocks"][0]["text"]["text"].text().starts_with("*daily failed"));
  const auto teams = fill_template(shipped_template("teams"), values);
  CHECK(teams["attachments"][0]["content"]["body"][1]["facts"][0]["value"] == "b");
  const auto pagerduty = fill_template(shipped_template("pagerduty"), values);
  CHECK(pagerduty["payload"]["source"] == "sluice/daily");
  CHECK(pagerduty["event_action"] == "trigger");
  CHECK(shipped_template("irc").is_null());
}
