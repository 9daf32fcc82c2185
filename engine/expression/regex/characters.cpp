#include "engine/expression/regex/characters.hpp"

#include <algorithm>
#include <clocale>
#include <cwctype>
#include <map>
#include <mutex>
#include <string>

#include <locale.h>

namespace sluice::expression::regex {

namespace {

// PostgreSQL asks the C library; so do we, with the locale of its default on Debian. Without it only ASCII has letters.
locale_t utf8_locale() {
  static const locale_t found = [] {
    for (const char* name : {"C.UTF-8", "C.utf8", "en_US.UTF-8"})
      if (const auto made = ::newlocale(LC_CTYPE_MASK, name, nullptr); made != nullptr) return made;
    return ::newlocale(LC_CTYPE_MASK, "C", nullptr);
  }();
  return found;
}

template <class Belongs>
character_set gather(Belongs belongs) {
  character_set made;
  for (std::uint32_t at = 0; at <= greatest_character;) {
    if (!belongs(at)) {
      ++at;
      continue;
    }
    const auto first = at;
    while (at <= greatest_character && belongs(at)) ++at;
    made.add(first, at - 1);
  }
  return made;
}

character_set make_class(const std::string& name) {
  if (name == "ascii") return gather([](std::uint32_t c) { return c < 128; });
  if (name == "word") return gather(is_word);
  const auto kind = ::wctype_l(name.c_str(), utf8_locale());
  return gather([kind](std::uint32_t c) { return ::iswctype_l(c, kind, utf8_locale()) != 0; });
}

}  // namespace

void character_set::settle() {
  std::sort(ranges_.begin(), ranges_.end(), [](const range& a, const range& b) { return a.first < b.first; });
  std::size_t kept = 0;
  for (const auto& one : ranges_) {
    if (kept > 0 && one.first <= ranges_[kept - 1].last + 1)
      ranges_[kept - 1].last = std::max(ranges_[kept - 1].last, one.last);
    else
      ranges_[kept++] = one;
  }
  ranges_.resize(kept);
}

void character_set::negate() {
  settle();
  std::vector<range> others;
  std::uint32_t next = 0;
  for (const auto& one : ranges_) {
    if (one.first > next) others.push_back({next, one.first - 1});
    next = one.last + 1;
  }
  if (next <= greatest_character) others.push_back({next, greatest_character});
  ranges_ = std::move(others);
}

void character_set::remove(std::uint32_t character) {
  negate();
  add(character, character);
  negate();
}

std::optional<character_set> class_named(std::string_view name) {
  static constexpr std::string_view names[] = {"alnum", "alpha", "ascii", "blank", "cntrl", "digit",  "graph",
                                               "lower", "print", "punct", "space", "upper", "xdigit", "word"};
  if (std::find(std::begin(names), std::end(names), name) == std::end(names)) return std::nullopt;
  static std::mutex mutex;
  static std::map<std::string, character_set, std::less<>> known;
  const std::scoped_lock lock(mutex);
  auto found = known.find(name);
  if (found == known.end()) found = known.emplace(std::string(name), make_class(std::string(name))).first;
  return found->second;
}

bool is_word(std::uint32_t character) { return character == '_' || ::iswalnum_l(character, utf8_locale()) != 0; }
std::uint32_t lower_of(std::uint32_t character) { return ::towlower_l(character, utf8_locale()); }
std::uint32_t upper_of(std::uint32_t character) { return ::towupper_l(character, utf8_locale()); }

}  // namespace sluice::expression::regex
