#include "engine/formats/csv/writer.hpp"

#include "engine/values/value_text.hpp"

#include <arrow/api.h>
#include <emmintrin.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace sluice::csv {

namespace {

constexpr std::int64_t block_rows = 128;
constexpr std::size_t slack = 64;

enum class kind {
  boolean,
  int16,
  int32,
  int64,
  uint64,
  float32,
  float64,
  date,
  time,
  timestamp,
  timestamptz,
  decimal,
  text,
  other
};

kind kind_of(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return kind::boolean;
    case arrow::Type::INT16:
      return kind::int16;
    case arrow::Type::INT32:
      return kind::int32;
    case arrow::Type::INT64:
      return kind::int64;
    case arrow::Type::UINT64:
      return kind::uint64;
    case arrow::Type::FLOAT:
      return kind::float32;
    case arrow::Type::DOUBLE:
      return kind::float64;
    case arrow::Type::DATE32:
      return kind::date;
    case arrow::Type::TIME64:
      return static_cast<const arrow::Time64Type&>(type).unit() == arrow::TimeUnit::MICRO ? kind::time : kind::other;
    case arrow::Type::TIMESTAMP: {
      const auto& timestamp = static_cast<const arrow::TimestampType&>(type);
      if (timestamp.unit() != arrow::TimeUnit::MICRO) return kind::other;
      return timestamp.timezone().empty() ? kind::timestamp : kind::timestamptz;
    }
    case arrow::Type::DECIMAL128:
      return kind::decimal;
    case arrow::Type::STRING:
      return kind::text;
    default:
      return kind::other;
  }
}

/// Copies short texts without a call: two overlapping pieces.
inline void copy_text(char* out, const char* from, std::size_t size) {
  if (size > 16 || size < 4) {
    if (size > 16) {
      std::memcpy(out, from, size);
    } else {
      for (std::size_t i = 0; i < size; ++i) out[i] = from[i];
    }
  } else if (size >= 8) {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::memcpy(&first, from, 8);
    std::memcpy(&last, from + size - 8, 8);
    std::memcpy(out, &first, 8);
    std::memcpy(out + size - 8, &last, 8);
  } else {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, from, 4);
    std::memcpy(&last, from + size - 4, 4);
    std::memcpy(out, &first, 4);
    std::memcpy(out + size - 4, &last, 4);
  }
}

/// True for bytes that numbers, dates and booleans are written with.
bool is_value_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view(".-+: ").find(c) != std::string_view::npos;
}

