// Values that are random but the same in a replay: they come from the run's seed, the unit, the place of the call and
// the position of the row in the source.
#include "engine/expression/functions/support.hpp"
#include "engine/values/positions.hpp"

#include <xxhash.h>

namespace sluice::expression {

namespace {

// SplitMix64 (Steele, Lea and Flood 2014).
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// Calls `use(row, bits)` with 64 bits for each row. Rows that a join made of one source row follow each other: they are
// counted. Rows without a position take their place in the stream.
template <class Use>
void each_seed(call& c, Use&& use) {
  const auto start = mix(c.in.run.seed ^ *static_cast<const std::uint64_t*>(c.state));
  const auto* rows = c.in.rows;
  const auto* positions = rows != nullptr ? rows->positions.get() : nullptr;
  std::uint64_t place = 0;
  if (rows != nullptr)
    place = mix(mix(start ^ rows->order.split) ^ rows->order.sequence) ^ (std::uint64_t{rows->order.chunk} << 32);
  std::uint64_t repeated = 0;
  position before;
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const auto from = positions != nullptr ? position_at(*positions, row) : position::unknown;
    if (from == position::unknown) {
      use(row, mix(mix(place + static_cast<std::uint64_t>(row)) ^ start));
      continue;
    }
    repeated = row > 0 && from == before ? repeated + 1 : 0;
    before = from;
    const auto split = start ^ ((std::uint64_t{from.source} << 32) | from.split);
    use(row, mix(mix(mix(split) ^ static_cast<std::uint64_t>(from.offset)) + repeated * 0xd1342543de82ef95ULL));
  }
}

result<array_ptr> random_kernel(call& c) {
  auto values = allocate(c.rows * 8);
  auto* out = reinterpret_cast<double*>(values->mutable_data());
  each_seed(c, [&](std::int64_t row, std::uint64_t bits) { out[row] = static_cast<double>(bits >> 11) * 0x1p-53; });
  return make_array(c.type, c.rows, std::move(values), nullptr);
}

// Version 4: random bits with the version and variant set.
result<array_ptr> uuid_kernel(call& c) {
  text_builder out(c.rows, c.rows * 36);
  each_seed(c, [&](std::int64_t, std::uint64_t bits) {
    constexpr char digits[] = "0123456789abcdef";
    const std::uint64_t high = (bits & ~0xf000ULL) | 0x4000ULL;
    const std::uint64_t low = (mix(bits) & ~(3ULL << 62)) | (2ULL << 62);
    char* place = out.room(36);
    for (int nibble = 0; nibble < 32; ++nibble) {
      if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) *place++ = '-';
      const auto half = nibble < 16 ? high : low;
      *place++ = digits[(half >> (60 - 4 * (nibble % 16))) & 15];
    }
    out.advance(36);
    out.end_row();
  });
  return out.finish(c.type, nullptr);
}

// The place of the call: the same expression elsewhere in the unit gives other values.
call_node::options volatile_options(binder& b) {
  const auto place = XXH3_64bits_withSeed(b.path().data(), b.path().size(), b.next_ordinal());
  return {.is_volatile = true, .state = std::make_shared<const std::uint64_t>(place)};
}

node_ptr bind_random(binder& b, const call_site& site) {
  return b.call(site.name, arrow::float64(), {}, random_kernel, volatile_options(b));
}
node_ptr bind_uuid(binder& b, const call_site& site) {
  return b.call(site.name, arrow::utf8(), {}, uuid_kernel, volatile_options(b));
}

}  // namespace

const std::vector<function>& random_functions() {
  static const std::vector<function> all = {
      entry("gen_random_uuid", "random", "gen_random_uuid() -> text", "the same as uuid()", "length(gen_random_uuid())",
            "36", 0, 0, bind_uuid),
      entry("random", "random", "random() -> double",
            "a random number from 0 to below 1; the same for the same row if a run is repeated", "random() < 1", "true",
            0, 0, bind_random),
      entry("uuid", "random", "uuid() -> text", "a UUID (version 4); the same for the same row if a run is repeated",
            "length(uuid())", "36", 0, 0, bind_uuid),
  };
  return all;
}

}  // namespace sluice::expression
