#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"
#include "engine/store/deliveries.hpp"

#include <string>
#include <vector>

namespace sluice::notify {

/// What became of a message that was sent only to see whether a channel works.
struct channel_test {
  std::string pipeline = {};
  std::string channel = {};
  bool delivered = false;
  std::string answer = {};
  std::vector<std::string> steps = {};  ///< what happened on the way
  double seconds = 0;
};
/// channel, pipeline, delivered, answer, steps, seconds.
options to_json(const channel_test& what);

/// A channel as a subscription has it.
struct known_channel {
  std::string pipeline;
  std::string name;
  options what;
};
/// Finds a channel by name among those of rules; `pipeline` empty: of any. Errors: unknown_channel; bad_arguments,
/// where several pipelines have one.
result<known_channel> find_channel(const std::vector<store::subscription>& among, const std::string& pipeline,
                                   const std::string& name);

/// Sends the message. Blocks, for `delivery_limit` at most. Errors: those of making the channel.
result<channel_test> test_channel(const known_channel& what);
/// The same with a channel that the Store knows; one that was disabled and answers now is used again.
result<channel_test> test_channel(store::store& in, const std::string& pipeline, const std::string& name);

}  // namespace sluice::notify