/// Doubles with up to four digits behind the point, which most are: such a decimal of at most 15 digits is the shortest
/// that reads back as the same value, because no two of them are the same double.
char* write_short_double(char* out, double value) {
  constexpr double most = 1e11;
  if (!(std::fabs(value) < most) || (value == 0 && std::signbit(value))) return write_double(out, value);
  const auto scaled = static_cast<std::int64_t>(value * 1e4 + (value < 0 ? -0.5 : 0.5));
  if (static_cast<double>(scaled) / 1e4 != value) return write_double(out, value);
  auto magnitude = static_cast<std::uint64_t>(scaled < 0 ? -scaled : scaled);
  if (scaled < 0) *out++ = '-';
  auto behind = static_cast<unsigned>(magnitude % 10'000);
  out = std::to_chars(out, out + 20, magnitude / 10'000).ptr;
  if (behind == 0) return out;
  *out++ = '.';
  for (unsigned unit = 1000; behind != 0; unit /= 10) {
    *out++ = static_cast<char>('0' + behind / unit);
    behind %= unit;
  }
  return out;
}

}  // namespace

/// What the loop needs to know of a column of the batch at hand.
struct writer::column {
  kind what = kind::other;
  const arrow::Array* array = nullptr;
  const std::uint8_t* validity = nullptr;  ///< null: no nulls
  std::int64_t offset = 0;
  const std::uint8_t* values = nullptr;
  const std::int32_t* ends = nullptr;
  int scale = 0;
  bool clean = false;  ///< text: no value of the block at hand holds what needs quotes

  [[nodiscard]] bool is_null(std::int64_t row) const {
    const auto at = offset + row;
    return validity != nullptr && (validity[at >> 3] >> (at & 7) & 1) == 0;
  }
  template <class Value>
  [[nodiscard]] Value value(std::int64_t row) const {
    Value out;
    std::memcpy(&out, values + (offset + row) * static_cast<std::int64_t>(sizeof(Value)), sizeof(Value));
    return out;
  }
  [[nodiscard]] std::string_view text(std::int64_t row) const {
    const auto* end = ends + offset + row;
    return {reinterpret_cast<const char*>(values) + end[0], static_cast<std::size_t>(end[1] - end[0])};
  }
};

writer::writer(writer_rules rules, std::shared_ptr<arrow::Schema> schema)
    : rules_(std::move(rules)), schema_(std::move(schema)) {
  quote_fixed_ = rules_.quote_all || is_value_byte(rules_.separator) || is_value_byte(rules_.quote);
}

writer::~writer() = default;

void writer::make_room(std::size_t more) {
  if (used_ + more + slack <= capacity_) return;
  const auto wanted = std::max(used_ + more + slack, capacity_ * 2);
  auto grown = std::make_unique_for_overwrite<char[]>(wanted);
  if (used_ > 0) std::memcpy(grown.get(), buffer_.get(), used_);
  buffer_ = std::move(grown);
  capacity_ = wanted;
}

void writer::append(std::string_view bytes) {
  make_room(bytes.size());
  std::memcpy(buffer_.get() + used_, bytes.data(), bytes.size());
  used_ += bytes.size();
}

bool writer::needs_quotes(std::string_view text) const {
  if (text.empty() || text == rules_.null_value) return true;
  return !is_clean(text.data(), text.size());
}

/// True where no byte is the separator, the quote or a line end.
bool writer::is_clean(const char* data, std::size_t size) const {
  const auto separator = _mm_set1_epi8(rules_.separator);
  const auto quote = _mm_set1_epi8(rules_.quote);
  const auto odd = [&](__m128i bytes) {
    const auto lines =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')));
    return _mm_or_si128(lines, _mm_or_si128(_mm_cmpeq_epi8(bytes, separator), _mm_cmpeq_epi8(bytes, quote)));
  };
  auto found = _mm_setzero_si128();
  for (; size >= 16; data += 16, size -= 16)
    found = _mm_or_si128(found, odd(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data))));
  if (_mm_movemask_epi8(found) != 0) return false;
  for (; size > 0; ++data, --size) {
    if (*data == rules_.separator || *data == rules_.quote || *data == '\n' || *data == '\r') return false;
  }
  return true;
}

/// Takes room for twice the text and two quotes.
char* writer::write_text(std::string_view text, bool clean, char* out) const {
  const bool special = text.empty() || (text == rules_.null_value);
  if (!rules_.quote_all && !special && (clean || !needs_quotes(text))) {
    copy_text(out, text.data(), text.size());
    return out + text.size();
  }
  return write_quoted(text, out);
}

char* writer::write_quoted(std::string_view text, char* out) const {
  *out++ = rules_.quote;
  for (const char c : text) {
    if (c == rules_.quote) *out++ = rules_.quote;
    *out++ = c;
  }
  *out++ = rules_.quote;
  return out;
}

void writer::write_header() {
  bool first = true;
  for (const auto& name : schema_->field_names()) {
    make_room(2 * name.size() + 4);
    auto* out = buffer_.get() + used_;
    if (!first) *out++ = rules_.separator;
    first = false;
    // Readers take blanks around an unquoted name for typing.
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    const bool blanks = !name.empty() && (is_blank(name.front()) || is_blank(name.back()));
    out = blanks ? write_quoted(name, out) : write_text(name, false, out);
    used_ = static_cast<std::size_t>(out - buffer_.get());
  }
  append(rules_.line_end);
}

