#include "engine/formats/ndjson/keys.hpp"

#include "engine/values/value_text.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice::ndjson {

key_table::key_table() = default;
key_table::~key_table() = default;
key_table::key_table(key_table&&) noexcept = default;
key_table& key_table::operator=(key_table&&) noexcept = default;

void key_table::write_token(entry& of) const {
  of.token = lead == 1 ? "," : ", ";
  append_json_text(of.token, of.name);
  of.token += ':';
  of.size = static_cast<int>(of.token.size());
  const auto held = std::min<std::size_t>(of.token.size(), 32);
  std::memset(of.begin, 0, sizeof(of.begin));
  std::memcpy(of.begin, of.token.data(), held);
  of.wanted = held == 32 ? ~std::uint32_t{0} : (std::uint32_t{1} << held) - 1;
}

// Objects that are written now in one way, now in the other must not have the tokens written again and again.
void key_table::write_tokens(int with_lead) {
  constexpr int often_enough = 4;
  if (rewritten_ == often_enough) return;
  ++rewritten_;
  lead = with_lead;
  for (auto& one : entries) write_token(one);
}

void key_table::add(std::string name, int column, std::unique_ptr<nested_keys> inner) {
  entry made;
  made.name = std::move(name);
  made.column = column;
  made.nested = inner != nullptr;
  made.inner = std::move(inner);
  write_token(made);
  entries.push_back(std::move(made));
}

void key_table::index() {
  by_name.clear();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    by_name.emplace(entries[i].name, static_cast<int>(i));
    if (i + 1 < entries.size()) entries[i].follower = static_cast<int>(i) + 1;
  }
}

int key_table::learn(std::string_view name) {
  constexpr std::size_t most = 1000;
  if (entries.size() >= most || name.size() > 100) return -1;
  add(std::string(name), -1, nullptr);
  // Entries may have moved, and the names in them.
  by_name.clear();
  for (std::size_t i = 0; i < entries.size(); ++i) by_name.emplace(entries[i].name, static_cast<int>(i));
  return static_cast<int>(entries.size()) - 1;
}

bool key_table::note_other(std::string_view name) {
  if (others_of != objects) others.clear();
  others_of = objects;
  return others.emplace(name).second;
}

std::unique_ptr<nested_keys> keys_inside(const arrow::DataType& type, bool ignore_unknown) {
  if (type.id() == arrow::Type::LIST) {
    auto element = keys_inside(*type.field(0)->type(), ignore_unknown);
    if (!element) return nullptr;
    auto made = std::make_unique<nested_keys>();
    made->element = std::move(element);
    return made;
  }
  if (type.id() != arrow::Type::STRUCT) return nullptr;
  auto made = std::make_unique<nested_keys>();
  for (int i = 0; i < type.num_fields(); ++i)
    made->keys.add(type.field(i)->name(), i, keys_inside(*type.field(i)->type(), ignore_unknown));
  made->keys.ignore_unknown = ignore_unknown;
  made->keys.index();
  return made;
}

}  // namespace sluice::ndjson
