#pragma once

#include "engine/notify/condition.hpp"
#include "engine/notify/subscriber.hpp"

#include <memory>
#include <string>

namespace sluice::notify {

/// The kind of the channel that `start:` of a rule makes.
inline constexpr const char* start_kind = "start";
/// The name of that channel: no channel of a user can have it.
std::string start_channel_name(const std::string& pipeline);

/// Values of `start: { params: ... }`: expressions over the event, and over the params of its run as $name.
class start_params {
 public:
  /// `params`: those of the pipeline whose events are looked at. Null where there are faults; each has the path
  /// "/NAME" and an offset.
  static std::shared_ptr<const start_params> bind(const options& texts, const param_types& params, diagnostics& faults);
  /// The values for an event, as texts. Errors: invalid_param, with the name of the param.
  [[nodiscard]] result<options> values(const store::event& what, const options& params) const;

 private:
  options texts_;
  param_types params_;
};

/// Makes the channel that starts a deployed pipeline: `own` has pipeline and params. A message starts one run, whatever
/// becomes of the process meanwhile: the start is in the Store, and the id of its run follows from the message.
result<std::shared_ptr<subscriber>> make_start_channel(const options& own, const param_types& params,
                                                       std::shared_ptr<store::store> in);

}  // namespace sluice::notify
