#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace sluice {

/// A value as YAML and JSON have it: null, boolean, whole number (signed or unsigned), double, text, bytes, list, or
/// map that keeps the order of its keys, because `derive` works in the file's order.
///
/// Options of units, the bodies of the HTTP API, the data of events and `--json` are made of it. Where an option
/// stands in its file is known to config only; components name it by JSON pointer. A whole number is held as it came:
/// parsed text without a sign is unsigned. Numbers compare by value.
///
/// `{{"a", 1}, {"b", 2}}` makes a map, since every element is a pair that begins with a text; any other braced list
/// makes a list. Access to a value of the wrong kind, or to what is not there, throws `options::exception`.
class options {
 public:
  enum class kind : std::uint8_t { null, boolean, integer, whole, real, text, bytes, list, map };
  class part;
  struct entry;
  using list_type = std::vector<options>;
  using map_type = std::vector<entry>;
  using bytes_type = std::vector<std::uint8_t>;

  struct exception : std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  options() noexcept = default;
  options(std::nullptr_t) noexcept {}
  template <std::same_as<bool> T>
  options(T value) noexcept : kind_(kind::boolean) {
    held_.boolean = value;
  }
  template <std::integral T>
  requires(!std::same_as<T, bool>) options(T value)
  noexcept : kind_(std::is_signed_v<T> ? kind::integer : kind::whole) {
    if constexpr (std::is_signed_v<T>)
      held_.integer = value;
    else
      held_.whole = value;
  }
  template <class T>
  requires std::is_enum_v<T> options(T value)
  noexcept : options(static_cast<std::underlying_type_t<T>>(value)) {}
  options(double value) noexcept : kind_(kind::real) { held_.real = value; }
  options(std::string value);
  options(std::string_view value) : options(std::string(value)) {}
  options(const char* value) : options(std::string(value)) {}
  options(std::initializer_list<part> parts);
  template <class T>
  options(const std::vector<T>& values) : options(array()) {
    for (const auto& value : values) push_back(options(value));
  }
  template <class T>
  options(const std::map<std::string, T>& values) : options(object()) {
    for (const auto& [key, value] : values) (*this)[key] = options(value);
  }

  options(const options& other);
  options(options&& other) noexcept : kind_(other.kind_), held_(other.held_) { other.kind_ = kind::null; }
  options& operator=(options other) noexcept {
    std::swap(kind_, other.kind_);
    std::swap(held_, other.held_);
    return *this;
  }
  ~options() {
    if (kind_ >= kind::text) release();
  }

  static options array();
  static options array(std::initializer_list<part> parts);
  static options object();
  /// Throws where an element is no pair that begins with a text.
  static options object(std::initializer_list<part> parts);
  static options binary(bytes_type bytes);

  [[nodiscard]] bool is_null() const { return kind_ == kind::null; }
  [[nodiscard]] bool is_boolean() const { return kind_ == kind::boolean; }
  [[nodiscard]] bool is_number() const { return is_number_integer() || kind_ == kind::real; }
  /// A whole number, signed or not.
  [[nodiscard]] bool is_number_integer() const { return kind_ == kind::integer || kind_ == kind::whole; }
  [[nodiscard]] bool is_number_unsigned() const { return kind_ == kind::whole; }
  [[nodiscard]] bool is_number_float() const { return kind_ == kind::real; }
  [[nodiscard]] bool is_string() const { return kind_ == kind::text; }
  [[nodiscard]] bool is_binary() const { return kind_ == kind::bytes; }
  [[nodiscard]] bool is_array() const { return kind_ == kind::list; }
  [[nodiscard]] bool is_object() const { return kind_ == kind::map; }
  [[nodiscard]] bool is_structured() const { return kind_ >= kind::list; }
  [[nodiscard]] kind type() const { return kind_; }
  /// "null", "boolean", "number", "string", "binary", "array" or "object".
  [[nodiscard]] const char* type_name() const;

  /// Elements of a list or map; 0 for null, 1 for any other value.
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool empty() const { return size() == 0; }

