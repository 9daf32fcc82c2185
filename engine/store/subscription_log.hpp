#pragma once

#include "engine/store/deliveries.hpp"
#include "engine/store/store.hpp"

#include <string>
#include <vector>

namespace sluice::store {

/// Stands for the pipeline in subscriptions to everything: events of all pipelines, and those that belong to none.
inline constexpr const char* every_pipeline = "*";

/// What is done with single subscriptions, beside those of a pipeline's file. Calls block; thread-safe.
class subscription_log {
 public:
  virtual ~subscription_log() = default;
  /// Puts one subscription in the place of the one with its id, beside the others of its pipeline; keeps its mark.
  virtual status put_subscription(const subscription& one) = 0;
  /// Ends one behind the newest event; false where there is none that goes on.
  virtual result<bool> end_subscription(const std::string& id) = 0;
  /// Adds messages that are to be sent once more, whoever works on the subscription, and the event that tells of it
  /// (without a run; given back as written). Error: unknown_subscription, where there is none that goes on.
  virtual result<std::vector<event>> replay(const std::string& id, std::vector<delivery> made, event told) = 0;
};

/// Of the Store that has the deliveries; lives as long as it.
subscription_log& subscriptions_of(store& in);

}  // namespace sluice::store
