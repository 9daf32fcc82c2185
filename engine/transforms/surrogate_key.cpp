#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/keys/key_encoding.hpp"
#include "engine/operators/keys/key_hash.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <xxhash.h>

#include <vector>

namespace sluice {

namespace {

class surrogate_key final : public single_output {
 public:
  surrogate_key(const transform_request& request, std::shared_ptr<arrow::Schema> made, std::vector<int> keys)
      : single_output(request, std::move(made)), input_(request.inputs.front().schema), keys_(std::move(keys)) {}

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(input_);
    columns.add(keys_);
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  status process(int, batch in, emitter& out) override {
    constexpr std::int64_t block = 4096;
    arrow::StringBuilder keys;
    SLUICE_TRY_ARROW(keys.Reserve(in.rows()), "make keys");
    SLUICE_TRY_ARROW(keys.ReserveData(in.rows() * 32), "make keys");
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const int column : keys_) {
      SLUICE_ASSIGN(auto value, canonical_key(in.data->column(column)));
      columns.push_back(std::move(value));
    }
    for (std::int64_t begin = 0; begin < in.rows(); begin += block) {
      const auto rows = std::min(block, in.rows() - begin);
      SLUICE_TRY(encoder_.encode(columns, begin, rows));
      for (std::int64_t row = 0; row < rows; ++row) {
        const auto bytes = encoder_.row(row);
        XXH128_canonical_t hash;
        XXH128_canonicalFromHash(&hash, XXH3_128bits(bytes.data(), bytes.size()));
        char text[32];
        for (std::size_t i = 0; i < 16; ++i) {
          constexpr char digits[] = "0123456789abcdef";
          text[2 * i] = digits[hash.digest[i] >> 4];
          text[2 * i + 1] = digits[hash.digest[i] & 15];
        }
        keys.UnsafeAppend(text, sizeof text);
      }
    }
    SLUICE_ASSIGN_ARROW(auto made, keys.Finish(), "make keys");
    auto all = in.data->columns();
    all.push_back(std::move(made));
    out.emit(0, made_from(in, std::move(all)));
    return {};
  }

 private:
  std::shared_ptr<arrow::Schema> input_;
  std::vector<int> keys_;
  flow::block_encoder encoder_;
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "surrogate_key", 1, faults)) return nullptr;
  const auto before = faults.size();
  const auto& input = *request.inputs.front().schema;
  const auto names = request.own.value("of", options::array());
  std::vector<int> keys;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto path = pointer({"surrogate_key", "of", std::to_string(i)});
    const auto column = find_column(request, 0, names[i].get<std::string>(), path, faults);
    if (!column || is_unknown(*input.field(*column)->type())) continue;
    keys.push_back(*column);
    if (auto checked = flow::check_key_type(*input.field(*column)->type(), input.field(*column)->name());
        !checked.ok()) {
      auto fault = checked.problem();
      fault.path = path;
      faults.push_back(std::move(fault));
    }
  }
  if (names.empty()) {
    auto fault =
        user_error("invalid_option", "surrogate_key has no columns", "surrogate_key: { as: sk, of: [source, id] }");
    fault.path = "/surrogate_key/of";
    faults.push_back(std::move(fault));
  }
  auto fields = input.fields();
  fields.push_back(arrow::field(request.own.value("as", std::string()), arrow::utf8()));
  check_unique(fields, "/surrogate_key", "give the key another name: as: sk", faults);
  if (faults.size() > before || has_unknown_columns(request)) return make_stand_in(arrow::schema(std::move(fields)));
  return std::make_unique<surrogate_key>(request, arrow::schema(std::move(fields)), std::move(keys));
}

}  // namespace

const component& surrogate_key_transform() {
  static const component self{
      .spec = {.name = "surrogate_key",
               .kind = component_kind::transform,
               .summary = "Adds a key that is computed from columns",
               .description = "The key is 32 hexadecimal digits: XXH3-128 of the values of `of`, in that order. Rows "
                              "with equal values get the same "
                              "key in every run, and null is a value like any other. Integers of different widths that "
                              "are equal give the same key; "
                              "`1` and `'1'` do not.",
               .value = {.form = shape::object,
                         .help = "the columns, and the name of the key",
                         .required = true,
                         .elements =
                             {{.name = "as", .form = shape::text, .help = "name of the new column", .required = true},
                              {.name = "of",
                               .form = shape::list,
                               .help = "columns of the key",
                               .required = true,
                               .elements = {{.form = shape::column, .help = "a column"}}}}},
               .law = "in = out",
               .example = R"yaml(version: 1
pipeline: keys-of-airports
extract:
  airports:
    csv: { path: examples/data/airports.csv }
    columns: [faa, name]
transform:
  keyed:
    from: airports
    surrogate_key: { as: airport_sk, of: [faa] }
load:
  show:
    from: keyed
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
