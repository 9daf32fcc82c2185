#include "engine/columns/typed/fixed_kinds.hpp"
#include "engine/formats/csv/column_base.hpp"
#include "engine/formats/csv/wide_kinds.hpp"
#include "engine/values/ascii.hpp"

namespace sluice::csv {

namespace {

/// Fills columns whose values have one width.
template <class Kind>
class fixed_builder final : public builder_base {
 public:
  using value = typename Kind::value;

  fixed_builder(builder_request what, typed::column into, zone_clock zone)
      : builder_base(std::move(what), std::move(into)), zone_(std::move(zone)) {
    rules_ = {.inferred = what_.plan.inferred, .precision = into_.precision, .scale = into_.scale, .zone = &zone_};
    if (step_ == 1) wide_ = wide_reader<Kind>(best_simd_level());
    carefully_ = escapes_ || into_.forms != nullptr;
    // A null token that could be a value must be looked for first.
    const typed::value_rules any_spelling = {.precision = into_.precision, .scale = into_.scale, .zone = &zone_};
    for (const auto& token : what_.nulls.tokens()) {
      value ignored{};
      if (!carefully_ && Kind::read(ascii::trimmed(token), any_spelling, ignored)) carefully_ = true;
    }
  }

  status start(std::int64_t rows) override {
    forget();
    (void)into_.values.room(rows * static_cast<std::int64_t>(sizeof(value)));
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

 private:
  template <bool Trim, bool Carefully>
  void append_rows(const record_block& in) {
    auto* const out = reinterpret_cast<value*>(into_.values.room(in.rows * static_cast<std::int64_t>(sizeof(value))));
    const bool trim = Trim && trims(in);
    const auto rules = rules_;
    const auto row = into_.length;
    for (std::int64_t i = Trim ? 0 : append_wide(in, out); i < in.rows; ++i) {
      const auto text = field(in, i, trim);
      if (Carefully || !Kind::fast(text.begin, text.size(), rules, out[i])) [[unlikely]]
        slowly(row + i, text, out[i]);
    }
    into_.values.advance_to(reinterpret_cast<const std::uint8_t*>(out + in.rows));
    into_.length += in.rows;
  }

  /// Converts as many rows as can be at once, from the first; their number.
  std::int64_t append_wide(const record_block& in, value* out) {
    if (wide_ == nullptr) return 0;
    odd_rows_.clear();
    const auto done = wide_(in, what_.field, rules_.inferred, out, odd_rows_);
    for (const auto row : odd_rows_) {
      const auto text = field(in, row, false);
      if (!Kind::fast(text.begin, text.size(), rules_, out[row])) slowly(into_.length + row, text, out[row]);
    }
    return done;
  }

  [[gnu::noinline]] void slowly(std::int64_t row, span raw, value& out) {
    out = value{};
    if (raw.size() == 0 && what_.nulls.empty_is_null()) return add_null(row);
    const auto content = unquote_.content(raw.begin, raw.end);
    if (!content.broken && what_.nulls.is_null(content.text)) return add_null(row);
    const auto text = rules_.inferred ? content.text : ascii::trimmed(content.text);
    if (!content.broken && typed::read_any_form<Kind>(text, rules_, into_.forms.get(), plain_, out)) return;
    out = value{};
    add_fault(row, content.broken ? fault::invalid_quotes : fault::invalid_value,
              {reinterpret_cast<const char*>(raw.begin), raw.size()});
  }

  zone_clock zone_;
  typed::value_rules rules_;
  bool carefully_ = false;
  std::string plain_;
  read_wide<value> wide_ = nullptr;
  std::vector<std::uint32_t> odd_rows_;  ///< that were not in the plain form
};

}  // namespace

std::unique_ptr<column_builder> make_fixed_builder(builder_request what, typed::column into, zone_clock zone) {
  const auto kind = into.kind;
  return typed::visit_fixed(kind, [&]<class Kind>(Kind) -> std::unique_ptr<column_builder> {
    return std::make_unique<fixed_builder<Kind>>(std::move(what), std::move(into), zone);
  });
}

}  // namespace sluice::csv
