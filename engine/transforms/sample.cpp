#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/picked_rows.hpp"
#include "engine/values/positions.hpp"
#include "engine/values/quantities.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <vector>

namespace sluice {

namespace {

// A stream of numbers that depends on the seed and the place alone (Steele, Lea and Flood's SplitMix64).
std::uint64_t drawn(std::uint64_t seed, std::uint64_t place) {
  auto z = seed + (place + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

__extension__ typedef unsigned __int128 product;

// What both kinds share: the rows are counted in the order of the input, so that the same seed chooses the same rows.
class sampling : public single_output {
 public:
  sampling(const transform_request& request, std::uint64_t seed)
      : single_output(request, request.inputs.front().schema), seed_(seed) {}
  [[nodiscard]] partitioning input_partitioning(int) const override { return {.how = partitioning::kind::single}; }
  [[nodiscard]] bool needs_order() const override { return true; }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(schema());
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

 protected:
  std::uint64_t seed_;
  std::int64_t seen_ = 0;
};

// Each row with the same chance.
class by_share final : public sampling {
 public:
  by_share(const transform_request& request, std::uint64_t seed, double share)
      : sampling(request, seed),
        below_(share >= 1 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(std::ldexp(share, 64))),
        all_(share >= 1) {}

  result<std::vector<state_part>> state(key_groups of) override {
    if (!of.contains(0)) return std::vector<state_part>{};
    SLUICE_ASSIGN(auto part, held::numbers("seen", {seen_}));
    return std::vector<state_part>{std::move(part)};
  }
  status restore(const std::vector<state_part>& parts) override {
    for (const auto& part : parts) {
      SLUICE_ASSIGN(const auto numbers, held::numbers_of(part, 1));
      seen_ = numbers[0];
    }
    return {};
  }

  status process(int, batch in, emitter& out) override {
    std::vector<std::int32_t> kept;
    for (std::int32_t row = 0; row < static_cast<std::int32_t>(in.rows()); ++row)
      if (all_ || drawn(seed_, static_cast<std::uint64_t>(seen_ + row)) < below_) kept.push_back(row);
    seen_ += in.rows();
    out.count_filtered(static_cast<std::uint64_t>(in.rows() - std::ssize(kept)));
    out.emit(0, std::ssize(kept) == in.rows()
                    ? std::move(in)
                    : take_rows(in, arrow::Int32Array(std::ssize(kept), arrow::Buffer::Wrap(kept))));
    return {};
  }

 private:
  std::uint64_t below_;
  bool all_;
};

// So many rows, every choice of them with the same chance: Vitter's Algorithm R. They come out in the order of the
// input.
class by_count final : public sampling {
 public:
  by_count(const transform_request& request, std::uint64_t seed, std::int64_t rows)
      : sampling(request, seed), wanted_(rows), rows_(schema()) {}
  [[nodiscard]] bool keeps_order() const override { return false; }
  [[nodiscard]] std::optional<std::string> needs_end(int) const override {
    return "sample a share (share: \"1%\"), or a bounded source";
  }
  [[nodiscard]] std::uint64_t held() const override { return finished_ ? 0 : static_cast<std::uint64_t>(seen_); }

  /// The rows held, and the places that they came from.
  result<std::vector<state_part>> state(key_groups of) override {
    std::vector<state_part> parts;
    if (!of.contains(0) || finished_ || seen_ == 0) return parts;
    SLUICE_ASSIGN(auto seen, held::numbers("seen", {seen_, std::int64_t{positions_}}));
    SLUICE_ASSIGN(auto places, held::numbers("places", places_));
    SLUICE_ASSIGN(auto taken, rows_.take(all_slots()));
    SLUICE_ASSIGN(auto rows, held::rows("rows", {.data = std::move(taken), .positions = nullptr, .order = {}}));
    parts = {std::move(seen), std::move(places), std::move(rows)};
    return parts;
  }
  status restore(const std::vector<state_part>& parts) override {
    for (const auto& part : parts) {
      if (part.name == "seen") {
        SLUICE_ASSIGN(const auto numbers, held::numbers_of(part, 2));
        seen_ = numbers[0];
        positions_ = numbers[1] != 0;
      } else if (part.name == "places") {
        SLUICE_ASSIGN(places_, held::numbers_of(part, static_cast<std::size_t>(part.rows->num_rows())));
      } else if (part.name == "rows") {
        SLUICE_ASSIGN(const auto rows, held::rows_of(part));
        if (!rows.data->schema()->Equals(*schema(), false)) return held::foreign(part.name);
        std::vector<std::int32_t> own(static_cast<std::size_t>(rows.rows()));
        std::iota(own.begin(), own.end(), 0);
        std::vector<std::uint32_t> slots(own.begin(), own.end());
        SLUICE_TRY(rows_.put(*rows.data, slots, own, slots.size()));
      }
    }
    return {};
  }

  status process(int, batch in, emitter&) override {
    positions_ = positions_ || in.positions != nullptr;
    std::vector<std::uint32_t> slots;
    std::vector<std::int32_t> rows;
    for (std::int32_t row = 0; row < static_cast<std::int32_t>(in.rows()); ++row, ++seen_) {
      std::uint64_t slot = places_.size();
      if (std::ssize(places_) < wanted_) {
        places_.push_back(seen_);
      } else {
        // The upper 64 bits of a product spread evenly.
        slot = static_cast<std::uint64_t>((static_cast<product>(drawn(seed_, static_cast<std::uint64_t>(seen_))) *
                                           static_cast<std::uint64_t>(seen_ + 1)) >>
                                          64);
        if (slot >= static_cast<std::uint64_t>(wanted_)) continue;
        places_[slot] = seen_;
      }
      slots.push_back(static_cast<std::uint32_t>(slot));
      rows.push_back(row);
    }
    return slots.empty() ? status{} : rows_.put(*in.data, slots, rows, places_.size());
  }

  status finish(int, emitter& out) override {
    finished_ = true;
    auto slots = all_slots();
    std::sort(slots.begin(), slots.end(), [&](auto a, auto b) { return places_[a] < places_[b]; });
    out.count_filtered(static_cast<std::uint64_t>(seen_ - std::ssize(slots)));
    for (std::size_t begin = 0; begin < slots.size(); begin += target_batch_rows) {
      const auto count = std::min<std::size_t>(target_batch_rows, slots.size() - begin);
      batch made;
      SLUICE_ASSIGN(made.data, rows_.take(std::span(slots).subspan(begin, count)));
      if (positions_) made.positions = unknown_positions(static_cast<std::int64_t>(count));
      out.emit(0, std::move(made));
    }
    return {};
  }

 private:
  [[nodiscard]] std::vector<std::uint32_t> all_slots() const {
    std::vector<std::uint32_t> slots(places_.size());
    std::iota(slots.begin(), slots.end(), 0U);
    return slots;
  }

  std::int64_t wanted_;
  picked_rows rows_;
  std::vector<std::int64_t> places_;  ///< where each row that is held came
  bool positions_ = false, finished_ = false;
};

void add_fault(diagnostics& faults, std::string message, std::string path) {
  auto fault =
      user_error("invalid_option", std::move(message), "sample: { rows: 1000 }, or sample: { share: \"1%\", seed: 1 }");
  fault.path = std::move(path);
  faults.push_back(std::move(fault));
}

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "sample", 1, faults)) return nullptr;
  const auto before = faults.size();
  const auto& own = request.own;
  if (own.contains("rows") == own.contains("share"))
    add_fault(faults, "sample takes either `rows` or `share`", "/sample");
  const auto rows = own.value("rows", std::int64_t{0});
  if (rows < 0) add_fault(faults, "rows must be 0 or more, found " + std::to_string(rows), "/sample/rows");
  double share = 0;
  if (own.contains("share")) {
    auto text = own["share"].is_string() ? own["share"].text() : own["share"].dump();
    const bool percent = text.ends_with('%');
    if (percent) text.pop_back();
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), share);
    if (percent) share /= 100;
    if (problem != std::errc() || end != text.data() + text.size() || !(share >= 0 && share <= 1))
      add_fault(faults, "share must be between 0% and 100%, found " + own["share"].dump(), "/sample/share");
  }
  if (faults.size() > before || has_unknown_columns(request)) return make_stand_in(request.inputs.front().schema);
  const auto seed =
      own.contains("seed") ? static_cast<std::uint64_t>(own["seed"].get<std::int64_t>()) : request.context->seed;
  if (own.contains("share")) return std::make_unique<by_share>(request, seed, share);
  return std::make_unique<by_count>(request, seed, rows);
}

}  // namespace

const component& sample_transform() {
  static const component self{
      .spec = {.name = "sample",
               .kind = component_kind::transform,
               .summary = "Keeps some rows by chance",
               .description = "`rows` keeps exactly so many, or all where there are fewer; every choice has the same "
                              "chance, and they are held in memory. "
                              "`share` keeps each row with that chance. The same `seed` chooses the same rows of the "
                              "same input; without one, another choice "
                              "is made in each run. Rows stay in order.",
               .value = {.form = shape::object,
                         .help = "how many rows",
                         .required = true,
                         .elements = {{.name = "rows", .form = shape::integer, .help = "number of rows"},
                                      {.name = "share",
                                       .form = shape::one_of,
                                       .help = "share of the rows",
                                       .elements = {{.form = shape::text, .help = "\"1%\""},
                                                    {.form = shape::number, .help = "0.01"}}},
                                      {.name = "seed", .form = shape::integer, .help = "the same rows each time"}}},
               .law = "in = out + filtered",
               .example = R"yaml(version: 1
pipeline: some-airports
extract:
  airports:
    csv: { path: examples/data/airports.csv }
transform:
  some:
    from: airports
    sample: { rows: 5, seed: 1 }
load:
  show:
    from: some
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
