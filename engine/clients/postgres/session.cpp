#include "engine/clients/postgres/session.hpp"

#include <chrono>

namespace sluice::postgres {

status session::with_connection(const std::function<status(connection&)>& work) {
  for (;;) {
    status done;
    if (current() == nullptr) {
      held_.reset();
      auto opened = connection::open(url_, stop_);
      if (opened.ok())
        held_ = *std::move(opened);
      else
        done = std::move(opened).problem();
    }
    if (held_) done = work(*held_);
    if (done.ok()) {
      waits_.reset();
      down_.reached();
      return {};
    }
    auto problem = std::move(done).problem();
    // What the server has left of a transaction goes with the connection.
    held_.reset();
    if (!problem.retry || stop_.raised()) return problem;
    down_.failed(problem.message);
    const auto tries = waits_.tried();
    const auto wait = waits_.next();
    if (!wait) {
      if (tries > 0) problem.message += " (after " + std::to_string(tries + 1) + " tries)";
      return problem;
    }
    if (!stop_.sleep_until(std::chrono::steady_clock::now() + *wait))
      return interrupted_error("waiting for the database");
  }
}

}  // namespace sluice::postgres
