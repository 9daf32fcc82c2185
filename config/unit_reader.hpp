#pragma once

#include "config/reading.hpp"
#include "engine/component.hpp"
#include "engine/plan/pipeline.hpp"

#include <optional>
#include <vector>

namespace sluice::config {

/// Reads units, the values of `defaults:` merged in.
class unit_reader {
 public:
  /// `defaults` is the section's map or null; its own faults are reported here, once.
  unit_reader(const document& source, diagnostics& faults, const node* defaults);

  /// Reads one entry of extract, transform or load; `faulty` where it has faults.
  unit_definition read(unit_role role, const node& name, const node& value);

 private:
  struct chosen {
    const node* key = nullptr;
    const node* value = nullptr;
    const component* found = nullptr;
  };

  bool read_shared(const reading& in, const node& key, const node& value, unit_definition& unit);
  bool read_source_key(const reading& in, const node& key, const node& value, unit_definition& unit);
  bool read_sink_key(const reading& in, const node& key, const node& value, unit_definition& unit);
  void read_contract(const reading& in, const node& value, unit_definition& unit);
  void read_incremental(const reading& in, const node& value, unit_definition& unit);
  void read_place(const reading& in, const node& value, unit_definition& unit);
  chosen choose(const reading& in, const node& name, const node& value, unit_role role);
  void report_unknown(const reading& in, const node& key, const node& value, unit_role role, bool has_component);
  void read_component(const reading& in, const chosen& by, unit_definition& unit);
  std::optional<options> read_steps(const reading& in, const node& key, const node& value);
  void check_sink(const reading& in, const node& name, const node& value, const component& by, unit_definition& unit);

  const document& source_;
  diagnostics& faults_;
  unit_definition defaults_;
};

/// The keys that may stand beside the component of a unit.
std::vector<std::string> unit_keys(unit_role role);

}  // namespace sluice::config
