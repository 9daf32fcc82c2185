#include "engine/component/options.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

namespace {

template <class Entries>
auto place_of(Entries& entries, std::string_view key) {
  return std::find_if(entries.begin(), entries.end(), [&](const auto& each) { return each.key == key; });
}

bool is_pair(const options& value) { return value.is_array() && value.size() == 2 && value[0].is_string(); }

}  // namespace

options::options(kind of) : kind_(of) {
  switch (of) {
    case kind::text:
      held_.text = new std::string;
      break;
    case kind::bytes:
      held_.bytes = new bytes_type;
      break;
    case kind::list:
      held_.list = new list_type;
      break;
    case kind::map:
      held_.map = new map_type;
      break;
    default:
      break;
  }
}

options::options(std::string value) : kind_(kind::text) { held_.text = new std::string(std::move(value)); }

options::options(const options& other) : kind_(other.kind_), held_(other.held_) {
  switch (kind_) {
    case kind::text:
      held_.text = new std::string(*other.held_.text);
      break;
    case kind::bytes:
      held_.bytes = new bytes_type(*other.held_.bytes);
      break;
    case kind::list:
      held_.list = new list_type(*other.held_.list);
      break;
    case kind::map:
      held_.map = new map_type(*other.held_.map);
      break;
    default:
      break;
  }
}

void options::release() noexcept {
  switch (kind_) {
    case kind::text:
      delete held_.text;
      break;
    case kind::bytes:
      delete held_.bytes;
      break;
    case kind::list:
      delete held_.list;
      break;
    case kind::map:
      delete held_.map;
      break;
    default:
      break;
  }
}

options::options(std::initializer_list<part> parts)
    : options(std::all_of(parts.begin(), parts.end(), [](const part& each) { return is_pair(each.look()); })
                  ? kind::map
                  : kind::list) {
  if (kind_ == kind::map)
    take_map(parts);
  else
    take_list(parts);
}

options options::array() { return options(kind::list); }

options options::array(std::initializer_list<part> parts) {
  options made(kind::list);
  made.take_list(parts);
  return made;
}

options options::object() { return options(kind::map); }

options options::object(std::initializer_list<part> parts) {
  options made(kind::map);
  made.take_map(parts);
  return made;
}

options options::binary(bytes_type bytes) {
  options made(kind::bytes);
  *made.held_.bytes = std::move(bytes);
  return made;
}

void options::take_list(std::initializer_list<part> parts) {
  held_.list->reserve(parts.size());
  for (const auto& each : parts) held_.list->push_back(each.take());
}

void options::take_map(std::initializer_list<part> parts) {
  held_.map->reserve(parts.size());
  for (const auto& each : parts) {
    if (!is_pair(each.look())) throw exception("cannot create object from initializer list");
    auto pair = each.take();
    auto& key = (*pair.held_.list)[0].text();
    if (place_of(*held_.map, key) != held_.map->end()) continue;  // the first one counts
    held_.map->push_back({std::move(key), std::move((*pair.held_.list)[1])});
  }
}

const char* options::type_name() const {
  switch (kind_) {
    case kind::null:
      return "null";
    case kind::boolean:
      return "boolean";
    case kind::text:
      return "string";
    case kind::bytes:
      return "binary";
    case kind::list:
      return "array";
    case kind::map:
      return "object";
    default:
      return "number";
  }
}

void options::wrong_kind(const char* wanted) const {
  throw exception(std::string("type must be ") + wanted + ", but is " + type_name());
}

std::size_t options::size() const {
  switch (kind_) {
    case kind::null:
      return 0;
    case kind::list:
      return held_.list->size();
    case kind::map:
      return held_.map->size();
    default:
      return 1;
  }
}

const std::string& options::text() const {
  if (kind_ != kind::text) wrong_kind("string");
  return *held_.text;
}

std::string& options::text() {
  if (kind_ != kind::text) wrong_kind("string");
  return *held_.text;
}

const options::bytes_type& options::get_binary() const {
  if (kind_ != kind::bytes) wrong_kind("binary");
  return *held_.bytes;
}

const options* options::member(std::string_view key) const {
  if (kind_ != kind::map) wrong_kind("object");
  const auto found = place_of(*held_.map, key);
  return found == held_.map->end() ? nullptr : &found->value;
}

