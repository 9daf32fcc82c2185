#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"
#include "engine/store/store.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// A message as a channel gets it.
struct notice {
  std::string id = {};    ///< stable over tries and processes, without dots
  std::string kind = {};  ///< event, group, resolved, reminder, escalation, heartbeat, test
  std::string pipeline = {};
  std::string rule = {};
  std::string channel = {};
  std::int64_t time = 0;                  ///< when it was made, microseconds since 1970 UTC
  std::vector<store::event> events = {};  ///< that it shows, oldest first; never empty
  std::int64_t count = 1;                 ///< events that it stands for
  options body = {};                      ///< alert, since, group, types and causes, where they are
  std::string replay = {};                ///< which replay sends it once more; empty: it is sent for the first time
  bool again = false;                     ///< of a replay: what it started is to be started once more
  /// Finds the record of a run, for channels that tell more of it than its events; not set in a test of a channel.
  std::function<result<store::run_record>(const std::string& run)> record = {};
};

/// What became of handing a notice over once.
struct delivery_attempt {
  enum class outcome {
    delivered,  ///< the receiver has it
    again,      ///< not now
    disable,    ///< the receiver wants nothing any more
  } what = outcome::again;
  std::string answer = {};                                  ///< its beginning, or why there was none
  std::optional<std::chrono::microseconds> ask_again = {};  ///< what the receiver asked for
  std::vector<std::string> steps = {};                      ///< what happened on the way, for `notify test`
};

/// One channel. Calls block, for `delivery_limit` at most; they may come from several threads at once.
class subscriber {
 public:
  virtual ~subscriber() = default;
  virtual delivery_attempt deliver(const notice& what) = 0;
  /// Lets calls under way end soon.
  virtual void interrupt() noexcept {}
};

/// How long handing over one notice may take.
inline constexpr std::chrono::seconds delivery_limit{15};

struct subscriber_request {
  options own;              ///< secrets filled in; as references where the channel is only checked
  std::string base_folder;  ///< relative paths start here
};

}  // namespace sluice
