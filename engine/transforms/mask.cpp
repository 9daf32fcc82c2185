#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/protection/changed_columns.hpp"
#include "engine/operators/protection/format_tokens.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/type.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

namespace sluice {

namespace {

using namespace protection;
using array_ptr = std::shared_ptr<arrow::Array>;
using type_ptr = std::shared_ptr<arrow::DataType>;

constexpr std::size_t shortest_key = 16;

bool is_text(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY)
    return is_text(*static_cast<const arrow::DictionaryType&>(type).value_type());
  return type.id() == arrow::Type::STRING;
}

type_ptr plain(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY) return static_cast<const arrow::DictionaryType&>(type).value_type();
  return type.GetSharedPtr();
}

void append_hex(std::string& out, const unsigned char* bytes, std::size_t size) {
  constexpr char digits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < size; ++i) {
    out += digits[bytes[i] >> 4];
    out += digits[bytes[i] & 15];
  }
}

/// Texts become ***, all else null.
class redacted final : public column_change {
 public:
  [[nodiscard]] type_ptr type(const arrow::DataType& before) const override { return plain(before); }
  result<array_ptr> change(const arrow::Array& column, row_errors& errors) override {
    if (!is_text(*column.type())) {
      SLUICE_ASSIGN_ARROW(auto nulls, arrow::MakeArrayOfNull(column.type(), column.length()), "redact a column");
      return nulls;
    }
    return map_texts(
        column, errors, [](std::string_view, std::string& out) -> result<bool> { return out += "***", true; }, "", "");
  }
};

/// SHA-256 or HMAC-SHA256, in hexadecimal digits.
class hashed final : public column_change {
 public:
  explicit hashed(std::optional<key_bytes> key) : key_(key) {}
  [[nodiscard]] type_ptr type(const arrow::DataType&) const override { return arrow::utf8(); }
  result<array_ptr> change(const arrow::Array& column, row_errors& errors) override {
    return map_texts(
        column, errors,
        [&](std::string_view value, std::string& out) -> result<bool> {
          const auto* bytes = reinterpret_cast<const unsigned char*>(value.data());
          unsigned char digest[EVP_MAX_MD_SIZE];
          unsigned int size = 0;
          const bool good = key_ ? HMAC(EVP_sha256(), key_->data(), static_cast<int>(key_->size()), bytes, value.size(),
                                        digest, &size) != nullptr
                                 : EVP_Digest(bytes, value.size(), digest, &size, EVP_sha256(), nullptr) == 1;
          if (!good)
            return external_error("crypto_error", "OpenSSL refused SHA-256", "a FIPS installation may forbid it");
          append_hex(out, digest, size);
          return true;
        },
        "", "");
  }

 private:
  std::optional<key_bytes> key_;
};

class tokens final : public column_change {
 public:
  explicit tokens(std::unique_ptr<format_tokens> made) : made_(std::move(made)) {}
  [[nodiscard]] type_ptr type(const arrow::DataType&) const override { return arrow::utf8(); }
  result<array_ptr> change(const arrow::Array& column, row_errors& errors) override {
    return map_texts(
        column, errors,
        [&](std::string_view value, std::string& out) -> result<bool> { return made_->append(value, out), true; }, "",
        "");
  }

 private:
  std::unique_ptr<format_tokens> made_;
};

