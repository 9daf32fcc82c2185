#include "engine/formats/parquet/dictionary.hpp"

#include <cmath>

namespace sluice::parquet_writing {

namespace {

std::uint64_t load(const char* from, std::size_t size) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, size);
  return value;
}

}  // namespace

double guess_distinct(std::size_t seen, std::size_t drawn) {
  if (drawn == 0) return 0;
  const auto ratio = static_cast<double>(seen) / static_cast<double>(drawn);
  if (ratio > 0.999) return 1e12;
  // seen / drawn = (1 - exp(-x)) / x with x = drawn / distinct; the right side falls from 1 to 0.
  double low = 0;
  double high = 64;
  for (int i = 0; i < 50; ++i) {
    const double x = (low + high) / 2;
    (-std::expm1(-x) / x > ratio ? low : high) = x;
  }
  return static_cast<double>(drawn) / low;
}

bool dictionary_pays(const dictionary_trial& trial, std::size_t most) {
  constexpr std::size_t enough = 4096;
  if (trial.values == 0 || (!trial.page_complete && trial.drawn < enough)) return true;
  const auto each = static_cast<double>(trial.value_bytes) / static_cast<double>(trial.values);
  const auto margin = trial.page_complete ? 1.0 : 4.0;
  if (guess_distinct(trial.values, trial.drawn) * each > margin * static_cast<double>(most)) return false;
  if (!trial.page_complete || trial.drawn >= enough) return true;
  const auto width = static_cast<std::size_t>(width_of(static_cast<std::uint32_t>(trial.values - 1)));
  return trial.value_bytes + trial.drawn * width / 8 < trial.plain_bytes;
}

void text_dictionary::clear() {
  let_go(page_);
  let_go(starts_);
  slots_ = std::vector<slot_entry>(first_slots);
  mask_ = first_slots - 1;
}

std::uint64_t text_dictionary::hash_of(std::string_view text) {
  constexpr std::uint64_t first = 0xa0761d6478bd642f;
  constexpr std::uint64_t second = 0xe7037ed1a0b428db;
  const auto* at = text.data();
  auto left = text.size();
  std::uint64_t hash = text.size() * second;
  for (; left > 16; at += 16, left -= 16) hash = fold(load(at, 8) ^ first, load(at + 8, 8) ^ hash);
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  if (left >= 8) {
    a = load(at, 8);
    b = load(at + left - 8, 8);
  } else if (left >= 4) {
    a = load(at, 4);
    b = load(at + left - 4, 4);
  } else if (left > 0) {
    a = static_cast<std::uint8_t>(at[0]) | std::uint64_t{static_cast<std::uint8_t>(at[left / 2])} << 8 |
        std::uint64_t{static_cast<std::uint8_t>(at[left - 1])} << 16;
  }
  return fold(a ^ second, b ^ hash ^ first);
}

std::uint32_t text_dictionary::insert(std::size_t slot, std::uint64_t hash, std::string_view text) {
  const auto length = static_cast<std::uint32_t>(text.size());
  const auto* prefix = reinterpret_cast<const std::uint8_t*>(&length);
  starts_.push_back(static_cast<std::uint32_t>(page_.size()));
  page_.insert(page_.end(), prefix, prefix + 4);
  page_.insert(page_.end(), text.begin(), text.end());
  const auto number = static_cast<std::uint32_t>(starts_.size());
  slots_[slot] = {static_cast<std::uint32_t>(hash >> 32), number};
  if (starts_.size() * 2 > slots_.size()) grow();
  return number - 1;
}

void text_dictionary::grow() {
  slots_.assign(slots_.size() * 2, {});
  mask_ = slots_.size() - 1;
  for (std::size_t i = 0; i < starts_.size(); ++i) {
    const auto hash = hash_of((*this)[static_cast<std::uint32_t>(i)]);
    auto slot = hash & mask_;
    while (slots_[slot].number != 0) slot = (slot + 1) & mask_;
    slots_[slot] = {static_cast<std::uint32_t>(hash >> 32), static_cast<std::uint32_t>(i + 1)};
  }
}

}  // namespace sluice::parquet_writing