  /// The value as a T: bool, a number (converted as C++ does), std::string, options, or a vector or map of these.
  template <class T>
  [[nodiscard]] T get() const;
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] std::string& text();
  [[nodiscard]] const bytes_type& get_binary() const;
  /// The value of a key of a map, or `otherwise` where there is no such key.
  template <class T>
  [[nodiscard]] T value(std::string_view key, T otherwise) const {
    const auto* found = member(key);
    return found == nullptr ? std::move(otherwise) : found->get<T>();
  }
  [[nodiscard]] std::string value(std::string_view key, const char* otherwise) const {
    const auto* found = member(key);
    return found == nullptr ? std::string(otherwise) : found->text();
  }

  [[nodiscard]] bool contains(std::string_view key) const;
  [[nodiscard]] const options& at(std::string_view key) const;
  [[nodiscard]] options& at(std::string_view key);
  template <std::integral Index>
  [[nodiscard]] const options& at(Index index) const {
    return element(static_cast<std::size_t>(index));
  }
  [[nodiscard]] const options& operator[](std::string_view key) const { return at(key); }
  /// Adds the key where there is none; makes a map of null.
  options& operator[](std::string_view key);
  template <std::integral Index>
  const options& operator[](Index index) const {
    return element(static_cast<std::size_t>(index));
  }
  template <std::integral Index>
  options& operator[](Index index) {
    return const_cast<options&>(element(static_cast<std::size_t>(index)));
  }
  [[nodiscard]] const options& front() const;
  [[nodiscard]] const options& back() const { return element(size() - 1); }
  [[nodiscard]] options& back() { return const_cast<options&>(element(size() - 1)); }

  /// Makes a list of null.
  void push_back(options value);
  /// Removes a key from a map; true where it was there.
  bool erase(std::string_view key);

  template <class Value, class Entry>
  class basic_iterator;
  using iterator = basic_iterator<options, entry>;
  using const_iterator = basic_iterator<const options, const entry>;
  template <class Entry>
  struct entries;

  /// The elements of a list, or the values of a map; nothing for null, the value itself for any other.
  [[nodiscard]] iterator begin();
  [[nodiscard]] iterator end();
  [[nodiscard]] const_iterator begin() const;
  [[nodiscard]] const_iterator end() const;
  /// The value of a key, or `end()`, which it is too for what is no map.
  [[nodiscard]] iterator find(std::string_view key);
  [[nodiscard]] const_iterator find(std::string_view key) const;
  /// Keys and values of a map: `for (const auto& [key, value] : x.items())`; nothing for what is no map.
  [[nodiscard]] entries<entry> items();
  [[nodiscard]] entries<const entry> items() const;

  /// JSON text; `indent` below 0: on one line. Bytes that are no UTF-8 become U+FFFD, a number that is not finite null.
  [[nodiscard]] std::string dump(int indent = -1) const;
  /// Reads JSON text. Throws where it is none, or is nested more than `deepest` levels.
  [[nodiscard]] static options parse(std::string_view json);
  [[nodiscard]] static std::optional<options> try_parse(std::string_view json);
  [[nodiscard]] std::string to_msgpack() const;
  [[nodiscard]] static std::optional<options> from_msgpack(std::string_view bytes);
  static constexpr int deepest = 1000;

  friend bool operator==(const options& left, const options& right);
  template <std::convertible_to<std::string_view> Text>
  requires(!std::same_as<Text, std::nullptr_t>) friend bool operator==(const options& left, const Text& right) {
    return left.kind_ == kind::text && std::string_view(*left.held_.text) == std::string_view(right);
  }
  /// JSON text on one line.
  friend std::ostream& operator<<(std::ostream& out, const options& value);

 private:
  union content {
    bool boolean;
    std::int64_t integer;
    std::uint64_t whole;
    double real;
    std::string* text;
    bytes_type* bytes;
    list_type* list;
    map_type* map;
  };

  /// Makes an empty value of a kind.
  explicit options(kind of);
  void release() noexcept;
  /// Null where there is no such key; throws for what is no map.
  [[nodiscard]] const options* member(std::string_view key) const;
  [[nodiscard]] const options& element(std::size_t index) const;
  [[noreturn]] void wrong_kind(const char* wanted) const;
  void take_list(std::initializer_list<part> parts);
  void take_map(std::initializer_list<part> parts);
  template <class T>
  [[nodiscard]] T number() const;

  kind kind_ = kind::null;
  content held_ = {};
};

