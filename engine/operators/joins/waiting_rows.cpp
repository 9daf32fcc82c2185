#include "engine/operators/joins/waiting_rows.hpp"

namespace sluice::joins {

void waiting_rows::add(keyed_rows rows) {
  bytes_ += bytes_of(rows);
  held_.push_back(std::move(rows));
}

result<std::optional<keyed_rows>> waiting_rows::take(memory::spill_file* file) {
  std::optional<keyed_rows> first;
  if (early_at_ < early_.size()) {
    const auto& block = early_[early_at_++];
    SLUICE_ASSIGN(first, read_rows(*file, *layout_, block, columns_));
    file->drop(block);
  } else if (!held_.empty()) {
    first = std::move(held_.front());
    held_.pop_front();
    bytes_ -= bytes_of(*first);
  }
  return first;
}

status waiting_rows::spill(memory::spill_file& file) {
  for (; !held_.empty(); held_.pop_front()) {
    SLUICE_ASSIGN(auto block, write_rows(file, *layout_, held_.front()));
    early_.push_back(std::move(block));
  }
  bytes_ = 0;
  return {};
}

status waiting_rows::each(const memory::spill_file* file, const std::function<status(const keyed_rows&)>& take) const {
  for (auto at = early_at_; at < early_.size(); ++at) {
    SLUICE_ASSIGN(const auto rows, read_rows(*file, *layout_, early_[at], columns_));
    SLUICE_TRY(take(rows));
  }
  for (const auto& one : held_) {
    const auto taken = take(one);
    if (!taken.ok()) return taken;
  }
  return {};
}

std::uint64_t waiting_rows::rows() const {
  std::int64_t rows = 0;
  for (auto at = early_at_; at < early_.size(); ++at) rows += early_[at].rows;
  for (const auto& one : held_) rows += one.rows.rows();
  return static_cast<std::uint64_t>(rows);
}

}  // namespace sluice::joins
