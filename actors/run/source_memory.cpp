#include "actors/run/source_memory.hpp"

#include "engine/plan/watermark_source.hpp"

#include <utility>

namespace sluice::actors {

void source_memory::reached(std::uint32_t unit, const std::string& text) {
  auto made = options::try_parse(text);
  const auto& mark = plan_->units[unit].reading.mark;
  if (!mark || !made) return;
  const auto before = reached_.find(unit);
  reached_[unit] = before == reached_.end() ? *std::move(made) : merge_reached(*mark, before->second, *made);
}

std::vector<store::event> source_memory::late_rows(const std::string& run) const {
  std::vector<store::event> events;
  for (const auto& [unit, made] : reached_) {
    const auto& mark = *plan_->units[unit].reading.mark;
    const auto late = made.value("at_or_below", std::int64_t{0}) - mark.rows;
    if (mark.value && late > 0)
      events.push_back({.run = run,
                        .type = "incremental.late_rows",
                        .unit = plan_->units[unit].definition.name,
                        .data = {{"rows", late}, {"column", mark.column}, {"at_or_below", watermark_text(mark)}}});
  }
  return events;
}

std::vector<store::source_change> source_memory::taken() const {
  std::vector<store::source_change> changes;
  for (std::uint32_t unit = 0; unit < plan_->units.size(); ++unit) {
    const auto& reading = plan_->units[unit].reading;
    if (!reading.remember) continue;
    changes.push_back(*reading.remember);
    const auto reached = reached_.find(unit);
    if (reading.mark)
      changes.back().position = next_position(*reading.mark, reached == reached_.end() ? options() : reached->second);
  }
  return changes;
}

}  // namespace sluice::actors
