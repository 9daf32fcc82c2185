#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice::bench {

/// Nanoseconds of a steady clock of this process.
std::int64_t ticks();

/// A first attempt that has reached a receiver, by the event's cursor.
struct arrival {
  std::int64_t rule = 0;
  std::int64_t cursor = 0;
  std::int64_t at = 0;
};

/// Webhook receivers of this process on one loopback port, on a thread of their own. The path says what they do:
/// /ok answers 204, /hang/N never answers, /fail/N answers 500. Requests to /ok are noted when their body is read.
class receivers {
 public:
  receivers();
  ~receivers();
  receivers(const receivers&) = delete;
  receivers& operator=(const receivers&) = delete;

  [[nodiscard]] int port() const;
  [[nodiscard]] std::vector<arrival> taken() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// Reads a stream of server-sent events on a thread of its own, and counts them.
class stream_reader {
 public:
  stream_reader(const std::string& host, int port, const std::string& token);
  ~stream_reader();
  stream_reader(const stream_reader&) = delete;
  stream_reader& operator=(const stream_reader&) = delete;

  [[nodiscard]] std::int64_t events() const;
  /// Cursor of the last one.
  [[nodiscard]] std::int64_t last() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace sluice::bench