/// The first characters of a text.
class shortened_text final : public column_change {
 public:
  explicit shortened_text(std::int64_t characters) : characters_(characters) {}
  [[nodiscard]] type_ptr type(const arrow::DataType&) const override { return arrow::utf8(); }
  result<array_ptr> change(const arrow::Array& column, row_errors& errors) override {
    return map_texts(
        column, errors,
        [&](std::string_view value, std::string& out) -> result<bool> {
          auto left = characters_;
          std::size_t end = 0;
          while (end < value.size() && (left > 0 || (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80)) {
            if ((static_cast<unsigned char>(value[end]) & 0xC0) != 0x80) --left;
            ++end;
            if (left == 0 && (end == value.size() || (static_cast<unsigned char>(value[end]) & 0xC0) != 0x80)) break;
          }
          out.append(value.substr(0, end));
          return true;
        },
        "", "");
  }

 private:
  std::int64_t characters_;
};

enum class calendar_unit { year, month, day };

/// The first day of the year or month of a day since 1970.
std::int64_t floor_day(std::int64_t days, calendar_unit to) {
  using namespace std::chrono;
  if (to == calendar_unit::day) return days;
  const year_month_day date{sys_days{std::chrono::days{days}}};
  const auto first = to == calendar_unit::year ? date.year() / January / 1 : date.year() / date.month() / 1;
  return sys_days{first}.time_since_epoch().count();
}

template <class Array>
array_ptr map_numbers(const arrow::Array& column, const std::function<std::int64_t(std::int64_t)>& of) {
  using value = typename Array::value_type;
  const auto& from = static_cast<const Array&>(column);
  std::vector<value> made(static_cast<std::size_t>(from.length()));
  for (std::int64_t row = 0; row < from.length(); ++row)
    if (from.IsValid(row)) made[static_cast<std::size_t>(row)] = static_cast<value>(of(from.Value(row)));
  auto data = column.data()->Copy();
  // The nulls start where the column does.
  if (column.null_count() > 0 && column.offset() > 0)
    if (const auto whole = arrow::Concatenate({arrow::MakeArray(data)}); whole.ok()) data = (*whole)->data()->Copy();
  data->buffers[1] = arrow::Buffer::FromVector(std::move(made));
  data->offset = 0;
  return arrow::MakeArray(data);
}

/// The beginning of a date's or a time's year, month or day, by the calendar of UTC.
class shortened_time final : public column_change {
 public:
  explicit shortened_time(calendar_unit unit) : unit_(unit) {}
  [[nodiscard]] type_ptr type(const arrow::DataType& before) const override { return plain(before); }
  result<array_ptr> change(const arrow::Array& column, row_errors&) override {
    constexpr std::int64_t day = 86'400'000'000;
    if (column.type_id() == arrow::Type::DATE32)
      return map_numbers<arrow::Date32Array>(column, [&](std::int64_t days) { return floor_day(days, unit_); });
    return map_numbers<arrow::TimestampArray>(column, [&](std::int64_t microseconds) {
      const auto days = microseconds / day - (microseconds % day < 0 ? 1 : 0);
      return floor_day(days, unit_) * day;
    });
  }

 private:
  calendar_unit unit_;
};

class mask_reader {
 public:
  mask_reader(const transform_request& request, diagnostics& faults) : request_(request), faults_(faults) {}

  std::vector<changed_column> read() {
    read_key();
    std::vector<changed_column> made;
    for (const auto& [name, how] : request_.own.items()) {
      if (name == "key") continue;
      const auto column = find_column(request_, 0, name, pointer({"mask", name}), faults_);
      if (!column) continue;
      const auto& type = *request_.inputs.front().schema->field(*column)->type();
      if (is_unknown(type)) continue;
      if (auto change = change_of(name, how, type)) made.push_back({*column, std::move(change)});
    }
    return made;
  }

 private:
  std::unique_ptr<column_change> fault(const std::string& name, std::string message, std::string hint) {
    auto problem = user_error("invalid_option", std::move(message), std::move(hint));
    problem.path = pointer({"mask", name});
    faults_.push_back(std::move(problem));
    return nullptr;
  }

  void read_key() {
    const auto given = request_.own.value("key", std::string());
    if (!request_.own.contains("key")) return;
    if (given.size() < shortest_key)
      fault("key", "the key of mask has " + std::to_string(given.size()) + " bytes, and at least 16 are needed",
            "make one by: openssl rand -hex 32");
    else
      key_ = given;
  }

