#pragma once

#include "engine/component/component.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What all transforms that decide by event time do with rows that have none or come too late.
namespace sluice::windows {

/// The port of late rows, where somebody reads it.
inline constexpr auto late_port = "late";

/// Adds the fault no_event_time where rows of an input have none; `what` needs them.
bool require_time(const transform_request& request, std::size_t input, const std::string& what, const char* path,
                  diagnostics& faults);

/// Adds the port `late` with the columns of input 0, if a unit reads it.
void add_late_port(const transform_request& request, std::vector<output_port>& outputs);

/// Leaves out rows without an event time, as `on_error` says: null_time. It can't be set to null.
result<batch> with_times(batch in, const event_time& time, on_error policy, emitter& out);

/// Rows came behind the watermark: sends them to `port` if it is read, else (none) to the rejects as late_row. `why`
/// says what could not be done with them.
void give_late(const batch& in, const std::vector<std::int32_t>& rows, const event_time& time, std::optional<int> port,
               std::int64_t watermark, const std::string& why, emitter& out);
/// The late port of a transform with one output beside it.
inline std::optional<int> late_port_of(const std::vector<output_port>& outputs) {
  return outputs.size() > 1 ? std::optional<int>(1) : std::nullopt;
}

}  // namespace sluice::windows
