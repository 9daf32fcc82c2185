#include "engine/transforms/aggregates/accumulator.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>

#include <vector>

namespace sluice::aggregates {

namespace {

class count final : public accumulator {
 public:
  explicit count(bool star) : star_(star) {}

  status add(const grouped_rows& in) override {
    counts_.resize(in.group_count);
    auto* counts = counts_.data();
    if (star_ || in.values->null_count() == 0) {
      for (std::int64_t row = 0; row < in.rows; ++row) ++counts[in.groups[row]];
    } else if (in.values->type_id() != arrow::Type::NA) {
      for_each_valid(in.values->null_bitmap_data(), in.values->offset(), in.rows,
                     [&](std::int64_t row) { ++counts[in.groups[row]]; });
    }
    return {};
  }

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups) override {
    SLUICE_ASSIGN_ARROW(auto buffer, arrow::AllocateBuffer(static_cast<std::int64_t>(groups.size_bytes() * 2)),
                        "read counts");
    auto* out = reinterpret_cast<std::int64_t*>(buffer->mutable_data());
    for (const auto group : groups) *out++ = counts_[group];
    return std::shared_ptr<arrow::Array>(
        std::make_shared<arrow::Int64Array>(static_cast<std::int64_t>(groups.size()), std::move(buffer)));
  }

  [[nodiscard]] std::int64_t bytes() const override { return static_cast<std::int64_t>(counts_.capacity() * 8); }

 private:
  bool star_;
  std::vector<std::int64_t> counts_;
};

}  // namespace

accumulator_ptr make_count(bool star) { return std::make_unique<count>(star); }

}  // namespace sluice::aggregates
