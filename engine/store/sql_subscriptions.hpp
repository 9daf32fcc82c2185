#pragma once

#include "engine/store/deliveries.hpp"

#include <string>
#include <vector>

namespace sluice::store {

class database;

// What `delivery_log` says of subscriptions, each within a transaction of the caller.

status write_subscriptions(database& in, const std::string& pipeline, const std::vector<subscription>& now);
status write_subscription(database& in, const subscription& one);
result<bool> finish_subscription(database& in, const std::string& id);
/// Whether there is a subscription whose rule was not removed.
result<bool> goes_on(database& in, const std::string& id);
/// Forgets how channels did: their trouble may be over.
status forget_channels(database& in, const std::string& pipeline, const std::vector<std::string>& changed);

}  // namespace sluice::store
