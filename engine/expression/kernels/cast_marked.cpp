// Casts to and from json, uuid and varchar(n).
#include "engine/expression/functions/utf8.hpp"
#include "engine/expression/kernels/casts.hpp"
#include "engine/values/json_text.hpp"
#include "engine/values/marked_text.hpp"
#include "engine/values/uuid_text.hpp"

namespace sluice::expression {

namespace {

std::string shown(std::string_view text) {
  constexpr std::size_t most = 80;
  return text.size() <= most ? std::string(text) : std::string(text.substr(0, most)) + "...";
}

// The same bytes under another name.
result<array_ptr> retype(call& c) {
  auto data = c.args[0].array->data()->Copy();
  data->type = c.type;
  SLUICE_ASSIGN(auto made, as_array({arrow::MakeArray(std::move(data)), c.args[0].constant}, c.rows));
  return made;
}

result<array_ptr> to_json(call& c) {
  const texts_of from(c.args[0]);
  const auto valid = all_valid(c.args, c.rows);
  row_failures failures(c);
  for_valid(valid, c.rows, [&](std::int64_t row) {
    if (json::valid(from[row])) return;
    if (failures.counts(row))
      failures.add(row, "invalid_cast", "'" + shown(from[row]) + "' is not valid JSON");
    else
      failures.add_silently(row);
  });
  const auto kept = failures.apply(valid);
  return build_texts(c.type, c.rows, kept,
                     [&](std::int64_t row, text_builder& out) { out.append(json::trimmed(from[row])); });
}

result<array_ptr> to_uuid(call& c) {
  const texts_of from(c.args[0]);
  row_failures failures(c);
  const auto valid = all_valid(c.args, c.rows);
  std::string text;
  SLUICE_ASSIGN(auto built, build_texts(c.type, c.rows, valid, [&](std::int64_t row, text_builder& out) {
                  if (read_uuid(from[row], text))
                    out.append(text);
                  else
                    failures.add(row, "invalid_cast", "'" + shown(from[row]) + "' is not a uuid");
                }));
  if (failures.empty()) return built;
  auto data = built->data()->Copy();
  data->buffers[0] = failures.apply(valid);
  data->null_count = arrow::kUnknownNullCount;
  return arrow::MakeArray(std::move(data));
}

// Cuts off what is too long, as PostgreSQL's casts do.
result<array_ptr> to_varchar(call& c) {
  auto texts = c.args[0];
  if (texts.array->type_id() != arrow::Type::STRING) {
    call first{c.of, arrow::utf8(), c.args, texts.constant ? 1 : c.rows, c.active, c.in, nullptr};
    SLUICE_ASSIGN(texts.array, find_cast_to_text(*c.of.inputs[0]->type)(first));
  }
  const texts_of from(texts);
  const auto most = most_characters(*c.type);
  return build_texts(c.type, c.rows, all_valid({texts}, c.rows), [&](std::int64_t row, text_builder& out) {
    const auto text = from[row];
    std::size_t end = 0;
    for (int left = most; left > 0 && end < text.size(); --left) {
      ++end;
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
    }
    out.append(text.substr(0, end));
  });
}

// Numbers and booleans out of JSON; anything else in it is an error, as of jsonb.
result<array_ptr> from_json(call& c) {
  const texts_of from(c.args[0]);
  const auto valid = all_valid(c.args, c.rows);
  const bool boolean = c.type->id() == arrow::Type::BOOL;
  row_failures failures(c);
  SLUICE_ASSIGN(const auto tokens, build_texts(arrow::utf8(), c.rows, valid, [&](std::int64_t row, text_builder& out) {
                  const auto value = from[row];
                  const auto kind = json::kind_of(value);
                  if (kind == (boolean ? json::kind::boolean : json::kind::number)) {
                    std::string plain;
                    if (boolean)
                      plain = value;
                    else
                      json::append_plain_number(plain, value);
                    out.append(plain);
                    return;
                  }
                  failures.add(
                      row, "invalid_cast",
                      "a JSON " + std::string(json::name_of(kind)) + " can't be cast to " + type_name(*c.type));
                }));
  auto data = tokens->data()->Copy();
  data->buffers[0] = failures.apply(valid);
  data->null_count = arrow::kUnknownNullCount;
  const auto kept = arrow::MakeArray(std::move(data));
  const bool whole = arrow::is_integer(c.type->id());
  const auto exact = arrow::decimal256(76, 20);
  call read{c.of, whole ? exact : c.type, {{kept}}, c.rows, c.active, c.in, nullptr};
  SLUICE_ASSIGN(auto made, find_text_cast (*read.type)(read));
  if (!whole) return made;
  call rounded{c.of, c.type, {{made}}, c.rows, c.active, c.in, nullptr};
  return find_number_cast(*exact, *c.type)(rounded);
}

}  // namespace

kernel find_marked_cast(const arrow::DataType& from, const arrow::DataType& to) {
  const bool text = from.id() == arrow::Type::STRING;
  const bool from_is_json = is_json_type(from);
  switch (mark_of(to)) {
    case text_mark::json:
      return from_is_json ? retype : text ? to_json : nullptr;
    case text_mark::uuid:
      return mark_of(from) == text_mark::uuid ? retype : text && !from_is_json ? to_uuid : nullptr;
    case text_mark::varchar:
      return to_varchar;
    case text_mark::none:
      break;
  }
  if (mark_of(from) == text_mark::none) return nullptr;
  if (to.id() == arrow::Type::STRING) return retype;
  if (!from_is_json) return nullptr;
  const bool number = arrow::is_integer(to.id()) || arrow::is_floating(to.id()) || arrow::is_decimal(to.id());
  return number || to.id() == arrow::Type::BOOL ? from_json : nullptr;
}

}  // namespace sluice::expression
