#pragma once

#include "config/connections.hpp"
#include "config/reading.hpp"
#include "engine/component/retry.hpp"
#include "engine/component/spec.hpp"
#include "engine/plan/pipeline.hpp"

namespace sluice::config {

/// Reads units, the values of `defaults:` merged in.
class unit_reader {
 public:
  /// `defaults` is the section's map or null; its own faults are reported here, once.
  unit_reader(const document& source, diagnostics& faults, const node* defaults, const connections& known);

  /// Reads one entry of extract, transform or load; `faulty` where its component can't be made.
  unit_definition read(unit_role role, const node& name, const node& value);

 private:
  bool read_shared(const reading& in, const node& key, const node& value, unit_definition& unit, retry_rule& retry);
  bool read_source_key(const reading& in, const node& key, const node& value, unit_definition& unit);
  /// `merge` and `scd2`, which stand beside the component and are options of it.
  void read_reconcile(const reading& in, const node& value, unit_definition& unit);
  void read_history_rules(const reading& in, const node& value, unit_definition& unit);
  bool read_sink_key(const reading& in, const node& key, const node& value, unit_definition& unit);
  void read_types(const reading& in, const node& value, const field_spec& form, unit_definition& unit);
  void read_contract(const reading& in, const node& value, unit_definition& unit);
  void read_incremental(const reading& in, const node& value, unit_definition& unit);
  void read_time(const reading& in, const node& value, unit_definition& unit);
  void read_place(const reading& in, const node& value, unit_definition& unit);

  const document& source_;
  diagnostics& faults_;
  const connections& connections_;
  retry_rule retry_;  ///< of `defaults:`
  unit_definition defaults_;
};

}  // namespace sluice::config