/// A key of a map and its value.
struct options::entry {
  std::string key;
  options value;
  friend bool operator==(const entry& left, const entry& right) = default;
};

/// An element of a braced list, which can be moved out of it.
class options::part {
 public:
  part() = default;
  part(options value) : value_(std::move(value)) {}
  part(std::initializer_list<part> parts) : value_(parts) {}
  template <class T>
  requires(!std::same_as<std::remove_cvref_t<T>, part> && !std::same_as<std::remove_cvref_t<T>, options> &&
           std::constructible_from<options, T>) part(T&& value)
      : value_(std::forward<T>(value)) {}
  [[nodiscard]] const options& look() const { return value_; }
  [[nodiscard]] options take() const { return std::move(value_); }

 private:
  mutable options value_;
};

template <class Value, class Entry>
class options::basic_iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = options;
  using difference_type = std::ptrdiff_t;
  using pointer = Value*;
  using reference = Value&;

  basic_iterator() = default;
  explicit basic_iterator(Value* element) : element_(element) {}
  explicit basic_iterator(Entry* member) : member_(member) {}
  Value& operator*() const { return member_ != nullptr ? member_->value : *element_; }
  Value* operator->() const { return &**this; }
  /// Of an element of a map.
  [[nodiscard]] const std::string& key() const { return member_->key; }
  [[nodiscard]] Value& value() const { return **this; }
  basic_iterator& operator++() {
    if (member_ != nullptr)
      ++member_;
    else
      ++element_;
    return *this;
  }
  basic_iterator operator++(int) {
    auto before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const basic_iterator&, const basic_iterator&) = default;

 private:
  Value* element_ = nullptr;
  Entry* member_ = nullptr;
};

template <class Entry>
struct options::entries {
  Entry* first = nullptr;
  Entry* last = nullptr;
  [[nodiscard]] Entry* begin() const { return first; }
  [[nodiscard]] Entry* end() const { return last; }
};

template <class T>
T options::number() const {
  switch (kind_) {
    case kind::integer:
      return static_cast<T>(held_.integer);
    case kind::whole:
      return static_cast<T>(held_.whole);
    case kind::real:
      return static_cast<T>(held_.real);
    default:
      wrong_kind("number");
  }
}

namespace options_detail {
template <class T>
constexpr bool is_vector = false;
template <class T>
constexpr bool is_vector<std::vector<T>> = true;
template <class T>
constexpr bool is_map = false;
template <class T>
constexpr bool is_map<std::map<std::string, T>> = true;
}  // namespace options_detail

template <class T>
T options::get() const {
  if constexpr (std::same_as<T, options>) {
    return *this;
  } else if constexpr (std::same_as<T, bool>) {
    if (kind_ != kind::boolean) wrong_kind("boolean");
    return held_.boolean;
  } else if constexpr (std::is_arithmetic_v<T>) {
    return number<T>();
  } else if constexpr (std::same_as<T, std::string>) {
    return text();
  } else if constexpr (options_detail::is_vector<T>) {
    if (kind_ != kind::list) wrong_kind("array");
    T values;
    values.reserve(size());
    for (const auto& value : *held_.list) values.push_back(value.template get<typename T::value_type>());
    return values;
  } else {
    static_assert(options_detail::is_map<T>, "options hold no value of this type");
    if (kind_ != kind::map) wrong_kind("object");
    T values;
    for (const auto& [key, value] : *held_.map) values.emplace(key, value.template get<typename T::mapped_type>());
    return values;
  }
}

}  // namespace sluice