char* writer::write_cell(const column& each, std::int64_t row, char* out) const {
  switch (each.what) {
    case kind::boolean: {
      const auto at = each.offset + row;
      const std::string_view word = (each.values[at >> 3] >> (at & 7) & 1) != 0 ? "true" : "false";
      return std::copy(word.begin(), word.end(), out);
    }
    case kind::int16:
      return std::to_chars(out, out + 24, each.value<std::int16_t>(row)).ptr;
    case kind::int32:
      return std::to_chars(out, out + 24, each.value<std::int32_t>(row)).ptr;
    case kind::int64:
      return std::to_chars(out, out + 24, each.value<std::int64_t>(row)).ptr;
    case kind::uint64:
      return std::to_chars(out, out + 24, each.value<std::uint64_t>(row)).ptr;
    case kind::float32:
      return write_float(out, each.value<float>(row));
    case kind::float64:
      return write_short_double(out, each.value<double>(row));
    case kind::date:
      return write_date(out, each.value<std::int32_t>(row));
    case kind::time:
      return write_time(out, each.value<std::int64_t>(row));
    case kind::timestamp:
      return write_timestamp(out, each.value<std::int64_t>(row), false);
    case kind::timestamptz:
      return write_timestamp(out, each.value<std::int64_t>(row), true);
    case kind::decimal:
      return write_decimal(out, each.value<int128>(row), each.scale);
    case kind::text:
    case kind::other:
      break;
  }
  return out;
}

char* writer::write_rows(std::vector<column>& columns, std::int64_t from, std::int64_t to, char* out) const {
  const auto null_size = rules_.null_value.size();
  const auto end_size = rules_.line_end.size();
  for (auto row = from; row < to; ++row) {
    bool first = true;
    for (const auto& each : columns) {
      if (!first) *out++ = rules_.separator;
      first = false;
      if (each.is_null(row)) {
        std::memcpy(out, rules_.null_value.data(), null_size);
        out += null_size;
      } else if (each.what == kind::text) {
        out = write_text(each.text(row), each.clean, out);
      } else if (quote_fixed_) {
        *out++ = rules_.quote;
        out = write_cell(each, row, out);
        *out++ = rules_.quote;
      } else {
        out = write_cell(each, row, out);
      }
    }
    std::memcpy(out, rules_.line_end.data(), end_size);
    out += end_size;
  }
  return out;
}

void writer::write(const arrow::RecordBatch& rows) {
  std::vector<column> columns;
  std::vector<std::shared_ptr<arrow::Array>> turned;  // types without a loop of their own, as text
  for (int i = 0; i < rows.num_columns(); ++i) {
    auto array = rows.column(i);
    column each{.what = kind_of(*array->type())};
    if (each.what == kind::other) {
      arrow::StringBuilder texts;
      std::string text;
      for (std::int64_t row = 0; row < array->length(); ++row) {
        text.clear();
        if (!array->IsNull(row)) append_value(text, *array, row);
        (void)(array->IsNull(row) ? texts.AppendNull() : texts.Append(text));
      }
      array = texts.Finish().ValueOrDie();
      turned.push_back(array);
      each.what = kind::text;
    }
    const auto& data = *array->data();
    each.array = array.get();
    each.offset = data.offset;
    each.validity = data.GetNullCount() > 0 ? data.buffers[0]->data() : nullptr;
    if (each.what == kind::text) {
      each.ends = reinterpret_cast<const std::int32_t*>(data.buffers[1]->data());
      each.values = data.buffers[2] ? data.buffers[2]->data() : nullptr;
    } else {
      each.values = data.buffers[1]->data();
      if (each.what == kind::decimal) each.scale = static_cast<const arrow::Decimal128Type&>(*array->type()).scale();
    }
    columns.push_back(each);
  }
  for (std::int64_t row = 0; row < rows.num_rows(); row += block_rows) {
    const auto end = std::min(row + block_rows, rows.num_rows());
    auto fixed = columns.size() * (longest_value + 3 + rules_.null_value.size()) + rules_.line_end.size();
    std::size_t text = 0;
    for (auto& each : columns) {
      if (each.what != kind::text) continue;
      const auto first = each.ends[each.offset + row];
      const auto size = static_cast<std::size_t>(each.ends[each.offset + end] - first);
      text += 2 * size;
      each.clean = is_clean(reinterpret_cast<const char*>(each.values) + first, size);
    }
    make_room(fixed * static_cast<std::size_t>(end - row) + text);
    used_ = static_cast<std::size_t>(write_rows(columns, row, end, buffer_.get() + used_) - buffer_.get());
  }
}

}  // namespace sluice::csv
