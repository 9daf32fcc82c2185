#include "engine/sinks/history/history_sink.hpp"

#include "engine/component/may_be_down.hpp"
#include "engine/component/reads_back.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/keys/key_encoding.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <xxhash.h>

#include <algorithm>

namespace sluice::history {

namespace {

/// As the transform surrogate_key makes it.
result<std::shared_ptr<arrow::Array>> hash_of(const std::vector<std::shared_ptr<arrow::Array>>& columns,
                                              std::int64_t rows) {
  constexpr char digits[] = "0123456789abcdef";
  constexpr std::int64_t block = 4096;
  flow::block_encoder encoder;
  arrow::StringBuilder keys;
  SLUICE_TRY_ARROW(keys.Reserve(rows), "make keys");
  SLUICE_TRY_ARROW(keys.ReserveData(rows * 32), "make keys");
  for (std::int64_t begin = 0; begin < rows; begin += block) {
    const auto count = std::min(block, rows - begin);
    SLUICE_TRY(encoder.encode(columns, begin, count));
    for (std::int64_t row = 0; row < count; ++row) {
      const auto bytes = encoder.row(row);
      XXH128_canonical_t hash;
      XXH128_canonicalFromHash(&hash, XXH3_128bits(bytes.data(), bytes.size()));
      char text[32];
      for (std::size_t i = 0; i < 16; ++i) {
        text[2 * i] = digits[hash.digest[i] >> 4];
        text[2 * i + 1] = digits[hash.digest[i] & 15];
      }
      keys.UnsafeAppend(text, sizeof text);
    }
  }
  SLUICE_ASSIGN_ARROW(auto made, keys.Finish(), "make keys");
  return made;
}

class history_sink final : public sink, public may_be_down, public reads_back {
 public:
  history_sink(std::unique_ptr<sink> inner, const sink_request& request, std::shared_ptr<const history_rule> rule)
      : inner_(std::move(inner)), rule_(std::move(rule)), policy_(request.policy) {}

  status open(std::uint32_t attempt) override { return inner_->open(attempt); }

  status write(const batch& rows, row_errors& refused) override {
    if (rows.rows() == 0) return {};
    const auto& made_by = rule_->is_scd2 ? rule_->at : rule_->delete_when;
    expression::evaluated value;
    if (made_by) {
      SLUICE_ASSIGN(value, made_by->evaluate(rows));
      refuse_nulls(value);
      if (!value.errors.empty() && policy_ != on_error::reject) return failed(value.errors.front());
    } else {
      arrow::BooleanBuilder none;
      SLUICE_TRY_ARROW(none.AppendValues(std::vector<bool>(static_cast<std::size_t>(rows.rows()), false)), "mark rows");
      SLUICE_TRY_ARROW(none.Finish(&value.values), "mark rows");
    }
    SLUICE_ASSIGN(auto staged, staged_rows(rows, std::move(value.values)));
    written_ += static_cast<std::uint64_t>(rows.rows());
    if (value.errors.empty()) return inner_->write(staged, refused);
    return write_others(staged, value.errors, refused);
  }

  result<prepared_epoch> prepare(std::uint64_t epoch) override { return inner_->prepare(epoch); }
  status commit(const std::string& token) override { return inner_->commit(token); }
  status recover(const std::vector<std::string>& tokens) override { return inner_->recover(tokens); }
  status keep(const std::vector<std::string>& tokens) override { return inner_->keep(tokens); }
  /// Each epoch would take what the others have brought for gone.
  [[nodiscard]] bool one_epoch() const override { return rule_->closes_gone; }
  void abort() noexcept override { inner_->abort(); }
  void interrupt() noexcept override { inner_->interrupt(); }
  [[nodiscard]] std::optional<down_state> down() const override { return down_of(inner_.get()); }
  result<std::vector<staged_source>> staged(const std::string& token) override {
    auto* const inner = dynamic_cast<reads_back*>(inner_.get());
    return inner == nullptr ? std::vector<staged_source>() : inner->staged(token);
  }
  [[nodiscard]] bool stages(const std::string& column) const override {
    return rule_->staged->GetFieldIndex(column) >= 0;
  }

 private:
  void refuse_nulls(expression::evaluated& value) const {
    if (!rule_->is_scd2) return;
    row_errors all;
    auto next = value.errors.begin();
    for (std::int64_t row = 0; row < value.values->length(); ++row) {
      if (value.values->IsValid(row)) continue;
      while (next != value.errors.end() && next->row < row) ++next;
      if (next != value.errors.end() && next->row == row)
        all.push_back(*next);
      else
        all.push_back({row, "constraint_violated", valid_from, "the time of at is null"});
    }
    value.errors = std::move(all);
  }

  [[nodiscard]] error failed(const row_error& why) const {
    const auto* option = rule_->is_scd2 ? "scd2: at" : "merge: delete_when";
    return user_error(why.code,
                      std::string(option) + ", row " +
                          std::to_string(written_ + static_cast<std::uint64_t>(why.row) + 1) + ": " + why.message,
                      "correct it in a unit before, or reject such rows: on_error: reject");
  }

  [[nodiscard]] result<batch> staged_rows(const batch& rows, const std::shared_ptr<arrow::Array>& value) const {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (int i = 0; i < rows.data->num_columns(); ++i)
      if (i != rule_->only_for_delete) columns.push_back(rows.data->column(i));
    columns.push_back(value);
    if (rule_->is_scd2) {
      if (!rule_->surrogate.empty()) {
        std::vector<std::shared_ptr<arrow::Array>> keys;
        for (const auto& name : rule_->key) {
          SLUICE_ASSIGN(auto key, canonical_key(rows.data->GetColumnByName(name)));
          keys.push_back(std::move(key));
        }
        SLUICE_ASSIGN(auto from, canonical_key(value));
        keys.push_back(std::move(from));
        SLUICE_ASSIGN(auto surrogate, hash_of(keys, rows.rows()));
        columns.push_back(std::move(surrogate));
      }
    }
    return rows.with(arrow::RecordBatch::Make(rule_->staged, rows.rows(), std::move(columns)));
  }

  status write_others(const batch& staged, const row_errors& bad, row_errors& refused) {
    std::vector<std::int32_t> good;
    auto next = bad.begin();
    for (std::int64_t row = 0; row < staged.rows(); ++row) {
      while (next != bad.end() && next->row < row) ++next;
      if (next == bad.end() || next->row != row) good.push_back(static_cast<std::int32_t>(row));
    }
    row_errors inner;
    SLUICE_TRY(inner_->write(
        take_rows(staged, arrow::Int32Array(static_cast<std::int64_t>(good.size()), arrow::Buffer::Wrap(good))),
        inner));
    for (auto& each : inner) each.row = good[static_cast<std::size_t>(each.row)];
    inner.insert(inner.end(), bad.begin(), bad.end());
    std::stable_sort(inner.begin(), inner.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
    refused.insert(refused.end(), inner.begin(), inner.end());
    return {};
  }

  std::unique_ptr<sink> inner_;
  std::shared_ptr<const history_rule> rule_;
  on_error policy_;
  std::uint64_t written_ = 0;
};

}  // namespace

std::unique_ptr<sink> with_history_columns(std::unique_ptr<sink> inner, const sink_request& request,
                                           std::shared_ptr<const history_rule> rule) {
  return std::make_unique<history_sink>(std::move(inner), request, std::move(rule));
}

}  // namespace sluice::history
