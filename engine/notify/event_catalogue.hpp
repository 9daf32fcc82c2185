#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::notify {

enum class severity { info, warning, error };
[[nodiscard]] std::string_view to_string(severity how_bad);

/// A value that events of a type have in their data, as `when` may name it: data.NAME.
struct event_field {
  std::string_view name;
  std::string_view type;  ///< SQL
  std::string_view help;
};

/// A type of event. The catalogue is the one place that lists them: `sluice help events`, severity, and what `when`
/// knows come from it.
struct event_type {
  std::string_view name;
  severity how_bad = severity::info;
  std::string_view summary;
  std::vector<event_field> fields = {};
};

/// All types, sorted by name.
const std::vector<event_type>& event_types();
/// Null where there is no such type.
const event_type* find_event_type(std::string_view name);
/// Info for a type that is not in the catalogue: one that a newer version has written.
severity severity_of(std::string_view type);
/// What data.NAME may be in `when`: the fields of all types, each name once.
const std::vector<event_field>& event_fields();

}  // namespace sluice::notify
