#include "config/unit_roles.hpp"

namespace sluice::config {

component_kind kind_of(unit_role role) {
  if (role == unit_role::extract) return component_kind::source;
  return role == unit_role::transform ? component_kind::transform : component_kind::sink;
}

const char* word_for(unit_role role) {
  if (role == unit_role::extract) return "source";
  return role == unit_role::transform ? "transform" : "sink";
}

place_of_form place_of(unit_role role) {
  if (role == unit_role::extract) return place_of_form::extract;
  return role == unit_role::transform ? place_of_form::transform : place_of_form::load;
}

const std::vector<std::string>& shared_keys() {
  static const std::vector<std::string> keys = {"description", "on_error", "parallelism", "place", "retry", "timeout"};
  return keys;
}

std::vector<std::string> unit_keys(unit_role role) {
  auto keys = shared_keys();
  const auto add = [&](std::initializer_list<const char*> more) { keys.insert(keys.end(), more.begin(), more.end()); };
  if (role == unit_role::extract)
    add({"types", "columns", "sample", "contract", "metadata", "incremental", "order", "time"});
  if (role == unit_role::transform) add({"from"});
  if (role == unit_role::load)
    add({"from", "mode", "key", "merge", "scd2", "overwrite_source", "when_down", "commit", "reconcile"});
  return keys;
}

}  // namespace sluice::config
