#pragma once

#include "engine/error/error.hpp"
#include "engine/formats/csv/columns.hpp"
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

/// Bytes that grow at the end and become an Arrow buffer.
class growing_bytes {
 public:
  growing_bytes() = default;
  ~growing_bytes();
  growing_bytes(growing_bytes&&) noexcept;
  growing_bytes& operator=(growing_bytes&&) noexcept;

  /// Makes room for `more` bytes behind the end and gives it; the end moves by `advance_to`. Throws std::bad_alloc.
  std::uint8_t* room(std::int64_t more) {
    if (size_ + more > capacity_) grow(more);
    return data_ + size_;
  }
  void advance_to(const std::uint8_t* end) { size_ = end - data_; }
  template <class Value>
  void append(Value value) {
    auto* out = room(static_cast<std::int64_t>(sizeof(Value)));
    std::memcpy(out, &value, sizeof(Value));
    size_ += static_cast<std::int64_t>(sizeof(Value));
  }
  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] std::uint8_t* data() { return data_; }
  void truncate(std::int64_t size) { size_ = size; }
  /// Gives the bytes away and starts again with as much room.
  std::shared_ptr<arrow::Buffer> take();

 private:
  void grow(std::int64_t more);

  std::shared_ptr<arrow::ResizableBuffer> buffer_;
  std::uint8_t* data_ = nullptr;
  std::int64_t size_ = 0;
  std::int64_t capacity_ = 0;
};

/// How the values of a column are read.
enum class value_kind : std::uint8_t {
  boolean,
  int16,
  int32,
  int64,
  uint64,
  float32,
  float64,
  decimal128,
  decimal256,
  text,
  bytea,
  date,
  time,
  timestamp,
  timestamptz,
  interval,
  list,
  structure,
};

struct column;

/// The keys of an object: which column each leads to.
struct key_table {
  struct entry {
    // What every member of every record asks for comes first, in one line of the cache.
    char begin[36] = {};       ///< of the token
    std::uint32_t wanted = 0;  ///< a bit for each of its bytes
    int size = 0;              ///< of the token
    int column = -1;           ///< in the columns; -1: passed over
    int passed = -1;           ///< of a key that is passed over: the column that says which keys are inside of it
    int follower = -1;         ///< the entry whose key came behind this one in the last object
    std::uint64_t seen = 0;    ///< the last object that had the key
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

  void add(std::string name, int column);
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

/// Gathers the values of one column of a batch; lists and structs have columns inside.
struct column {
  std::string name;
  std::string path;  ///< "address.city", for messages
  std::shared_ptr<arrow::DataType> type;
  value_kind kind = value_kind::text;
  bool given = true;  ///< the user wrote the type: what does not fit is a reject, not a wrong guess
  int precision = 0;
  int scale = 0;
  std::shared_ptr<const csv::column_plan> forms = {};  ///< how texts write values, where not in the plain way
  growing_bytes values;                                ///< of fixed width; booleans one byte each
  growing_bytes offsets;                               ///< int32: text, bytea and list: where each value ends
  growing_bytes nulls;                                 ///< int64: rows that are null, ascending
  std::int64_t length = 0;
  std::vector<column> children;  ///< list: one; struct: its fields
  key_table keys;                ///< struct

  void append_null();
  /// Takes the formats, decimal sign and thousands separator that the user gave; list elements have them too.
  void take_forms(const csv::column_plan& plan);
  /// Drops the rows from `rows` on: of a record that turned out bad.
  void truncate(std::int64_t rows);
  /// Gives the rows as an array and starts again.
  result<std::shared_ptr<arrow::Array>> finish();

 private:
  std::shared_ptr<arrow::Buffer> take_validity(std::int64_t& null_count);
};

/// Makes an empty column for a type; the error is not_supported_yet.
result<column> make_column(std::string name, std::string path, std::shared_ptr<arrow::DataType> type, bool given,
                           bool ignore_unknown);

/// Bytes of one value of a fixed width; 0 where it has none.
int width_of(value_kind kind);

}  // namespace sluice::ndjson
