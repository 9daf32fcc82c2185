#include "config/option_reader.hpp"

#include "config/not_supported_yet.hpp"
#include "config/secret_places.hpp"
#include "engine/error/not_yet.hpp"
#include "engine/values/quantities.hpp"
#include "engine/values/types.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace sluice::config {

namespace {

std::optional<std::int64_t> integer_of(const std::string& text) {
  std::int64_t number = 0;
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || problem != std::errc() || stop != text.data() + text.size()) return {};
  return number;
}

std::optional<double> number_of(const std::string& text) {
  double number = 0;
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || problem != std::errc() || stop != text.data() + text.size() || !std::isfinite(number)) return {};
  return number;
}

bool is_texty(shape form) {
  return form == shape::text || form == shape::expression || form == shape::column || form == shape::type ||
         form == shape::duration || form == shape::size;
}

const field_spec* field_of(const field_spec& spec, const std::string& name) {
  for (const auto& field : spec.elements)
    if (field.name == name) return &field;
  return nullptr;
}

/// How well a value fits an alternative: 0 not at all; of several that fit, the best counts.
int fit(const node& value, const field_spec& spec) {
  if (spec.form == shape::one_of) {
    int best = 0;
    for (const auto& alternative : spec.elements) best = std::max(best, fit(value, alternative));
    return best;
  }
  if (value.is_scalar()) {
    if (spec.form == shape::boolean) return !value.quoted && (value.text == "true" || value.text == "false") ? 9 : 0;
    if (spec.form == shape::integer) return !value.quoted && integer_of(value.text) ? 8 : 0;
    if (spec.form == shape::number) return !value.quoted && number_of(value.text) ? 7 : 0;
    if (!spec.choices.empty())
      return std::find(spec.choices.begin(), spec.choices.end(), value.text) != spec.choices.end() ? 10 : 1;
    return is_texty(spec.form) ? 6 : 0;
  }
  if (value.is_sequence()) return spec.form == shape::list ? 6 : 0;
  if (value.is_map() && spec.form == shape::map) return 2;
  if (value.is_map() && spec.form == shape::object) {
    int known = 3;
    for (const auto& [key, held] : value.entries) known += field_of(spec, key.text) != nullptr ? 1 : 0;
    return known;
  }
  return 0;
}

/// Reads one value by its spec; a class only because the readers of the shapes call each other.
class option_reader {
 public:
  explicit option_reader(const reading& in) : in_(in) {}

  std::optional<options> read(const node& value, const field_spec& spec, const std::string& what) {
    if (value.broken) return {};
    switch (spec.form) {
      case shape::boolean:
        return read_boolean(value, spec, what);
      case shape::integer:
        return read_whole(value, spec, what);
      case shape::number:
        return read_number(value, spec, what);
      case shape::list:
        return read_list(value, spec, what);
      case shape::map:
        return read_map(value, spec, what);
      case shape::object:
        return read_object(value, spec, what);
      case shape::one_of:
        return read_one_of(value, spec, what);
      default:
        return read_texty(value, spec, what);
    }
  }

 private:
  std::nullopt_t refuse(const node& value, const field_spec& spec, const std::string& what) {
    std::string hint;
    if (spec.form == shape::expression && !value.is_null()) hint = "quote this expression";
    if (spec.form == shape::boolean && value.is_scalar()) hint = "write true or false";
    if (spec.form == shape::object && value.is_scalar() && !value.is_null() && !spec.elements.empty()) {
      // `csv: in.csv` is what many write first: what it would be as a map, if there is one key that must be given.
      const auto required = std::count_if(spec.elements.begin(), spec.elements.end(),
                                          [](const field_spec& field) { return field.required; });
      if (required == 1 && spec.elements.front().required)
        hint = "write " + what + ": { " + spec.elements.front().name + ": " + value.text + " }";
    }
    in_.fault(value, "invalid_value", what + " must be " + expected(spec) + ", found " + describe(value), hint);
    return std::nullopt;
  }

  [[nodiscard]] bool is_spelled_null(const node& value) const {
    return value.is_null() && in_.source.text().compare(value.begin, 4, "null") == 0;
  }

