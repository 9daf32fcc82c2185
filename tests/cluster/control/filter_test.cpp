#include "cluster/control/filter.hpp"

#include "actors/run/run.hpp"
#include "cluster/control/travelling.hpp"
#include "cluster/node_messages.hpp"
#include "tests/support/message_bytes.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <catch2/catch.hpp>

#include <random>

using namespace sluice;
using namespace sluice::cluster;
using sender = control_filter::sender;

namespace {

std::string number(std::uint64_t value, int bytes) {
  std::string out;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
  return out;
}

constexpr std::uint64_t normal = 0x1000000000000000;

/// A message of CAF's protocol (basp/header.hpp).
std::string basp(int operation, const std::string& payload, std::uint64_t data, std::uint64_t from, std::uint64_t to,
                 int flags = 0) {
  return number(static_cast<std::uint64_t>(operation), 1) + number(0, 2) +
         number(static_cast<std::uint64_t>(flags), 1) + number(payload.size(), 4) + number(data, 8) + number(from, 8) +
         number(to, 8) + payload;
}

std::string node_id() {
  return number(static_cast<std::uint64_t>(caf::atom("default")), 8) + number(7, 4) + std::string(20, 'h');
}
std::string hello_of_acceptor() { return basp(0, node_id() + std::string(12, '\0'), 3, 0, 0); }
std::string hello_of_dialler() { return basp(1, node_id(), 0, 0, 0); }
std::string second_of_dialler() { return basp(1, node_id(), 0, 0, 0, 2); }

/// The payload of a message whose value has no fields.
std::string body(const std::string& type) {
  const auto text = "@<>+" + type;
  std::string length;
  length += static_cast<char>(text.size() < 128 ? text.size() : (text.size() & 127) | 128);
  if (text.size() >= 128) length += static_cast<char>(text.size() >> 7);
  return std::string(1, '\0') + number(0, 2) + length + text;
}
std::string direct(const std::string& type, std::uint64_t data = normal, int flags = 0) {
  return basp(2, body(type), data, 5, 9, flags);
}
const std::string good = "sluice::actors::begin_work";

/// Takes bytes in pieces of `size`; what passes. The status in `how`.
std::string filtered(control_filter& filter, const std::string& bytes, std::size_t size, status& how) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size() && how.ok(); at += size)
    how = filter.take(std::string_view(bytes).substr(at, size), out);
  return out;
}

}  // namespace

TEST_CASE("what nodes say passes unchanged, in pieces of any size") {
  const auto messages = hello_of_dialler() + second_of_dialler() + direct(good) + basp(6, "", 0, 0, 0) +
                        basp(3, node_id() + node_id() + body(good) + std::string(100000, 'x'), normal, 4, 9) +
                        basp(4, node_id() + node_id(), 0, 0, 9) + basp(5, node_id() + node_id() + "why", 0, 9, 0) +
                        direct(good, 0) + direct(good, normal | 17) + direct(good, 0x8000000000000011) +
                        direct("@error", 0x8000000000000011);
  for (const std::size_t size : {1UL, 7UL, 32UL, 33UL, 1000UL, messages.size()}) {
    control_filter filter(sender::dialler);
    status how;
    CHECK(filtered(filter, messages, size, how) == messages);
    CHECK(how.ok());
    CHECK(filter.take_dropped().empty());
  }
  control_filter filter(sender::acceptor);
  status how;
  CHECK_FALSE(filter.has_begun());
  CHECK(filtered(filter, hello_of_acceptor(), 1, how) == hello_of_acceptor());
  CHECK(filter.has_begun());
  CHECK(filtered(filter, direct(good), 1, how) == direct(good));
  CHECK(how.ok());
}

TEST_CASE("messages that stay within a node are dropped and named, and what follows passes") {
  const std::string someone = "@strong_actor_ptr";
  const std::vector<std::pair<std::string, std::string>> foreign = {
      {direct("@exit"), "@exit"},
      {direct("@down"), "@down"},
      {direct("@error"), "@error"},
      {direct("@atom+" + someone), "@atom+"},  // link and unlink
      {direct("@atom+@atom+@str"), "@atom+@atom"},
      {direct("@u64"), "@u64"},
      {direct("sluice::actors::shut_down"), "shut_down"},
      {direct("sluice::actors::cancel_run"), "cancel_run"},
      {direct("sluice::actors::submit_setup"), "submit_setup"},
      {direct("sluice::cluster::stop_node"), "stop_node"},
      {direct(good + "+@str"), good + "+@str"},
      {direct(std::string(150, 'x')), "xxx"},
      {direct(std::string(1000, 'x')), "unknown type"},
      {direct(good, normal, 1), "by its name"},
      {direct(good, 0x2000000000000000), "a stream"},
      {direct(good, 0x3000000000000001), "a stream"},
      {direct("@error", 17), "@error"},  // only in place of an answer
      {basp(2, "\x01" + body(good), normal, 5, 9), "its own route"},
      {basp(2, std::string(1, '\0'), normal, 5, 9), "unknown type"},
      {basp(2, std::string(3, '\0') + "\x7f" + "short", normal, 5, 9), "unknown type"},
      {basp(2, std::string("\0\0\5", 3) + body(good), normal, 5, 9), "unknown type"},
      {basp(3, node_id() + body(good), normal, 5, 9), "unknown kind"},
      {basp(3, std::string(64, 'u') + body(good), normal, 5, 9), "unknown kind"},
      {basp(2, body("@exit") + std::string(3 << 20, 'x'), normal, 5, 9), "@exit"},
  };
  for (const std::size_t size : {1UL, 100UL, 1UL << 24}) {
    control_filter filter(sender::dialler);
    status how;
    CHECK(filtered(filter, hello_of_dialler(), size, how) == hello_of_dialler());
    for (const auto& [message, name] : foreign) {
      if (size == 1 && message.size() > 10000) continue;
      INFO(name);
      CHECK(filtered(filter, message, size, how).empty());
      REQUIRE(how.ok());
      const auto dropped = filter.take_dropped();
      REQUIRE(dropped.size() == 1);
      CHECK(dropped[0].find(name) != std::string::npos);
      CHECK(filtered(filter, direct(good), size, how) == direct(good));
    }
  }
}

