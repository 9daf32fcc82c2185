#pragma once

#include "actors/messages.hpp"
#include "engine/component/checks_rules.hpp"

#include <caf/meta/type_name.hpp>

#include <vector>

namespace sluice {

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, rule_result& x) {
  return f(caf::meta::type_name("rule_result"), x.rule, x.severity, x.checked, x.broken, x.allowed, x.message,
           x.within_limit, x.fails);
}

}  // namespace sluice

namespace sluice::actors {

/// instance -> supervisor: what its rules have found since its beginning; before epoch_prepared, instance_finished and
/// instance_failed.
struct rules_checked {
  flow::instance_id who;
  std::vector<rule_result> results;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, rules_checked& x) {
  return f(caf::meta::type_name("rules_checked"), x.who, x.results);
}

}  // namespace sluice::actors

// Behind those of a node.
CAF_BEGIN_TYPE_ID_BLOCK(sluice_rules, caf::first_custom_type_id + 500)
CAF_ADD_TYPE_ID(sluice_rules, (sluice::actors::rules_checked))
CAF_END_TYPE_ID_BLOCK(sluice_rules)
