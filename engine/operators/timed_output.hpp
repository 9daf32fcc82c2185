#pragma once

#include "engine/operators/binding.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace sluice {

/// A transform with one output whose event time is in another column than the one of that name in input 0.
class timed_output : public single_output {
 public:
  [[nodiscard]] const std::vector<output_port>& outputs() const override {
    return ports_.empty() ? single_output::outputs() : ports_;
  }
  void set_time(std::optional<event_time> time) {
    ports_ = single_output::outputs();
    ports_.front().time = std::move(time);
  }

 protected:
  using single_output::single_output;

 private:
  std::vector<output_port> ports_;
};

}  // namespace sluice