TEST_CASE("what breaks CAF or can't be followed ends the connection") {
  const auto header_only = [](int operation, std::uint64_t payload) {
    auto made = basp(operation, "", 0, 1, 1);
    made.replace(4, 4, number(payload, 4));
    return made;
  };
  const std::vector<std::string> at_begin = {
      basp(0, "", 3, 0, 0),  basp(1, "", 3, 0, 0),        basp(1, "", 0, 0, 0),
      hello_of_acceptor(),   second_of_dialler(),         direct(good),
      basp(6, "", 0, 0, 0),  basp(1, node_id(), 0, 1, 0), basp(1, "x", 0, 0, 0),
      header_only(1, 65537), std::string(32, '\xff'),     "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
  };
  for (const auto& bytes : at_begin) {
    control_filter filter(sender::dialler);
    std::string out;
    const auto how = filter.take(bytes, out);
    CHECK_FALSE(how.ok());
    CHECK(out.empty());
  }
  const std::vector<std::string> later = {
      hello_of_acceptor(),
      second_of_dialler() + second_of_dialler(),
      hello_of_dialler(),
      header_only(2, 0),
      header_only(2, most_message_bytes + 1),
      header_only(4, 0),
      header_only(4, 65),
      header_only(5, 0),
      header_only(5, most_handshake_bytes + 1),
      header_only(6, 1),
      header_only(7, 0),
      header_only(255, 0),
      basp(2, body(good), normal, 5, 0),
  };
  for (const auto& bytes : later) {
    control_filter filter(sender::dialler);
    std::string out;
    REQUIRE(filter.take(hello_of_dialler(), out).ok());
    out.clear();
    CHECK_FALSE(filter.take(bytes, out).ok());
  }
  control_filter of_acceptor(sender::acceptor);
  std::string out;
  CHECK_FALSE(of_acceptor.take(hello_of_dialler(), out).ok());
}

TEST_CASE("random changes are passed whole, dropped or refused, and never kept") {
  std::mt19937 random(3);
  const auto plain = hello_of_dialler() + direct(good) + basp(4, node_id() + node_id(), 0, 0, 9) + direct("@exit") +
                     basp(6, "", 0, 0, 0) + direct(good);
  for (int round = 0; round < 50000; ++round) {
    auto bytes = plain;
    for (auto left = 1 + random() % 8; left > 0; --left) bytes[random() % bytes.size()] = static_cast<char>(random());
    control_filter filter(sender::dialler);
    status how;
    const auto out = filtered(filter, bytes, 1 + random() % 64, how);
    CHECK(out.size() <= bytes.size());
    // What passed consists of messages that pass: it is not cut so that another begins within one.
    control_filter again(sender::dialler);
    std::string twice;
    REQUIRE(again.take(out, twice).ok());
    REQUIRE(again.take_dropped().empty());
    REQUIRE(twice == out);
  }
}

TEST_CASE("every message that crosses nodes may travel, and no other that is registered") {
  struct messages_config : caf::actor_system_config {
    messages_config() {
      actors::configure(*this, 1);
      add_message_types<caf::id_block::sluice_cluster>();
      load<caf::io::middleman>();
    }
  };
  using namespace actors;
  // Registered, and only ever sent within a process: a new message belongs here or into travelling.cpp.
  const std::set<std::string> local = {
      caf::type_name<close_rejects>::value,    caf::type_name<sync_rejects>::value,
      caf::type_name<rejects_synced>::value,   caf::type_name<steer_answer>::value,
      caf::type_name<rejects_closed>::value,   caf::type_name<launched>::value,
      caf::type_name<launch_failed>::value,    caf::type_name<wiring>::value,
      caf::type_name<run_progress>::value,     caf::type_name<events_written>::value,
      caf::type_name<subscribe_events>::value, caf::type_name<unsubscribe_events>::value,
      caf::type_name<event_batch>::value,      caf::type_name<events_seen>::value,
      caf::type_name<submitted>::value,        caf::type_name<submission_refused>::value,
      caf::type_name<cancel_run>::value,       caf::type_name<cancel_answer>::value,
      caf::type_name<get_progress>::value,     caf::type_name<list_live_runs>::value,
      caf::type_name<live_runs>::value,        caf::type_name<await_run>::value,
      caf::type_name<actors::shut_down>::value};
  const messages_config config;
  std::size_t seen = 0;
  for (const auto& [name, factory] : config.value_factories_by_name) {
    if (name.find("sluice::") != 0) continue;
    INFO(name);
    CHECK(may_travel(name) != (local.count(name) > 0));
    ++seen;
  }
  CHECK(seen > 50);
  CHECK_FALSE(may_travel("@exit"));
}
