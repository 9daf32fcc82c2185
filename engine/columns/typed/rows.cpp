#include "engine/columns/typed/rows.hpp"

#include "engine/error/names.hpp"
#include "engine/values/marked_text.hpp"
#include "engine/values/types.hpp"
#include "engine/values/utf8.hpp"

#include <arrow/array.h>

#include <utility>

namespace sluice::typed {

std::string quoted_value(std::string_view value) {
  constexpr std::size_t longest_shown = 80;
  auto text = "'" + shortened(value, longest_shown) + "'";
  for (auto& c : text)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  return text;
}

std::string expected_found(const arrow::DataType& type, std::string_view shown) {
  return "expected " + type_name(type) + ", found " + std::string(shown);
}

bool rows::add_text(std::size_t at, std::string_view text) {
  auto& into = columns_[at];
  if (nulls_.is_null(text)) return into.append_null(), true;
  if ((into.kind == value_kind::text || into.kind == value_kind::marked) && !is_utf8(text))
    return misfit(into, "bytes that are not UTF-8", "", "invalid_utf8");
  return append_text(text, into, zone_) || misfit(into, quoted_value(text), text);
}

bool rows::add_number(std::size_t at, const number& value) {
  auto& into = columns_[at];
  if (into.kind == value_kind::text || is_json_type(*into.type)) return append_bytes(value.text(), into), true;
  return append_number(value, into) || misfit(into, value.text(), value.text());
}

bool rows::add_boolean(std::size_t at, bool value) {
  auto& into = columns_[at];
  const std::string_view text = value ? "true" : "false";
  if (into.kind == value_kind::text || is_json_type(*into.type)) return append_bytes(text, into), true;
  return append_boolean(value, into) || misfit(into, text, text);
}

bool rows::misfit(column& into, std::string_view shown, std::string_view value, std::string code) {
  if (null_for_misfits_ && into.given) {
    into.append_null();
    ++set_null_in_row_;
    return true;
  }
  fault_ = {.code = std::move(code),
            .column = into.path,
            .message = expected_found(*into.type, shown),
            .value = std::string(value),
            .type = type_name(*into.type),
            .wrong_guess = !into.given};
  return false;
}

void rows::keep(bool filled) {
  for (std::size_t i = 0; !filled && i < columns_.size(); ++i)
    if (columns_[i].length == count_) columns_[i].append_null();
  ++count_;
  set_null_ += std::exchange(set_null_in_row_, 0);
}

void rows::take_back() {
  for (auto& one : columns_) one.truncate(count_);
  set_null_in_row_ = 0;
}

result<std::vector<std::shared_ptr<arrow::Array>>> rows::finish() {
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (auto& one : columns_) {
    SLUICE_ASSIGN(auto array, one.finish());
    arrays.push_back(std::move(array));
  }
  count_ = 0;
  return arrays;
}

}  // namespace sluice::typed