  /// Reports a key without a value; the place of the nothing behind it would be that of the next thing in the file.
  bool is_missing(const node& held, const node& key, const field_spec& spec, const std::string& what) {
    if (!held.is_null() || is_spelled_null(held)) return false;
    in_.fault(key, "invalid_value", what + " must be " + expected(spec) + ", found nothing",
              "set a value or remove the key");
    return true;
  }

  std::optional<options> read_boolean(const node& value, const field_spec& spec, const std::string& what) {
    if (value.text == "true" || value.text == "false") return options(value.text == "true");
    return refuse(value, spec, what);
  }
  std::optional<options> read_whole(const node& value, const field_spec& spec, const std::string& what) {
    if (const auto number = integer_of(value.text)) return options(*number);
    return refuse(value, spec, what);
  }
  std::optional<options> read_number(const node& value, const field_spec& spec, const std::string& what) {
    if (const auto number = number_of(value.text)) return options(*number);
    return refuse(value, spec, what);
  }

  std::optional<options> read_texty(const node& value, const field_spec& spec, const std::string& what) {
    const bool spelled_null = is_spelled_null(value);
    if (!value.is_scalar() && !spelled_null) return refuse(value, spec, what);
    const auto text = spelled_null ? std::string("null") : value.text;
    if (!spec.choices.empty() && std::find(spec.choices.begin(), spec.choices.end(), text) == spec.choices.end()) {
      in_.fault(value, "invalid_value", what + " must be one of " + enumerate(spec.choices) + ", found '" + text + "'",
                suggest(text, spec.choices));
      return {};
    }
    if (spec.form != shape::text && refuse_secret(in_, value, what)) return {};
    std::optional<error> problem;
    const auto check = [&](auto parsed) {
      if (!parsed.ok()) problem = std::move(parsed).problem();
    };
    if (spec.form == shape::type) check(parse_type(text));
    if (spec.form == shape::duration) check(parse_duration(text));
    if (spec.form == shape::size) check(parse_size(text));
    if ((spec.form == shape::expression || spec.form == shape::column) &&
        text.find_first_not_of(" \t\n") == std::string::npos)
      return refuse(value, spec, what);
    if (!problem) return options(text);
    in_.fault_from(value, *std::move(problem));
    return {};
  }

  std::optional<options> read_list(const node& value, const field_spec& spec, const std::string& what) {
    if (spec.elements.empty()) return refuse(value, spec, what);
    if (value.is_scalar()) {
      auto only = read(value, spec.elements.front(), what);
      if (!only) return {};
      return options::array({*std::move(only)});
    }
    if (!value.is_sequence()) return refuse(value, spec, what);
    auto list = options::array();
    bool whole = true;
    for (const auto& item : value.items) {
      auto element = read(item, spec.elements.front(), "an element of " + what);
      whole = whole && element.has_value();
      if (element) list.push_back(*std::move(element));
    }
    if (!whole) return {};
    return list;
  }

  std::optional<options> read_map(const node& value, const field_spec& spec, const std::string& what) {
    if (!value.is_map()) return refuse(value, spec, what);
    auto map = options::object();
    bool whole = true;
    for (const auto& [key, held] : value.entries) {
      if (refuse_secret(in_, key, "a key of " + what) ||
          (!spec.elements.empty() && is_missing(held, key, spec.elements.front(), key.text + " of " + what))) {
        whole = false;
        continue;
      }
      auto element = spec.elements.empty() ? std::optional<options>(options(held.text))
                                           : read(held, spec.elements.front(), key.text + " of " + what);
      whole = whole && element.has_value();
      if (element) map[key.text] = *std::move(element);
    }
    if (!whole) return {};
    return map;
  }

