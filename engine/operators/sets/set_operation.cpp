#include "engine/operators/sets/set_operation.hpp"

#include "engine/component/stand_in.hpp"
#include "engine/memory/manager.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/common_type.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/keys/key_hash.hpp"
#include "engine/values/positions.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

namespace sluice {

namespace {

// The distinct rows of all inputs, and which inputs have them. They are all held in memory.
class set_transform final : public single_output {
 public:
  set_transform(const transform_request& request, std::shared_ptr<arrow::Schema> made, set_operation what,
                std::vector<std::vector<int>> columns)
      : single_output(request, std::move(made)),
        what_(what),
        columns_(std::move(columns)),
        memory_(request.context->memory, request.unit) {}

  // Which of two equal rows is first does not show; the order of the first input is kept.
  [[nodiscard]] partitioning input_partitioning(int) const override { return {.how = partitioning::kind::single}; }
  [[nodiscard]] bool needs_order() const override { return true; }
  [[nodiscard]] bool keeps_order() const override { return false; }
  [[nodiscard]] std::optional<std::string> needs_end(int) const override { return "compare bounded sources"; }
  [[nodiscard]] std::uint64_t held() const override { return counted_ ? 0 : taken_ - given_; }

  status process(int input, batch in, emitter& out) override {
    positions_ = positions_ || in.positions != nullptr;
    SLUICE_TRY(prepare());
    std::vector<std::shared_ptr<arrow::Array>> keys;
    for (std::size_t i = 0; i < columns_[static_cast<std::size_t>(input)].size(); ++i) {
      SLUICE_ASSIGN(auto column, widen(in.data->column(columns_[static_cast<std::size_t>(input)][i]),
                                       schema()->field(static_cast<int>(i))->type()));
      SLUICE_ASSIGN(column, canonical_key(std::move(column)));
      keys.push_back(std::move(column));
    }
    const auto* groups = index_->add(keys, in.rows());
    seen_in_.resize(index_->size());
    first_at_.resize(index_->size(), -1);
    for (std::int64_t row = 0; row < in.rows(); ++row) {
      const auto group = groups[row];
      seen_in_[group] |= std::uint64_t{1} << input;
      if (input == 0 && first_at_[group] < 0) first_at_[group] = next_++;
    }
    taken_ += static_cast<std::uint64_t>(in.rows());
    (void)out;
    return memory_.resize(index_->bytes() + std::ssize(first_at_) * 16);
  }

  status finish(int, emitter&) override {
    if (++ended_ < columns_.size()) return {};
    SLUICE_TRY(prepare());
    const auto others = (std::uint64_t{1} << columns_.size()) - 2;
    for (std::uint32_t group = 0; group < index_->size(); ++group) {
      if (first_at_[group] < 0) continue;
      const auto elsewhere = seen_in_[group] & others;
      if (what_ == set_operation::intersect ? elsewhere == others : elsewhere == 0) chosen_.push_back(group);
    }
    std::sort(chosen_.begin(), chosen_.end(), [&](auto a, auto b) { return first_at_[a] < first_at_[b]; });
    return {};
  }

  result<bool> resume(emitter& out) override {
    if (ended_ < columns_.size() || counted_) return false;
    const auto count = std::min<std::size_t>(target_batch_rows, chosen_.size() - given_);
    if (count == 0) {
      counted_ = true;
      out.count_merged(taken_ - given_);
      return false;
    }
    SLUICE_ASSIGN(auto columns, index_->keys(std::span(chosen_).subspan(given_, count)));
    given_ += count;
    batch made;
    made.data = arrow::RecordBatch::Make(schema(), static_cast<std::int64_t>(count), std::move(columns));
    if (positions_) made.positions = unknown_positions(static_cast<std::int64_t>(count));
    out.emit(0, std::move(made));
    return true;
  }

