#include "engine/sinks/when_down/rule.hpp"

namespace sluice::when_down {

namespace {

constexpr const char* option = "when_down";

}  // namespace

std::optional<std::int64_t> spill_of(const options& own) {
  if (!own.is_object()) return std::nullopt;
  const auto found = own.find(option);
  if (found == own.end() || !found->is_object()) return std::nullopt;
  return found->value("spill", std::int64_t{0});
}

void set_spill(options& own, std::int64_t bytes) { own[option] = {{"spill", bytes}}; }

}  // namespace sluice::when_down
