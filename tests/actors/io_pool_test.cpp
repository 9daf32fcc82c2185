#include "actors/io_pool.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <thread>

using namespace sluice::actors;
using namespace std::chrono_literals;

namespace {

/// Uses the processor for a while, as packing a large batch does.
void be_busy(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until) {
  }
}

}  // namespace

TEST_CASE("a pool that ends waits for calls that work, and for those behind them") {
  auto removed = std::make_shared<std::atomic<bool>>(false);
  {
    const auto pool = std::make_unique<io_pool>();
    pool->run([] { be_busy(300ms); });  // its thread ends at once when the pool does
    std::promise<void> begun;
    pool->run([&begun, removed] {
      begun.set_value();
      be_busy(2500ms);
      *removed = true;
    });
    begun.get_future().wait();
  }
  CHECK(*removed);
}

TEST_CASE("a pool is finished by its owner also where a call holds the last reference to it") {
  auto done = std::make_shared<std::atomic<bool>>(false);
  {
    const finishes_calls owner(std::make_shared<io_pool>());
    std::promise<void> begun;
    owner.pool->run([&begun, done, pool = owner.pool]() mutable {
      begun.set_value();
      be_busy(300ms);
      pool.reset();
      *done = true;
    });
    begun.get_future().wait();
  }
  CHECK(*done);
  std::promise<std::chrono::steady_clock::duration> gone;
  auto alone = std::make_shared<io_pool>();
  auto* const pool = alone.get();
  pool->run([&gone, last = std::move(alone)]() mutable {
    const auto begin = std::chrono::steady_clock::now();
    last.reset();
    gone.set_value(std::chrono::steady_clock::now() - begin);
  });
  CHECK(gone.get_future().get() < 900ms);  // it waits for nobody, least of all for itself
}

TEST_CASE("a pool that ends leaves calls behind that hang") {
  auto release = std::make_shared<std::promise<void>>();
  std::atomic<bool> busy_elsewhere = true;  // what other threads do says nothing about the calls
  std::thread elsewhere([&] {
    while (busy_elsewhere) be_busy(10ms);
  });
  const auto begin = std::chrono::steady_clock::now();
  {
    const auto pool = std::make_unique<io_pool>();
    std::promise<void> begun;
    pool->run([&begun, hanging = std::make_shared<std::future<void>>(release->get_future())] {
      begun.set_value();
      hanging->wait();
    });
    begun.get_future().wait();
  }
  const auto waited = std::chrono::steady_clock::now() - begin;
  CHECK(waited < 20s);
  busy_elsewhere = false;
  elsewhere.join();
  release->set_value();
}