  std::unique_ptr<column_change> change_of(const std::string& name, const options& how, const arrow::DataType& type) {
    if (how.is_object()) return truncation(name, how.value("truncate", options()), type);
    const auto method = how.is_string() ? how.get<std::string>() : how.dump();
    if (method == "redact") return std::make_unique<redacted>();
    if (method == "truncate") return truncation(name, options(1), type);
    if (type.num_fields() > 0 && !is_text(type))
      return fault(name, "column " + name + " is " + type_name(type) + ", which can't be masked by " + method,
                   "redact it, or select its fields before");
    if (method == "hash") return std::make_unique<hashed>(std::nullopt);
    if (method != "hmac" && method != "token")
      return fault(name, "mask does not know " + method, "use redact, truncate, hash, hmac or token");
    if (!key_)
      return request_.own.contains("key") ? nullptr
                                          : fault(name, method + " needs a key", "key: \"${secret:mask_key}\"");
    if (method == "hmac") return std::make_unique<hashed>(derived_key(*key_, "sluice mask hmac"));
    if (!is_text(type))
      return fault(name, "column " + name + " is " + type_name(type) + ", and token keeps the format of a text",
                   "cast it to text before, or use hmac");
    auto made = format_tokens::make(derived_key(*key_, "sluice mask token"));
    if (made.ok()) return std::make_unique<tokens>(std::move(*made));
    faults_.push_back(std::move(made).problem());
    return nullptr;
  }

  std::unique_ptr<column_change> truncation(const std::string& name, const options& to, const arrow::DataType& type) {
    if (is_text(type)) {
      if (!to.is_number_integer() || to.get<std::int64_t>() < 0)
        return fault(name, "truncate of a text needs a number of characters, found " + to.dump(), "{ truncate: 4 }");
      return std::make_unique<shortened_text>(to.get<std::int64_t>());
    }
    const auto unit = to.is_string() ? to.get<std::string>() : "";
    if (type.id() == arrow::Type::DATE32 || type.id() == arrow::Type::TIMESTAMP) {
      if (unit == "year") return std::make_unique<shortened_time>(calendar_unit::year);
      if (unit == "month") return std::make_unique<shortened_time>(calendar_unit::month);
      if (unit == "day") return std::make_unique<shortened_time>(calendar_unit::day);
      return fault(name, "truncate of a date or time needs year, month or day, found " + to.dump(),
                   "{ truncate: month }");
    }
    return fault(name, "column " + name + " is " + type_name(type) + ", which can't be truncated",
                 "truncate texts, dates and times; redact others");
  }

  const transform_request& request_;
  diagnostics& faults_;
  std::optional<std::string> key_;
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "mask", 1, faults)) return nullptr;
  const auto before = faults.size();
  auto columns = mask_reader(request, faults).read();
  if (faults.size() > before || has_unknown_columns(request)) return make_stand_in(request.inputs.front().schema);
  return change_columns(request, std::move(columns));
}

}  // namespace

const component& mask_transform() {
  static const component self{
      .spec = {.name = "mask",
               .kind = component_kind::transform,
               .summary = "Hides values of columns",
               .description =
                   "`column: method`. `redact`: a text becomes `***`, another value null. `truncate`: the first characters "
                   "of a text (`{ truncate: 4 }`, default 1), or the beginning of the year, month or day (UTC) of a date "
                   "or time (`{ truncate: month }`). `hash`: SHA-256 in hexadecimal digits; who knows the possible values "
                   "can find them by trying. `hmac`: HMAC-SHA256 with the key, so that only who has the key can. `token`: "
                   "a text of the same format, each digit replaced by a digit and each letter by a letter of the same "
                   "case; different ASCII texts get different tokens. hash, hmac and token are the same in every run, so "
                   "that masked columns can be joined. Null stays null.\n\n"
                   "`key` is a secret of at least 16 bytes. A column that is called key can't be masked: rename it before.",
               .value = {.form = shape::map,
                         .help = "column: method, and key",
                         .required = true,
                         .elements = {{.form = shape::one_of,
                                       .help = "how",
                                       .elements = {{.form = shape::text, .help = "redact, truncate, hash, hmac or token"},
                                                    {.form = shape::object,
                                                     .help = "{ truncate: 4 } or { truncate: month }",
                                                     .elements = {{.name = "truncate",
                                                                   .form = shape::one_of,
                                                                   .help = "characters, or year, month, day",
                                                                   .required = true,
                                                                   .elements = {{.form = shape::integer, .help = "4"},
                                                                                {.form = shape::text, .help = "month"}}}}}}}}},
               .law = "in = out",
               .example = R"yaml(version: 1
pipeline: masked-airports
extract:
  airports:
    csv: { path: examples/data/airports.csv }
    columns: [faa, name, lat]
transform:
  masked:
    from: airports
    mask: { name: { truncate: 3 }, faa: hash, lat: redact }
load:
  show:
    from: masked
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