  std::optional<options> read_object(const node& value, const field_spec& spec, const std::string& what) {
    if (value.is_null()) return default_options(in_, value, spec, what);
    if (!value.is_map()) return refuse(value, spec, what);
    auto map = options::object();
    bool whole = true;
    for (const auto& [key, held] : value.entries) {
      const auto* field = field_of(spec, key.text);
      if (field == nullptr) {
        unknown(key, spec, what);
        whole = false;
        continue;
      }
      if (field->form != shape::object && is_missing(held, key, *field, key.text + " of " + what)) {
        whole = false;
        continue;
      }
      auto option = read(held, *field, key.text + " of " + what);
      whole = whole && option.has_value();
      if (option) map[key.text] = *std::move(option);
    }
    for (const auto& field : spec.elements) {
      if (value.find(field.name) != nullptr) continue;
      if (!field.default_value.is_null()) map[field.name] = field.default_value;
      if (!field.required) continue;
      in_.fault(value, "missing_key", what + " needs " + field.name + ": " + expected(field), field.help);
      whole = false;
    }
    if (!whole) return {};
    return map;
  }

  void unknown(const node& key, const field_spec& spec, const std::string& what) {
    if (find_unsupported(place_of_form::option, key.text) != nullptr) {
      in_.fault(key, "not_supported_yet", key.text + " of " + what + " is not supported yet", not_yet_hint(key.text));
      return;
    }
    static const std::vector<std::string> beside = {"types",    "columns", "sample",      "contract", "metadata",
                                                    "on_error", "order",   "parallelism", "mode",     "key"};
    if (std::find(beside.begin(), beside.end(), key.text) != beside.end()) {
      in_.fault(key, "unknown_key", what + " has no key " + key.text,
                "move it out of the braces: it belongs beside " + what);
      return;
    }
    std::vector<std::string> known;
    for (const auto& field : spec.elements) known.push_back(field.name);
    in_.unknown_key(key, what, known);
  }

  std::optional<options> read_one_of(const node& value, const field_spec& spec, const std::string& what) {
    const field_spec* best = nullptr;
    int best_fit = 0;
    for (const auto& alternative : spec.elements) {
      const int fits = fit(value, alternative);
      if (fits > best_fit) {
        best_fit = fits;
        best = &alternative;
      }
    }
    if (best != nullptr && best_fit > 1) return read(value, *best, what);
    if (value.is_null())
      for (const auto& alternative : spec.elements)
        if (is_texty(alternative.form)) return read(value, alternative, what);
    return refuse(value, spec, what);
  }

  const reading& in_;
};

}  // namespace

std::string expected(const field_spec& spec) {
  switch (spec.form) {
    case shape::boolean:
      return "true or false";
    case shape::integer:
      return "a whole number";
    case shape::number:
      return "a number";
    case shape::text:
      return spec.choices.empty() ? "text" : "one of " + enumerate(spec.choices);
    case shape::expression:
      return "an SQL expression";
    case shape::column:
      return "a column's name";
    case shape::type:
      return "an SQL type";
    case shape::duration:
      return "a duration such as 90s or 1h30m";
    case shape::size:
      return "a size such as 512MiB";
    case shape::list:
      return "a list";
    case shape::map:
    case shape::object:
      return "a map";
    case shape::one_of:
      break;
  }
  std::string text;
  for (std::size_t at = 0; at < spec.elements.size(); ++at) {
    if (at > 0) text += at + 1 == spec.elements.size() ? " or " : ", ";
    text += expected(spec.elements[at]);
  }
  return text;
}

std::optional<options> read_options(const reading& in, const node& value, const field_spec& spec,
                                    const std::string& what) {
  return option_reader(in).read(value, spec, what);
}

std::optional<options> default_options(const reading& in, const node& at, const field_spec& spec,
                                       const std::string& what) {
  if (spec.form != shape::object) {
    in.fault(at, "missing_value", what + " needs " + expected(spec) + ", found nothing", spec.help);
    return {};
  }
  auto map = options::object();
  bool whole = true;
  for (const auto& field : spec.elements) {
    if (!field.default_value.is_null()) map[field.name] = field.default_value;
    if (!field.required) continue;
    in.fault(at, "missing_key", what + " needs " + field.name + ": " + expected(field), field.help);
    whole = false;
  }
  if (!whole) return {};
  return map;
}

}  // namespace sluice::config