  result<std::vector<state_part>> state(key_groups of) override {
    std::vector<state_part> parts;
    if (!of.contains(0) || !index_ || counted_) return parts;
    std::vector<std::uint32_t> all(index_->size());
    std::iota(all.begin(), all.end(), 0U);
    SLUICE_ASSIGN(auto keys, index_->keys(all));
    parts.push_back({"keys", held::unnamed(std::ssize(all), std::move(keys))});
    SLUICE_ASSIGN(auto counts,
                  held::numbers("counts", {static_cast<std::int64_t>(taken_), next_, std::int64_t{positions_}}));
    parts.push_back(std::move(counts));
    SLUICE_ASSIGN(auto first, held::numbers("first", first_at_));
    parts.push_back(std::move(first));
    SLUICE_ASSIGN(auto seen, held::numbers("seen", {seen_in_.begin(), seen_in_.end()}));
    parts.push_back(std::move(seen));
    return parts;
  }
  status restore(const std::vector<state_part>& parts) override {
    SLUICE_TRY(prepare());
    for (const auto& part : parts) {
      const auto count = static_cast<std::size_t>(part.rows->num_rows());
      if (part.name == "keys") {
        index_->add(part.rows->columns(), part.rows->num_rows());
      } else if (part.name == "counts") {
        SLUICE_ASSIGN(const auto numbers, held::numbers_of(part, 3));
        taken_ = static_cast<std::uint64_t>(numbers[0]);
        next_ = numbers[1];
        positions_ = numbers[2] != 0;
      } else if (part.name == "first") {
        SLUICE_ASSIGN(first_at_, held::numbers_of(part, count));
      } else if (part.name == "seen") {
        SLUICE_ASSIGN(const auto numbers, held::numbers_of(part, count));
        seen_in_.assign(numbers.begin(), numbers.end());
      }
    }
    return {};
  }

 private:
  status prepare() {
    if (index_) return {};
    std::vector<std::shared_ptr<arrow::DataType>> types;
    for (const auto& field : schema()->fields()) types.push_back(field->type());
    SLUICE_ASSIGN(index_, group_index::make(types));
    return {};
  }

  set_operation what_;
  std::vector<std::vector<int>> columns_;  ///< of each input, at the place in the output
  memory::reservation memory_;
  std::unique_ptr<group_index> index_;
  std::vector<std::uint64_t> seen_in_;  ///< a bit for each input
  std::vector<std::int64_t> first_at_;  ///< place in the first input, or -1
  std::vector<std::uint32_t> chosen_;
  std::int64_t next_ = 0;
  std::uint64_t taken_ = 0, given_ = 0;
  std::size_t ended_ = 0;
  bool positions_ = false, counted_ = false;
};

}  // namespace

std::unique_ptr<transform> make_set_operation(const transform_request& request, set_operation what,
                                              diagnostics& faults) {
  const std::string name = what == set_operation::intersect ? "intersect" : "except";
  const auto before = faults.size();
  const auto fault = [&](const char* code, std::string message, std::string hint) {
    auto made = user_error(code, std::move(message), std::move(hint));
    made.path = "/" + name;
    faults.push_back(std::move(made));
  };
  if (request.inputs.size() < 2 || request.inputs.size() > 32) {
    fault("wrong_number_of_inputs", name + " takes 2 to 32 inputs, found " + std::to_string(request.inputs.size()),
          "from: [all, known]");
    return nullptr;
  }
  if (has_unknown_columns(request)) return make_stand_in(request.inputs.front().schema);
  auto fields = request.inputs.front().schema->fields();
  std::vector<std::vector<int>> columns(request.inputs.size());
  for (auto& field : fields) {
    for (std::size_t input = 0; input < request.inputs.size(); ++input) {
      const auto& schema = *request.inputs[input].schema;
      const int at = schema.GetFieldIndex(field->name());
      if (at < 0) {
        fault("unknown_column",
              request.inputs[input].unit + " has no column " + field->name() + ", which " +
                  request.inputs.front().unit + " has",
              "select the same columns in all inputs");
        continue;
      }
      columns[input].push_back(at);
      const auto type = common_type(field->type(), schema.field(at)->type());
      if (!type) {
        fault("type_mismatch",
              "the column " + field->name() + " is " + type_name(*field->type()) + " in one input and " +
                  type_name(*schema.field(at)->type()) + " in another",
              "cast one of them");
        continue;
      }
      field = field->WithType(canonical_key_type(type));
    }
    if (auto checked = flow::check_key_type(*field->type(), field->name()); !checked.ok()) {
      auto made = checked.problem();
      made.path = "/" + name;
      faults.push_back(std::move(made));
    }
  }
  for (const auto& input : request.inputs)
    if (input.schema->num_fields() != static_cast<int>(fields.size()) && faults.size() == before)
      fault("unknown_column",
            input.unit + " has " + std::to_string(input.schema->num_fields()) + " columns, " +
                request.inputs.front().unit + " has " + std::to_string(fields.size()),
            "select the same columns in all inputs");
  auto schema = arrow::schema(std::move(fields));
  if (faults.size() > before) return make_stand_in(std::move(schema));
  return std::make_unique<set_transform>(request, std::move(schema), what, std::move(columns));
}

}  // namespace sluice
