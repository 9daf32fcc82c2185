#include "engine/component/bounded_json.hpp"
#include "engine/component/options.hpp"

#include <nlohmann/json.hpp>

#include <limits>
#include <ostream>

// The one place where options meet the JSON library, which is too heavy for a header.

namespace sluice {

namespace {

using json = nlohmann::ordered_json;

json to_library(const options& from) {
  using kind = options::kind;
  switch (from.type()) {
    case kind::null:
      return nullptr;
    case kind::boolean:
      return from.get<bool>();
    case kind::integer:
      return from.get<std::int64_t>();
    case kind::whole:
      return from.get<std::uint64_t>();
    case kind::real:
      return from.get<double>();
    case kind::text:
      return from.text();
    case kind::bytes:
      return json::binary(from.get_binary());
    case kind::list: {
      json::array_t list;
      list.reserve(from.size());
      for (const auto& each : from) list.push_back(to_library(each));
      return list;
    }
    case kind::map: {
      json::object_t map;
      map.reserve(from.size());
      for (const auto& [key, value] : from.items()) map.push_back({key, to_library(value)});
      return map;
    }
  }
  return nullptr;
}

/// Builds a value from what the library's readers come across.
class builder : public nlohmann::json_sax<json> {
 public:
  explicit builder(std::size_t most_values = std::numeric_limits<std::size_t>::max()) : left_(most_values) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string& /*text*/) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(json::binary_t& value) override { return add(options::binary(std::move(value))); }
  bool key(std::string& value) override {
    slot_ = &(*open_.back())[value];  // a key that comes again takes the place of the first
    return true;
  }
  bool start_object(std::size_t /*elements*/) override { return open(options::object()); }
  bool start_array(std::size_t /*elements*/) override { return open(options::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/, const json::exception& problem) override {
    problem_ = problem.what();
    return false;
  }

  options made;
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] bool too_many() const { return too_many_; }

 private:
  options& place(options value) {
    if (open_.empty()) return made = std::move(value);
    auto& parent = *open_.back();
    if (parent.is_object()) return *slot_ = std::move(value);
    parent.push_back(std::move(value));
    return parent[parent.size() - 1];
  }

  bool add(options value) {
    if (!has_room()) return false;
    place(std::move(value));
    return true;
  }

  bool has_room() {
    if (left_-- > 0) return true;
    too_many_ = true;
    return false;
  }

  // Pointers stay valid: a parent gets no further element while one of its elements is open.
  bool open(options value) {
    if (open_.size() >= static_cast<std::size_t>(options::deepest)) {
      problem_ = "nested more than " + std::to_string(options::deepest) + " levels";
      return false;
    }
    if (!has_room()) return false;
    open_.push_back(&place(std::move(value)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::vector<options*> open_;
  options* slot_ = nullptr;
  std::string problem_;
  std::size_t left_;
  bool too_many_ = false;
};

}  // namespace

std::string options::dump(int indent) const {
  return to_library(*this).dump(indent, ' ', false, json::error_handler_t::replace);
}

options options::parse(std::string_view text) {
  builder into;
  if (!json::sax_parse(text.begin(), text.end(), &into)) throw exception(into.problem());
  return std::move(into.made);
}

std::optional<options> options::try_parse(std::string_view text) {
  builder into;
  if (!json::sax_parse(text.begin(), text.end(), &into)) return std::nullopt;
  return std::move(into.made);
}

namespace {

/// The library's reader copies a number several times before it knows its value.
bool has_endless_number(std::string_view text) {
  constexpr std::size_t longest = 1000;
  std::size_t length = 0;
  bool in_text = false;
  for (std::size_t at = 0; at < text.size() && length <= longest; ++at) {
    const char c = text[at];
    if (in_text && c == '\\') ++at;
    if (c == '"') in_text = !in_text;
    const bool of_number = (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-' || c == 'e' || c == 'E';
    length = !in_text && of_number ? length + 1 : 0;
  }
  return length > longest;
}

}  // namespace

result<options> parse_bounded_json(std::string_view text, std::size_t most_values) {
  if (has_endless_number(text)) return user_error("invalid_json", "a number has more than 1,000 digits");
  builder into(most_values);
  if (json::sax_parse(text.begin(), text.end(), &into)) return std::move(into.made);
  if (into.too_many())
    return user_error("too_many_values", "the JSON has more than " + std::to_string(most_values) + " values");
  return user_error("invalid_json", "this is not valid JSON: " + into.problem());
}

std::string options::to_msgpack() const {
  std::string bytes;
  json::to_msgpack(to_library(*this), bytes);
  return bytes;
}

std::optional<options> options::from_msgpack(std::string_view bytes) {
  builder into;
  if (!json::sax_parse(bytes.begin(), bytes.end(), &into, json::input_format_t::msgpack)) return std::nullopt;
  return std::move(into.made);
}

std::ostream& operator<<(std::ostream& out, const options& value) { return out << value.dump(); }

}  // namespace sluice
