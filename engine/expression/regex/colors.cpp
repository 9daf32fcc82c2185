#include "engine/expression/regex/colors.hpp"

#include <algorithm>
#include <map>

namespace sluice::expression::regex {

namespace {

bool contains(const character_set& set, std::uint32_t character) {
  const auto& ranges = set.ranges();
  const auto behind = std::upper_bound(ranges.begin(), ranges.end(), character,
                                       [](std::uint32_t c, const auto& range) { return c < range.first; });
  return behind != ranges.begin() && character <= std::prev(behind)->last;
}

}  // namespace

colors::colors(const std::vector<const character_set*>& sets, bool words) {
  // Places where a set begins or ends; between two of them no set tells characters apart.
  std::vector<std::uint32_t> bounds = {0};
  const auto note = [&](const character_set& set) {
    for (const auto& range : set.ranges()) {
      bounds.push_back(range.first);
      bounds.push_back(range.last + 1);
    }
  };
  const auto word = words ? *class_named("word") : character_set();
  character_set line_end;
  line_end.add('\n', '\n');
  auto all = sets;
  all.push_back(&word);
  all.push_back(&line_end);
  for (const auto* set : all) note(*set);
  std::sort(bounds.begin(), bounds.end());
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());

  std::map<std::vector<bool>, std::uint16_t> known;
  const auto color_of = [&](std::uint32_t c) {
    std::vector<bool> in;
    in.reserve(all.size());
    for (const auto* set : all) in.push_back(contains(*set, c));
    const auto [found, is_new] = known.emplace(std::move(in), static_cast<std::uint16_t>(kinds_.size()));
    if (is_new) {
      kinds_.push_back(c == '\n' ? neighbour::line_end : contains(word, c) ? neighbour::word : neighbour::other);
      samples_.push_back(c);
    }
    return found->second;
  };
  std::map<std::vector<std::uint16_t>, std::uint16_t> known_pages;
  std::map<std::uint16_t, std::uint16_t> even_pages;  // by their only color
  std::vector<std::uint16_t> page(256);
  std::uint16_t color = 0;
  std::size_t next = 0;
  const auto number_of = [&] {
    const auto [found, is_new] = known_pages.emplace(page, static_cast<std::uint16_t>(known_pages.size()));
    if (is_new) pages_.insert(pages_.end(), page.begin(), page.end());
    return found->second;
  };
  for (std::uint32_t first = 0; first <= greatest_character; first += 256) {
    if (next >= bounds.size() || bounds[next] > first + 255) {
      auto even = even_pages.find(color);
      if (even == even_pages.end()) {
        page.assign(256, color);
        even = even_pages.emplace(color, number_of()).first;
      }
      page_of_[first >> 8] = even->second;
      continue;
    }
    for (std::uint32_t c = first; c < first + 256; ++c) {
      if (next < bounds.size() && bounds[next] == c) {
        ++next;
        color = color_of(c);
      }
      if (c < 128) ascii_[c] = color;
      page[c & 255] = color;
    }
    page_of_[first >> 8] = number_of();
  }
}

std::vector<bool> colors::members(const character_set& set) const {
  std::vector<bool> in;
  in.reserve(samples_.size());
  for (const auto sample : samples_) in.push_back(contains(set, sample));
  return in;
}

}  // namespace sluice::expression::regex
