#pragma once

#include "engine/component/sink.hpp"
#include "engine/component/spec.hpp"

#include <string>
#include <vector>

namespace sluice {

/// Checks what every sink that writes to a table asks of its request: mode, key and columns.
void check_table_rules(const sink_request& request, diagnostics& faults);

/// `create:` of a sink that writes to a table.
enum class create_rule { if_missing, evolve, never };

/// The options of such a sink: its own, then `create`, `before` and `after`.
std::vector<field_spec> with_table_options(std::vector<field_spec> own);
create_rule create_rule_of(const options& own);
/// The SQL statements of `before` or `after`; empty where there are none.
std::vector<std::string> statements_of(const options& own, const char* name);

}  // namespace sluice
