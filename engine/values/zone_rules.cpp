#include "engine/values/zone_rules.hpp"

#include "engine/values/calendar.hpp"

#include <algorithm>
#include <limits>

namespace sluice {

namespace {

// The Gregorian calendar repeats itself with its weekdays after 400 years.
constexpr std::int64_t calendar_cycle = 146'097LL * 86'400;

// Buckets of 2^21 s (24 days) over the years from which nearly all times come, 1901 to 2099.
constexpr int bucket_shift = 21;
constexpr std::int64_t first_bucketed = -(std::int64_t{1} << 31);
constexpr std::size_t bucket_count = ((std::int64_t{1} << 32) + (std::int64_t{1} << 31)) >> bucket_shift;

constexpr std::size_t header_size = 44;

// Files for all of time begin with a change at the Big Bang; none is farther away.
constexpr std::int64_t farthest_change = std::int64_t{1} << 59;

template <class Integer>
Integer read_big_endian(std::string_view bytes, std::size_t at) {
  std::make_unsigned_t<Integer> value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i)
    value = static_cast<std::make_unsigned_t<Integer>>(value << 8 | static_cast<unsigned char>(bytes[at + i]));
  return static_cast<Integer>(value);
}

// The six counts of a header, in the order in which they stand.
struct counts {
  std::size_t utc_indicators, standard_indicators, leap_seconds, times, types, characters;
};

counts read_counts(std::string_view bytes) {
  const auto count = [&](std::size_t i) { return std::size_t{read_big_endian<std::uint32_t>(bytes, 20 + i * 4)}; };
  return {count(0), count(1), count(2), count(3), count(4), count(5)};
}

std::size_t size_of(const counts& of, std::size_t time_size) {
  return of.times * (time_size + 1) + of.types * 6 + of.characters + of.leap_seconds * (time_size + 4) +
         of.standard_indicators + of.utc_indicators;
}

}  // namespace

bool zone_rules::read_types(std::string_view of_types, std::string_view names, std::string& problem) {
  for (std::size_t at = 0; at < of_types.size(); at += 6) {
    const auto offset = read_big_endian<std::int32_t>(of_types, at);
    const auto name = static_cast<std::size_t>(static_cast<unsigned char>(of_types[at + 5]));
    if (offset < least_offset || offset > greatest_offset || name >= names.size()) {
      problem = "contains an offset or name out of range";
      return false;
    }
    const auto end = names.find('\0', name);
    types_.push_back(
        {.offset = offset,
         .is_daylight = of_types[at + 4] != 0,
         .abbreviation = std::string(names.substr(name, end == std::string_view::npos ? end : end - name))});
  }
  return true;
}

bool zone_rules::read_block(std::string_view bytes, int time_size, std::string_view& rest, std::string& problem) {
  const auto of = read_counts(bytes);
  bytes.remove_prefix(header_size);
  const auto width = static_cast<std::size_t>(time_size);
  if (of.types == 0 || of.types > 256 || size_of(of, width) > bytes.size()) {
    problem = "is truncated or damaged";
    return false;
  }
  if (of.leap_seconds > 0) {
    problem = "counts leap seconds, but timestamps do not";
    return false;
  }
  const auto indices = bytes.substr(of.times * width, of.times);
  const auto of_types = bytes.substr(of.times * (width + 1), of.types * 6);
  if (!read_types(of_types, bytes.substr(of.times * (width + 1) + of.types * 6, of.characters), problem)) return false;
  changes_.push_back({std::numeric_limits<std::int64_t>::min(), 0});
  std::int64_t before = 0;
  for (std::size_t i = 0; i < of.times; ++i) {
    const auto at = time_size == 8 ? read_big_endian<std::int64_t>(bytes, i * 8)
                                   : std::int64_t{read_big_endian<std::int32_t>(bytes, i * 4)};
    const auto type = static_cast<std::uint8_t>(indices[i]);
    if (type >= of.types || (i > 0 && at <= before)) {
      problem = "lists its changes in the wrong order";
      return false;
    }
    before = at;
    changes_.push_back({std::clamp(at, -farthest_change, farthest_change), type});
  }
  rest = bytes.substr(size_of(of, width));
  return true;
}

std::uint8_t zone_rules::add_type(const local_time_type& type) {
  for (std::size_t i = 0; i < types_.size(); ++i)
    if (types_[i].offset == type.offset && types_[i].is_daylight == type.is_daylight &&
        types_[i].abbreviation == type.abbreviation)
      return static_cast<std::uint8_t>(i);
  types_.push_back(type);
  return static_cast<std::uint8_t>(types_.size() - 1);
}

