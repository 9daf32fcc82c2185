#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/protection/changed_columns.hpp"
#include "engine/operators/protection/value_cipher.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/type.h>

namespace sluice {

namespace {

using namespace protection;

class encrypted final : public column_change {
 public:
  explicit encrypted(std::shared_ptr<value_cipher> cipher) : cipher_(std::move(cipher)) {}
  [[nodiscard]] std::shared_ptr<arrow::DataType> type(const arrow::DataType&) const override { return arrow::utf8(); }
  result<std::shared_ptr<arrow::Array>> change(const arrow::Array& column, row_errors& errors) override {
    return map_texts(
        column, errors,
        [&](std::string_view value, std::string& out) -> result<bool> {
          SLUICE_TRY(cipher_->encrypt(value, out));
          return true;
        },
        "", "");
  }

 private:
  std::shared_ptr<value_cipher> cipher_;
};

void report_at(diagnostics& faults, const std::string& option, error problem) {
  problem.path = "/encrypt/" + option;
  faults.push_back(std::move(problem));
}

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "encrypt", 1, faults)) return nullptr;
  const auto before = faults.size();
  const auto id = request.own.value("key_id", std::string());
  if (!is_key_id(id))
    report_at(
        faults, "key_id",
        user_error("invalid_option", "key_id has letters, digits, - and _, at most 32, found " + id, "key_id: k1"));
  std::shared_ptr<value_cipher> cipher;
  if (const auto key = read_key(request.own.value("key", std::string())); !key.ok()) {
    report_at(faults, "key", key.problem());
  } else if (auto made = value_cipher::make(*key, id, request.own.value("joinable", false)); !made.ok()) {
    faults.push_back(made.problem());
  } else {
    cipher = std::move(*made);
  }
  std::vector<changed_column> columns;
  const auto names = request.own.value("columns", options::array());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto at = std::to_string(i);
    const auto column =
        find_column(request, 0, names[i].get<std::string>(), pointer({"encrypt", "columns", at}), faults);
    if (!column) continue;
    const auto& type = *request.inputs.front().schema->field(*column)->type();
    if (is_unknown(type)) continue;
    if (type.num_fields() > 0)
      report_at(
          faults, "columns/" + at,
          user_error("invalid_option",
                     "column " + names[i].get<std::string>() + " is " + type_name(type) + ", which can't be encrypted",
                     "select its fields before, or cast it to text"));
    columns.push_back({*column, std::make_unique<encrypted>(cipher)});
  }
  if (names.empty())
    report_at(faults, "columns", user_error("invalid_option", "encrypt has no columns", "columns: [iban]"));
  if (faults.size() > before || has_unknown_columns(request)) return make_stand_in(request.inputs.front().schema);
  return change_columns(request, std::move(columns));
}

}  // namespace

const component& encrypt_transform() {
  static const component self{
      .spec =
          {.name = "encrypt",
           .kind = component_kind::transform,
           .summary = "Encrypts columns",
           .description =
               "A value becomes text: `enc1:KEY_ID:` and base64 of a random nonce, AES-256-GCM and its tag. The same "
               "value is different each time. With `joinable: true` equal values give equal texts, so that they can "
               "be joined and grouped (`siv1:KEY_ID:`, AES-256-SIV): who reads them sees which values are equal. "
               "Values that are not text are encrypted as CSV shows them. Null stays null.\n\n"
               "`key` is a secret: 32 bytes, as 64 hexadecimal digits or in base64 (`openssl rand -hex 32`). `key_id` "
               "names it in the values, so that [decrypt](transform-decrypt.md) finds the right key after it was "
               "replaced. Encrypt at most 4 billion values with one key, or use `joinable`.",
           .value = {.form = shape::object,
                     .help = "the columns, and the key",
                     .required = true,
                     .elements =
                         {{.name = "columns",
                           .form = shape::list,
                           .help = "columns to encrypt",
                           .required = true,
                           .elements = {{.form = shape::column, .help = "a column"}}},
                          {.name = "key", .form = shape::text, .help = "a secret: \"${secret:k1}\"", .required = true},
                          {.name = "key_id", .form = shape::text, .help = "name of the key", .required = true},
                          {.name = "joinable",
                           .form = shape::boolean,
                           .help = "whether equal values give equal texts",
                           .default_value = false}}},
           .law = "in = out",
           .example = R"yaml(version: 1
pipeline: encrypted-airports
extract:
  airports:
    csv: { path: examples/data/airports.csv }
    columns: [faa, name]
transform:
  sealed:
    from: airports
    encrypt: { columns: [name], key: "${secret:AIRPORT_KEY}", key_id: k1 }
load:
  show:
    from: sealed
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
