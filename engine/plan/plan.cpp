#include "engine/plan/plan.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice {

std::optional<int> plan::find(const std::string& unit) const {
  for (std::size_t at = 0; at < units.size(); ++at)
    if (units[at].definition.name == unit) return static_cast<int>(at);
  return {};
}

std::vector<int> plan::edges_from(int unit) const {
  std::vector<int> found;
  for (std::size_t at = 0; at < edges.size(); ++at)
    if (edges[at].from_unit == unit) found.push_back(static_cast<int>(at));
  return found;
}

std::vector<int> plan::edges_into(int unit) const {
  std::vector<int> found;
  for (std::size_t at = 0; at < edges.size(); ++at)
    if (edges[at].to_unit == unit) found.push_back(static_cast<int>(at));
  std::sort(found.begin(), found.end(), [this](int a, int b) {
    return edges[static_cast<std::size_t>(a)].to_input < edges[static_cast<std::size_t>(b)].to_input;
  });
  return found;
}

bool plan::endless() const {
  return std::any_of(units.begin(), units.end(), [](const auto& unit) { return unit.endless; });
}

bool plan::goes_on() const {
  return std::any_of(edges.begin(), edges.end(), [this](const auto& edge) {
    return edge.timed && units[static_cast<std::size_t>(edge.from_unit)].stops;
  });
}

bool plan::has_windows_at_end() const {
  return std::any_of(edges.begin(), edges.end(), [this](const auto& edge) {
    const auto& from = units[static_cast<std::size_t>(edge.from_unit)];
    return edge.timed && from.definition.role == unit_role::extract && (from.stops || from.endless);
  });
}

std::optional<std::int64_t> plan::checkpoint_interval() const {
  constexpr std::int64_t usual = 10'000'000;
  if (definition.checkpoint_microseconds) return definition.checkpoint_microseconds;
  return endless() ? std::optional(usual) : std::nullopt;
}

bool plan::commits_each(std::uint32_t unit) const { return endless() || units[unit].definition.commit_each; }

std::shared_ptr<arrow::Schema> rejects_schema() {
  static const auto schema = arrow::schema({
      arrow::field("unit", arrow::utf8(), false),
      arrow::field("code", arrow::utf8(), false),
      arrow::field("column", arrow::utf8()),
      arrow::field("message", arrow::utf8(), false),
      arrow::field("record", arrow::utf8()),
      arrow::field("file", arrow::utf8()),
      arrow::field("line", arrow::int64()),
      arrow::field("offset", arrow::int64()),
      arrow::field("run", arrow::utf8(), false),
  });
  return schema;
}

}  // namespace sluice
