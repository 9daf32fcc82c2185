#include "engine/formats/csv/column_base.hpp"
#include "engine/formats/csv/fixed_kinds.hpp"
#include "engine/values/time_zone.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/result.h>

#include <cstring>
#include <optional>

namespace sluice::csv {

namespace {

/// Builds columns whose values have one width.
template <class Kind>
class fixed_builder : public builder_base {
 public:
  using value = typename Kind::value;

  explicit fixed_builder(builder_request what) : builder_base(std::move(what)) {
    rules_.inferred = what_.plan.inferred;
    if (const auto* decimal = dynamic_cast<const arrow::DecimalType*>(what_.plan.type.get())) {
      rules_.precision = decimal->precision();
      rules_.scale = decimal->scale();
    }
    if constexpr (requires { Kind::wide(simd_level::scalar); })
      if (step_ == 1) wide_ = Kind::wide(best_simd_level());
    const bool changed_number = what_.plan.decimal != '.' || what_.plan.thousands != '\0';
    carefully_ = escapes_ || changed_number || !what_.plan.formats.empty();
    // A null token that could be a value must be looked for first.
    for (const auto& token : what_.nulls.tokens()) {
      value ignored{};
      if (!carefully_ && Kind::read(trim_blanks(token), value_rules{false, rules_.precision, rules_.scale}, ignored))
        carefully_ = true;
    }
  }

  status start(std::int64_t rows) override {
    start_rows(rows);
    SLUICE_ASSIGN_ARROW(values_, arrow::AllocateBuffer(rows * static_cast<std::int64_t>(sizeof(value))), "read CSV");
    return {};
  }

  status append(const record_block& in) override {
    if (carefully_) {
      append_rows<true, true>(in);
    } else if (trims(in)) {
      append_rows<true, false>(in);
    } else {
      append_rows<false, false>(in);
    }
    return {};
  }

  void keep(std::span<const std::uint32_t> rows) override {
    auto* const values = reinterpret_cast<value*>(values_->mutable_data());
    // A row never moves up, so that none is overwritten before it was read.
    for (std::size_t i = 0; i < rows.size(); ++i) values[i] = values[rows[i]];
    keep_nulls(rows);
  }

  result<std::shared_ptr<arrow::Array>> finish() override {
    SLUICE_ASSIGN(auto bits, validity());
    std::shared_ptr<arrow::Buffer> values = std::move(values_);
    auto data = arrow::ArrayData::Make(what_.plan.type, rows_, {std::move(bits), std::move(values)},
                                       static_cast<std::int64_t>(null_rows_.size()));
    return arrow::MakeArray(data);
  }

 protected:
  /// Reads a value in any of its forms; blanks around it are gone.
  virtual bool read(std::string_view text, std::int64_t row, value& out) {
    (void)row;
    if (!what_.plan.formats.empty()) return read_formats(text, out);
    if (Kind::number && (what_.plan.decimal != '.' || what_.plan.thousands != '\0')) {
      if (!plain_number(text, what_.plan.decimal, what_.plan.thousands, number_)) return false;
      text = number_;
    }
    return Kind::read(text, rules_, out);
  }

  bool read_formats(std::string_view text, value& out) {
    if constexpr (requires(const moment& when) { Kind::of(when, out); }) {
      for (const auto& format : what_.plan.formats) {
        moment when;
        if (read_formatted(text, format, when) && Kind::of(when, out)) return true;
      }
    }
    return false;
  }

  template <bool Trim, bool Carefully>
  void append_rows(const record_block& in) {
    auto* const out = reinterpret_cast<value*>(values_->mutable_data()) + rows_;
    const bool trim = Trim && trims(in);
    const auto rules = rules_;
    for (std::int64_t i = Trim ? 0 : append_wide(in, out); i < in.rows; ++i) {
      const auto text = field(in, i, trim);
      if (Carefully || !Kind::fast(text.begin, text.size(), rules, out[i])) [[unlikely]]
        slowly(rows_ + i, text, out[i]);
    }
    rows_ += in.rows;
  }

  /// Converts as many rows as can be at once, from the first; their number.
  std::int64_t append_wide(const record_block& in, value* out) {
    if constexpr (requires { Kind::wide(simd_level::scalar); }) {
      if (wide_ == nullptr) return 0;
      odd_rows_.clear();
      const auto done = wide_(in, what_.field, rules_.inferred, out, odd_rows_);
      for (const auto row : odd_rows_) {
        const auto text = field(in, row, false);
        if (!Kind::fast(text.begin, text.size(), rules_, out[row])) slowly(rows_ + row, text, out[row]);
      }
      return done;
    }
    return 0;
  }

  [[gnu::noinline]] void slowly(std::int64_t row, span raw, value& out) {
    if (raw.size() == 0 && what_.nulls.empty_is_null()) {
      out = value{};
      add_null(row);
      return;
    }
    const auto content = unquote_.content(raw.begin, raw.end);
    if (!content.broken && what_.nulls.is_null(content.text)) {
      out = value{};
      add_null(row);
      return;
    }
    if (!content.broken && read(rules_.inferred ? content.text : trim_blanks(content.text), row, out)) return;
    out = value{};
    add_fault(row, content.broken ? fault::invalid_quotes : fault::invalid_value,
              {reinterpret_cast<const char*>(raw.begin), raw.size()});
  }

