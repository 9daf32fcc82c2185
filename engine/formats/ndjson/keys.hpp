#pragma once

#include "engine/formats/ndjson/cursor.hpp"

#include <arrow/type_fwd.h>
#include <emmintrin.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace sluice::ndjson {

struct nested_keys;

/// The keys of an object: which column each leads to.
struct key_table {
  key_table();
  ~key_table();
  key_table(key_table&&) noexcept;
  key_table& operator=(key_table&&) noexcept;

  struct entry {
    // What every member of every record asks for comes first, in one line of the cache.
    char begin[36] = {};                 ///< of the token
    std::uint32_t wanted = 0;            ///< a bit for each of its bytes
    int size = 0;                        ///< of the token
    int column = -1;                     ///< in the columns; -1: passed over
    int follower = -1;                   ///< the entry whose key came behind this one in the last object
    bool nested = false;                 ///< there is `inner`
    std::uint64_t seen = 0;              ///< the last object that had the key
    std::unique_ptr<nested_keys> inner;  ///< null: no keys inside of its values are known
    std::string name;
    std::string token;  ///< ,"name": as it mostly stands behind a value, perhaps with a blank behind the comma

    /// Whether the token stands there, less its first bytes; 68 bytes are readable.
    [[nodiscard]] bool stands_at(const char* at, int without) const {
      if (size > 32 || scalar_only) return size <= 64 && std::memcmp(at, token.data() + without, rest(without)) == 0;
      const auto equal = [&](int from) {
        return static_cast<std::uint32_t>(_mm_movemask_epi8(
            _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at + from)),
                           _mm_loadu_si128(reinterpret_cast<const __m128i*>(begin + without + from)))));
      };
      const auto bits = wanted >> without;
      return ((equal(0) | equal(16) << 16) & bits) == bits;
    }
    [[nodiscard]] std::size_t rest(int without) const { return static_cast<std::size_t>(size - without); }
  };
  std::vector<entry> entries;                         ///< in the order in which records mostly have them
  std::unordered_map<std::string_view, int> by_name;  ///< to the entry
  bool ignore_unknown = false;                        ///< other keys are passed over
  std::uint64_t objects = 0;                          ///< seen so far
  int first = 0;                                      ///< the entry whose key came first in the last object
  int lead = 1;                                       ///< bytes of a token before the key's quote
  std::unordered_set<std::string> others;             ///< keys without an entry that an object had
  std::uint64_t others_of = 0;                        ///< that object

  void add(std::string name, int column, std::unique_ptr<nested_keys> inner);
  /// Makes `by_name` when all are added, and expects them in this order.
  void index();
  /// Adds a key that is in no schema, so that it is passed over faster, unless there are too many; gives its entry or
  /// -1.
  int learn(std::string_view name);
  /// Notes a key of the object that has no entry; false where the object has had it.
  bool note_other(std::string_view name);
  /// Notes how the comma at `at` and the key behind it stand, in the way of which there are tokens from now on.
  void note_lead(const char* at) {
    const int now = at[1] == ' ' ? 2 : 1;
    if (now != lead && at[now] == '"') write_tokens(now);
  }

 private:
  void write_token(entry& of) const;
  void write_tokens(int with_lead);
  int rewritten_ = 0;
};

/// The keys inside of a value: of an object its own, of a list those of its elements.
struct nested_keys {
  key_table keys;
  std::unique_ptr<nested_keys> element;  ///< not null: it is a list
};

/// The keys inside of values of a type; null where it has none.
std::unique_ptr<nested_keys> keys_inside(const arrow::DataType& type, bool ignore_unknown);

}  // namespace sluice::ndjson
