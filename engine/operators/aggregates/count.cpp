#include "engine/operators/aggregates/accumulator.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>

#include <vector>

namespace sluice::aggregates {

namespace {

class count final : public accumulator {
 public:
  explicit count(bool star) : star_(star) {}

  status add(const grouped_rows& in) override {
    rows_ = in.row_counts;
    if (!star_) values_.add(in);
    return {};
  }

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups, const expression::aggregate_call&,
                                               row_errors&) override {
    SLUICE_ASSIGN_ARROW(auto buffer, arrow::AllocateBuffer(static_cast<std::int64_t>(groups.size_bytes() * 2)),
                        "read counts");
    auto* out = reinterpret_cast<std::int64_t*>(buffer->mutable_data());
    for (const auto group : groups) *out++ = star_ ? (*rows_)[group] : values_[group];
    return std::shared_ptr<arrow::Array>(
        std::make_shared<arrow::Int64Array>(static_cast<std::int64_t>(groups.size()), std::move(buffer)));
  }

  [[nodiscard]] std::int64_t bytes() const override { return values_.bytes(); }
  status save(std::span<const std::uint32_t> groups, const arrivals&, arrow::ArrayVector& to) override {
    return star_ ? status{} : values_.save(groups, to);
  }
  status load(saved_columns& from, const grouped_rows& to) override {
    rows_ = to.row_counts;
    return star_ ? status{} : values_.load(from, to);
  }

 private:
  bool star_;
  const std::vector<std::int64_t>* rows_ = nullptr;
  value_counts values_;
};

}  // namespace

accumulator_ptr make_count(bool star) { return std::make_unique<count>(star); }

}  // namespace sluice::aggregates