  value_rules rules_;
  bool carefully_ = false;
  std::string number_;
  std::unique_ptr<arrow::Buffer> values_;
  read_wide<value> wide_ = nullptr;
  std::vector<std::uint32_t> odd_rows_;  ///< that were not in the plain form
};

/// Moments without offset are those of the run's time zone; they are moved to UTC all together, at the end.
class zoned_builder final : public fixed_builder<timestamp_kind> {
 public:
  explicit zoned_builder(builder_request what) : fixed_builder(std::move(what)) {
    is_utc_ = what_.timezone.empty() || what_.timezone == "UTC" || what_.timezone == "Etc/UTC";
    if (!is_utc_) carefully_ = true;
  }

  status start(std::int64_t rows) override {
    local_rows_.clear();
    return fixed_builder::start(rows);
  }

  void keep(std::span<const std::uint32_t> rows) override {
    fixed_builder::keep(rows);
    renumber(local_rows_, rows);
  }

  result<std::shared_ptr<arrow::Array>> finish() override {
    if (!local_rows_.empty()) SLUICE_TRY(move_to_utc());
    return fixed_builder::finish();
  }

 protected:
  bool read(std::string_view text, std::int64_t row, std::int64_t& out) override {
    moment when;
    bool fits = what_.plan.formats.empty() && read_moment(text, when);
    for (std::size_t i = 0; i < what_.plan.formats.size() && !fits; ++i)
      fits = read_formatted(text, what_.plan.formats[i], when);
    if (!fits || (rules_.inferred && !when.zoned)) return false;
    out = when.microseconds;
    if (!when.zoned && !is_utc_) local_rows_.push_back(row);
    return true;
  }

 private:
  status move_to_utc() {
    if (!zone_) {
      SLUICE_ASSIGN(zone_, zone_clock::find(what_.timezone));
    }
    auto* const values = reinterpret_cast<std::int64_t*>(values_->mutable_data());
    for (const auto row : local_rows_) values[row] = zone_->to_utc(values[row]);
    return {};
  }

  bool is_utc_ = true;
  std::optional<zone_clock> zone_;
  std::vector<std::int64_t> local_rows_;
};

/// Gathers bytes and packs them to bits at the end.
class boolean_builder final : public fixed_builder<boolean_kind> {
 public:
  using fixed_builder::fixed_builder;

  result<std::shared_ptr<arrow::Array>> finish() override {
    SLUICE_ASSIGN(auto bits, validity());
    SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> values, arrow::AllocateBuffer((rows_ + 7) / 8), "read CSV");
    std::memset(values->mutable_data(), 0, static_cast<std::size_t>(values->size()));
    for (std::int64_t i = 0; i < rows_; ++i) {
      values->mutable_data()[i >> 3] =
          static_cast<std::uint8_t>(values->data()[i >> 3] | (values_->data()[i] << (i & 7)));
    }
    auto data = arrow::ArrayData::Make(what_.plan.type, rows_, {std::move(bits), std::move(values)},
                                       static_cast<std::int64_t>(null_rows_.size()));
    return arrow::MakeArray(data);
  }
};

}  // namespace

std::unique_ptr<column_builder> make_fixed_builder(builder_request what) {
  const auto make = [&]<class Builder>(Builder*) { return std::make_unique<Builder>(std::move(what)); };
  switch (what.plan.type->id()) {
    case arrow::Type::BOOL:
      return make(static_cast<boolean_builder*>(nullptr));
    case arrow::Type::INT16:
      return make(static_cast<fixed_builder<integer_kind<std::int16_t>>*>(nullptr));
    case arrow::Type::INT32:
      return make(static_cast<fixed_builder<integer_kind<std::int32_t>>*>(nullptr));
    case arrow::Type::INT64:
      return make(static_cast<fixed_builder<bigint_kind>*>(nullptr));
    case arrow::Type::UINT64:
      return make(static_cast<fixed_builder<unsigned_kind>*>(nullptr));
    case arrow::Type::FLOAT:
      return make(static_cast<fixed_builder<float_kind>*>(nullptr));
    case arrow::Type::DOUBLE:
      return make(static_cast<fixed_builder<double_kind>*>(nullptr));
    case arrow::Type::DECIMAL128:
      return make(static_cast<fixed_builder<decimal128_kind>*>(nullptr));
    case arrow::Type::DECIMAL256:
      return make(static_cast<fixed_builder<decimal256_kind>*>(nullptr));
    case arrow::Type::DATE32:
      return make(static_cast<fixed_builder<date_kind>*>(nullptr));
    case arrow::Type::TIME64:
      return make(static_cast<fixed_builder<time_kind>*>(nullptr));
    case arrow::Type::TIMESTAMP:
      break;
    default:
      return nullptr;
  }
  const bool zoned = !static_cast<const arrow::TimestampType&>(*what.plan.type).timezone().empty();
  if (zoned) return make(static_cast<zoned_builder*>(nullptr));
  return make(static_cast<fixed_builder<timestamp_kind>*>(nullptr));
}

}  // namespace sluice::csv
