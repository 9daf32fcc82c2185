#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/protection/changed_columns.hpp"
#include "engine/operators/protection/value_cipher.hpp"
#include "engine/values/types.hpp"
#include "engine/values/utf8.hpp"

#include <arrow/array.h>
#include <arrow/type.h>

#include <map>

namespace sluice {

namespace {

using namespace protection;
using key_ring = std::map<std::string, std::unique_ptr<value_opener>, std::less<>>;

class decrypted final : public column_change {
 public:
  explicit decrypted(std::shared_ptr<key_ring> keys) : keys_(std::move(keys)) {}
  [[nodiscard]] std::shared_ptr<arrow::DataType> type(const arrow::DataType&) const override { return arrow::utf8(); }
  result<std::shared_ptr<arrow::Array>> change(const arrow::Array& column, row_errors& errors) override {
    return map_texts(
        column, errors,
        [&](std::string_view value, std::string& out) -> result<bool> {
          sealed_value sealed;
          if (!read_sealed(value, sealed)) return false;
          const auto key = keys_->find(sealed.key_id);
          return key != keys_->end() && key->second->decrypt(sealed, out) && is_utf8(out);
        },
        "decryption_failed", "the value is not encrypted, was changed, or needs another key");
  }

 private:
  std::shared_ptr<key_ring> keys_;
};

void report_at(diagnostics& faults, const std::string& option, error problem) {
  problem.path = "/decrypt/" + option;
  faults.push_back(std::move(problem));
}

void add_key(key_ring& ring, const std::string& id, const std::string& text, const std::string& option,
             diagnostics& faults) {
  if (!is_key_id(id))
    return report_at(faults, option,
                     user_error("invalid_option",
                                "the name of a key has letters, digits, - and _, at most "
                                "32, found " +
                                    id,
                                "key_id: k1"));
  auto key = read_key(text);
  if (!key.ok()) return report_at(faults, option, std::move(key).problem());
  ring.emplace(id, std::make_unique<value_opener>(*key));
}

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "decrypt", 1, faults)) return nullptr;
  const auto before = faults.size();
  auto ring = std::make_shared<key_ring>();
  const auto& own = request.own;
  if (own.contains("key"))
    add_key(*ring, own.value("key_id", std::string("")), own.value("key", std::string()), "key", faults);
  if (const auto found = own.find("keys"); found != own.end())
    for (const auto& [id, text] : found->items()) add_key(*ring, id, text.get<std::string>(), "keys/" + id, faults);
  if (ring->empty() && faults.size() == before)
    report_at(faults, "", user_error("missing_key", "decrypt needs a key", "keys: { k1: \"${secret:k1}\" }"));
  std::vector<changed_column> columns;
  const auto names = own.value("columns", options::array());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto at = std::to_string(i);
    const auto column =
        find_column(request, 0, names[i].get<std::string>(), pointer({"decrypt", "columns", at}), faults);
    if (!column) continue;
    const auto& type = *request.inputs.front().schema->field(*column)->type();
    if (is_unknown(type)) continue;
    if (type.id() != arrow::Type::STRING && type.id() != arrow::Type::DICTIONARY)
      report_at(faults, "columns/" + at,
                user_error("invalid_option",
                           "column " + names[i].get<std::string>() + " is " + type_name(type) +
                               ", and what encrypt makes is text",
                           "name the encrypted column"));
    columns.push_back({*column, std::make_unique<decrypted>(ring)});
  }
  if (names.empty())
    report_at(faults, "columns", user_error("invalid_option", "decrypt has no columns", "columns: [iban]"));
  if (faults.size() > before || has_unknown_columns(request)) return make_stand_in(request.inputs.front().schema);
  return change_columns(request, std::move(columns));
}

}  // namespace

const component& decrypt_transform() {
  static const component self{
      .spec =
          {.name = "decrypt",
           .kind = component_kind::transform,
           .summary = "Decrypts columns that encrypt has made",
           .description =
               "The key is chosen by its name in each value, so that values of several keys can be in one "
               "column: `keys: { k1: \"${secret:k1}\", k2: \"${secret:k2}\" }`, or `key` and `key_id` for one. The "
               "result is text: cast it where it was something else. A value that is not encrypted, was changed, or "
               "needs a key that is not given is a row error.",
           .value = {.form = shape::object,
                     .help = "the columns, and the keys",
                     .required = true,
                     .elements = {{.name = "columns",
                                   .form = shape::list,
                                   .help = "columns to decrypt",
                                   .required = true,
                                   .elements = {{.form = shape::column, .help = "a column"}}},
                                  {.name = "key", .form = shape::text, .help = "a secret, with key_id"},
                                  {.name = "key_id", .form = shape::text, .help = "name of the key"},
                                  {.name = "keys",
                                   .form = shape::map,
                                   .help = "name of a key: its secret",
                                   .elements = {{.form = shape::text, .help = "a secret: \"${secret:k1}\""}}}}},
           .law = "in = out + rejected",
           .example = R"yaml(version: 1
pipeline: decrypted-airports
extract:
  airports:
    csv: { path: examples/data/airports.csv }
    columns: [faa, name]
transform:
  there_and_back:
    from: airports
    steps:
      - encrypt: { columns: [name], key: "${secret:AIRPORT_KEY}", key_id: k1 }
      - decrypt: { columns: [name], key: "${secret:AIRPORT_KEY}", key_id: k1 }
load:
  show:
    from: there_and_back
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