// Lists the changes that a rule makes, far enough that all later times repeat them.
void zone_rules::extend(const posix_rule& rule) {
  const bool nothing_listed = changes_.size() == 1;
  if (!rule.daylight()) {
    if (nothing_listed) changes_.front().type = add_type(rule.standard());
    return;
  }
  const auto last = changes_.back().at;
  const auto first_year = nothing_listed ? 1900 : civil_from_days(floor_div(last, 86'400)).year;
  const auto end_year = first_year + 402;
  const auto standard = add_type(rule.standard());
  const auto daylight = add_type(*rule.daylight());
  std::vector<change> made;
  for (auto year = first_year - 1; year < end_year + 1; ++year) {
    const change begin{rule.begin_of(year), daylight}, end{rule.end_of(year), standard};
    made.push_back(begin.at <= end.at ? begin : end);
    made.push_back(begin.at <= end.at ? end : begin);
  }
  // Where daylight time lasts all year, it ends and begins at one instant: the later change holds.
  std::stable_sort(made.begin(), made.end(), [](const change& a, const change& b) { return a.at < b.at; });
  for (const auto& one : made)
    if (nothing_listed || one.at > last) changes_.push_back(one);
  repeats_from_ = days_from_civil(end_year, 1, 1) * 86'400;
  if (nothing_listed) repeats_before_ = days_from_civil(first_year + 1, 1, 1) * 86'400;
}

void zone_rules::index() {
  buckets_.resize(bucket_count);
  std::size_t holds = 0;
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    const auto begin = first_bucketed + (static_cast<std::int64_t>(bucket) << bucket_shift);
    while (holds + 1 < changes_.size() && changes_[holds + 1].at <= begin) ++holds;
    buckets_[bucket] = static_cast<std::uint16_t>(holds);
  }
}

result<zone_rules> zone_rules::read(std::string_view bytes, const std::string& what) {
  const auto refuse = [&](const std::string& problem) {
    return user_error("invalid_timezone_file", "the time zone file " + what + " " + problem,
                      "install the system's time zone data again (tzdata)");
  };
  if (bytes.size() < header_size || !bytes.starts_with("TZif")) return refuse("is not a time zone file (TZif)");
  zone_rules made;
  std::string problem;
  std::string_view rest;
  // Version 1 has 32-bit times; from version 2 on a second block with 64 bits follows, then the rule.
  const bool wide = bytes[4] != '\0';
  if (wide) {
    const auto first = size_of(read_counts(bytes), 4);
    if (first > bytes.size() - header_size) return refuse("is truncated or damaged");
    bytes.remove_prefix(header_size + first);
    if (bytes.size() < header_size || !bytes.starts_with("TZif")) return refuse("is truncated or damaged");
  }
  if (!made.read_block(bytes, wide ? 8 : 4, rest, problem)) return refuse(problem);
  // More changes than any zone has, and than the index can hold beside the years of a rule.
  if (made.changes_.size() > 20'000) return refuse("lists too many changes");
  if (wide) {
    const auto end = rest.starts_with('\n') ? rest.find('\n', 1) : std::string_view::npos;
    if (end == std::string_view::npos) return refuse("is truncated or damaged: its rule for the future is missing");
    const auto text = rest.substr(1, end - 1);
    const auto rule = posix_rule::parse(text);
    if (!rule && !text.empty())
      return refuse("ends in '" + std::string(text.substr(0, 60)) + "', which is not a valid rule");
    if (rule && made.types_.size() > 253) return refuse("lists too many kinds of local time");
    if (rule) made.extend(*rule);
  }
  made.index();
  return made;
}

std::size_t zone_rules::find(std::int64_t utc) const {
  const auto bucket = static_cast<std::uint64_t>(utc - first_bucketed) >> bucket_shift;
  if (utc >= first_bucketed && bucket < bucket_count) {
    std::size_t at = buckets_[bucket];
    while (at + 1 < changes_.size() && changes_[at + 1].at <= utc) ++at;
    return at;
  }
  const auto behind = std::upper_bound(changes_.begin() + 1, changes_.end(), utc,
                                       [](std::int64_t time, const change& one) { return time < one.at; });
  return static_cast<std::size_t>(behind - changes_.begin()) - 1;
}

zone_rules::period zone_rules::at(std::int64_t utc) const {
  std::int64_t shift = 0;
  if (utc >= repeats_from_) shift = ((utc - repeats_from_) / calendar_cycle + 1) * calendar_cycle;
  if (utc < repeats_before_) shift = -((repeats_before_ - utc - 1) / calendar_cycle + 1) * calendar_cycle;
  const auto found = find(utc - shift);
  const auto& one = changes_[found];
  return {
      .begin = found == 0 ? one.at : one.at + shift,
      .end = found + 1 < changes_.size() ? changes_[found + 1].at + shift : std::numeric_limits<std::int64_t>::max(),
      .offset = types_[one.type].offset,
      .type = one.type};
}

}  // namespace sluice
