#include "config/planning_rules.hpp"

namespace sluice::config {

overlap_rule overlap_of(const document& source) {
  const auto* run = source.root().find("run");
  const auto* word = run == nullptr ? nullptr : run->find("overlap");
  if (word == nullptr) return overlap_rule::skip;
  if (word->text == "queue") return overlap_rule::queue;
  return word->text == "cancel" ? overlap_rule::cancel : overlap_rule::skip;
}

target_rules target_rules_of(const document& source) {
  target_rules rules;
  for (const char* section : {"extract", "load"}) {
    const auto* units = source.root().find(section);
    if (units == nullptr) continue;
    for (const auto& [name, unit] : units->entries) {
      const auto* overwrite = unit.find("overwrite_source");
      rules[name.text] = {.overwrite_source = overwrite != nullptr && overwrite->text == "true",
                          .at = source.locate_byte(name.begin)};
    }
  }
  return rules;
}

}  // namespace sluice::config
