#include "engine/clients/rabbitmq/server.hpp"
#include "engine/notify/channels.hpp"
#include "engine/sources/rabbitmq/remembered_ids.hpp"

#include <catch2/catch.hpp>

using namespace sluice;

TEST_CASE("an address of RabbitMQ is read as its specification says") {
  const auto full = rabbitmq::parse_url("amqps://us%40er:p%3Aw%2Fd@broker.example:5673/my%2Fhost");
  REQUIRE(full.ok());
  CHECK(full->tls);
  CHECK(full->user == "us@er");
  CHECK(full->password == "p:w/d");
  CHECK(full->host == "broker.example");
  CHECK(full->port == 5673);
  CHECK(full->vhost == "my/host");
  CHECK(full->shown() == "broker.example:5673/my/host");
  const auto bare = rabbitmq::parse_url("amqp://[::1]");
  REQUIRE(bare.ok());
  CHECK(bare->host == "::1");
  CHECK(bare->port == 5672);
  CHECK(bare->vhost == "/");
  CHECK(bare->user == "guest");
  for (const std::string bad : {"http://h", "amqp://", "amqp://h:0", "amqp://h:x", "amqp://u:secret%zz@h",
                                "amqp://h/a/b", "amqp://h?heartbeat=1", "amqp://[::1"}) {
    INFO(bad);
    const auto read = rabbitmq::parse_url(bad);
    REQUIRE_FALSE(read.ok());
    CHECK(read.problem().code == "invalid_option");
    CHECK(read.problem().message.find("secret") == std::string::npos);
  }
}

TEST_CASE("an id is known until its window has passed and its message is settled") {
  remembered_ids ids(600);
  CHECK(ids.add("a", 1, 1000));
  CHECK(ids.add("b", 2, 1001));
  CHECK_FALSE(ids.add("a", 3, 1002));
  ids.settled(2, 1700);
  // Message 3 may still come again, and "a" with it.
  CHECK_FALSE(ids.add("a", 4, 5000));
  CHECK(ids.add("b", 5, 5000));
  ids.settled(5, 5001);
  CHECK_FALSE(ids.add("b", 6, 5500));
  CHECK(ids.add("a", 7, 5700));
}

TEST_CASE("another process knows the ids up to the number of a checkpoint") {
  remembered_ids ids(600);
  for (int i = 1; i <= 10; ++i) CHECK(ids.add("m" + std::to_string(i), static_cast<std::uint64_t>(i), 1000));
  remembered_ids later(600);
  REQUIRE(later.restore(ids.upto(7), 7, 2000).ok());
  CHECK_FALSE(later.add("m7", 8, 2001));
  CHECK(later.add("m8", 9, 2001));
  CHECK_FALSE(later.restore("cut", 7, 2000).ok());
}

TEST_CASE("a channel of RabbitMQ needs somewhere to write to") {
  diagnostics faults;
  CHECK(make_subscriber("rabbitmq", {.own = {{"url", "amqp://h"}}, .base_folder = ""}, faults) == nullptr);
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].code == "missing_key");
  faults.clear();
  CHECK(make_subscriber("rabbitmq", {.own = {{"url", "amqp://h"}, {"exchange", "e"}}, .base_folder = ""}, faults) !=
        nullptr);
  CHECK(faults.empty());
}