const options& options::element(std::size_t index) const {
  if (kind_ != kind::list) wrong_kind("array");
  if (index >= held_.list->size()) throw exception("array index " + std::to_string(index) + " is out of range");
  return (*held_.list)[index];
}

bool options::contains(std::string_view key) const { return kind_ == kind::map && member(key) != nullptr; }

const options& options::front() const {
  if (empty()) throw exception("an empty array has no first element");
  return *begin();
}

const options& options::at(std::string_view key) const {
  const auto* found = member(key);
  if (found == nullptr) throw exception("key '" + std::string(key) + "' not found");
  return *found;
}

options& options::at(std::string_view key) { return const_cast<options&>(std::as_const(*this).at(key)); }

options& options::operator[](std::string_view key) {
  if (kind_ == kind::null) *this = object();
  if (const auto* found = member(key)) return const_cast<options&>(*found);
  return held_.map->emplace_back(std::string(key), options()).value;
}

void options::push_back(options value) {
  if (kind_ == kind::null) *this = array();
  if (kind_ != kind::list) wrong_kind("array");
  held_.list->push_back(std::move(value));
}

bool options::erase(std::string_view key) {
  if (kind_ != kind::map) wrong_kind("object");
  const auto found = place_of(*held_.map, key);
  if (found == held_.map->end()) return false;
  held_.map->erase(found);
  return true;
}

options::iterator options::begin() {
  switch (kind_) {
    case kind::null:
      return {};
    case kind::list:
      return iterator(held_.list->data());
    case kind::map:
      return iterator(held_.map->data());
    default:
      return iterator(this);
  }
}

options::iterator options::end() {
  switch (kind_) {
    case kind::null:
      return {};
    case kind::list:
      return iterator(held_.list->data() + held_.list->size());
    case kind::map:
      return iterator(held_.map->data() + held_.map->size());
    default:
      return iterator(this + 1);
  }
}

options::const_iterator options::begin() const {
  switch (kind_) {
    case kind::null:
      return {};
    case kind::list:
      return const_iterator(std::as_const(*held_.list).data());
    case kind::map:
      return const_iterator(std::as_const(*held_.map).data());
    default:
      return const_iterator(this);
  }
}

options::const_iterator options::end() const {
  switch (kind_) {
    case kind::null:
      return {};
    case kind::list:
      return const_iterator(std::as_const(*held_.list).data() + held_.list->size());
    case kind::map:
      return const_iterator(std::as_const(*held_.map).data() + held_.map->size());
    default:
      return const_iterator(this + 1);
  }
}

options::iterator options::find(std::string_view key) {
  if (kind_ != kind::map) return end();
  const auto found = place_of(*held_.map, key);
  return iterator(held_.map->data() + (found - held_.map->begin()));
}

options::const_iterator options::find(std::string_view key) const {
  if (kind_ != kind::map) return end();
  const auto found = place_of(std::as_const(*held_.map), key);
  return const_iterator(std::as_const(*held_.map).data() + (found - held_.map->cbegin()));
}

options::entries<options::entry> options::items() {
  if (kind_ != kind::map) return {};
  return {held_.map->data(), held_.map->data() + held_.map->size()};
}

options::entries<const options::entry> options::items() const {
  if (kind_ != kind::map) return {};
  return {held_.map->data(), held_.map->data() + held_.map->size()};
}

bool operator==(const options& left, const options& right) {
  using kind = options::kind;
  if (left.kind_ == right.kind_) {
    switch (left.kind_) {
      case kind::null:
        return true;
      case kind::boolean:
        return left.held_.boolean == right.held_.boolean;
      case kind::integer:
        return left.held_.integer == right.held_.integer;
      case kind::whole:
        return left.held_.whole == right.held_.whole;
      case kind::real:
        return left.held_.real == right.held_.real;
      case kind::text:
        return *left.held_.text == *right.held_.text;
      case kind::bytes:
        return *left.held_.bytes == *right.held_.bytes;
      case kind::list:
        return *left.held_.list == *right.held_.list;
      case kind::map:
        return *left.held_.map == *right.held_.map;
    }
  }
  if (!left.is_number() || !right.is_number()) return false;
  if (left.is_number_float() || right.is_number_float()) return left.get<double>() == right.get<double>();
  const auto& with_sign = left.kind_ == kind::integer ? left : right;
  const auto& without = left.kind_ == kind::integer ? right : left;
  return std::cmp_equal(with_sign.held_.integer, without.held_.whole);
}

}  // namespace sluice
