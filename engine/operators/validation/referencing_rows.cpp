#include "engine/operators/validation/referencing_rows.hpp"

#include "engine/operators/held_place.hpp"

#include <algorithm>
#include <set>

namespace sluice::validation {

namespace {

const joins::key_layout& no_keys() {
  static const joins::key_layout layout({});
  return layout;
}

}  // namespace

referencing_rows::referencing_rows(const std::vector<rule>& rules, std::vector<unique_values>& unique,
                                   std::size_t columns, const run_context& context, std::string unit)
    : context_(context),
      unit_(unit),
      memory_(context.memory, std::move(unit)),
      unique_(unique),
      waiting_(no_keys(), columns) {
  std::set<int> others;
  for (const auto& one : rules)
    for (const auto& each : one.references) {
      references_.emplace_back(&one, &each);
      others.insert(each.input);
    }
  open_ = others.size();
}

std::int64_t referencing_rows::unique_bytes() const {
  std::int64_t keys = 0;
  for (const auto& each : unique_) keys += each.bytes();
  return keys;
}

std::int64_t referencing_rows::known_bytes() const {
  auto known = unique_bytes();
  for (const auto& each : references_) known += each.known.bytes();
  return known;
}

bool referencing_rows::is_on_disk() const {
  return std::any_of(references_.begin(), references_.end(), [](const auto& one) { return one.known.has_spilled(); }) ||
         std::any_of(unique_.begin(), unique_.end(), [](const auto& one) { return one.has_spilled(); });
}

/// Not while rows that were looked up are to be checked: they were not looked for among these keys.
status referencing_rows::spill_unique() {
  if (!looked_up_.empty() || unique_bytes() < context_.memory->least()) return {};
  for (auto& each : unique_) SLUICE_TRY(each.spill(file()));
  memory::return_freed_memory();
  return {};
}

memory::spill_file& referencing_rows::file() {
  if (!file_) file_ = std::make_unique<memory::spill_file>(context_, unit_);
  return *file_;
}

std::uint64_t referencing_rows::held() const {
  auto rows = waiting_.rows();
  for (const auto& one : looked_up_) rows += static_cast<std::uint64_t>(one.rows());
  return rows;
}

status referencing_rows::learn(int input, const batch& in) {
  auto wanted = known_bytes() + waiting_.bytes();
  for (const auto& [of, each, known] : references_)
    if (each->input == input) wanted += known.growth(in.rows());
  if (!memory_.try_resize(wanted)) {
    SLUICE_TRY(waiting_.spill(file()));
    if (known_bytes() >= context_.memory->least())
      for (auto& [of, each, known] : references_) SLUICE_TRY(known.spill(file()));
    memory::return_freed_memory();
  }
  for (auto& [of, each, known] : references_)
    if (each->input == input) SLUICE_TRY(known.add(in));
  memory_.take(known_bytes() + waiting_.bytes());
  return {};
}

status referencing_rows::reserve() {
  const auto wanted = [&] { return known_bytes() + waiting_.bytes(); };
  while (!memory_.try_resize(wanted()) && waiting_.holds_rows()) SLUICE_TRY(waiting_.spill(file()));
  if (!memory_.try_resize(wanted())) SLUICE_TRY(spill_unique());
  memory_.take(wanted());
  return {};
}

bool referencing_rows::is_look_up_due(bool all) const {
  if (open_ > 0 || (!waiting_.holds_rows() && !waiting_.spilled())) return false;
  // All that is on disk is read each time: for many rows together, where nobody waits for them.
  return all || !is_on_disk() || waiting_.spilled() || waiting_.bytes() >= most_together();
}

std::int64_t referencing_rows::most_together() const {
  return std::max(context_.memory->least(), context_.memory->limit() / 8);
}

status referencing_rows::look_up() {
  if (!memory_.try_resize(known_bytes() + waiting_.bytes() + most_together())) SLUICE_TRY(spill_unique());
  std::int64_t bytes = 0;
  do {
    SLUICE_ASSIGN(auto next, waiting_.take(file_.get()));
    if (!next) break;
    // Each row takes some more while its value is looked up.
    bytes += joins::bytes_of(*next) + next->rows.rows() * static_cast<std::int64_t>(sizeof(wanted_value));
    looked_up_.push_back(std::move(next->rows));
  } while (is_on_disk() && bytes < most_together());
  memory_.take(known_bytes() + waiting_.bytes() + bytes);
  for (auto& [of, each, known] : references_)
    if (known.has_spilled()) SLUICE_TRY(known.look_up(looked_up_, *file_));
  for (auto& each : unique_)
    if (each.has_spilled()) SLUICE_TRY(each.look_up(looked_up_, *file_));
  return {};
}

result<std::optional<batch>> referencing_rows::next(bool all) {
  if (looked_up_.empty() && is_look_up_due(all)) SLUICE_TRY(look_up());
  if (looked_up_.empty()) return std::optional<batch>();
  std::optional<batch> first = std::move(looked_up_.front());
  looked_up_.pop_front();
  return first;
}

status referencing_rows::check(const rule& of, const batch& in, row_errors& broken) {
  for (auto& [rule, each, known] : references_)
    if (rule == &of) SLUICE_TRY(known.check(in, of.name, broken));
  return {};
}

status referencing_rows::state(const spilled_state::part_taker& take) const {
  for (std::size_t i = 0; i < references_.size(); ++i) {
    SLUICE_ASSIGN(auto values, references_[i].known.values());
    if (values) SLUICE_TRY(take({"references" + std::to_string(i), std::move(values)}));
  }
  // Those on disk came before those in memory: they are handed out together.
  return waiting_.spilled() ? status{} : hand_out_waiting(take);
}

status referencing_rows::hand_out(const spilled_state::part_taker& take) const {
  for (std::size_t i = 0; i < references_.size() && file_; ++i)
    SLUICE_TRY(references_[i].known.spilled().each(*file_, [&](const batch& block) {
      return take({"spilled" + std::to_string(i), block.data});
    }));
  for (std::size_t i = 0; i < unique_.size() && file_; ++i)
    SLUICE_TRY(unique_[i].spilled().each(*file_, [&](const batch& block) {
      return take({"spilled_unique" + std::to_string(i), block.data});
    }));
  return waiting_.spilled() ? hand_out_waiting(take) : status{};
}

status referencing_rows::hand_out_waiting(const spilled_state::part_taker& take) const {
  return waiting_.each(file_.get(), [&](const joins::keyed_rows& rows) -> status {
    SLUICE_ASSIGN(const auto place, held::place("place", rows.rows.order));
    SLUICE_TRY(take(place));
    SLUICE_ASSIGN(const auto part, held::rows("waiting", rows.rows));
    return take(part);
  });
}

result<bool> referencing_rows::take_in(const state_part& part) {
  if (part.name == "place") {
    SLUICE_ASSIGN(place_, held::place_of(part));
    return true;
  }
  if (part.name == "waiting") {
    SLUICE_ASSIGN(auto rows, held::rows_of(part));
    rows.order = place_;
    wait(std::move(rows));
    return true;
  }
  for (std::size_t i = 0; i < unique_.size(); ++i) {
    if (part.name != "spilled_unique" + std::to_string(i)) continue;
    SLUICE_TRY(unique_[i].spilled().take_back(*part.rows, file()));
    return true;
  }
  for (std::size_t i = 0; i < references_.size(); ++i) {
    auto& known = references_[i].known;
    const auto is = [&](const char* name) { return part.name == name + std::to_string(i); };
    if (!is("references") && !is("spilled")) continue;
    SLUICE_TRY(is("spilled") ? known.spilled().take_back(*part.rows, file()) : known.restore(*part.rows));
    return true;
  }
  return false;
}

}  // namespace sluice::validation
