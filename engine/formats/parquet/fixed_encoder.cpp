// Encoders of columns whose values all have one size: dictionary or plain, with the smallest and the largest value.
#include "engine/formats/parquet/fixed_encoder.hpp"

#include "engine/formats/parquet/dictionary_encoder.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/array/data.h>
#include <arrow/type.h>
#include <parquet/schema.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace sluice::parquet_writing {

namespace {

/// The smallest and the largest value; NaN is neither.
template <class Stored>
struct value_range {
  static constexpr bool floating = std::is_floating_point_v<Stored>;
  static constexpr Stored top() {
    if constexpr (floating) return std::numeric_limits<Stored>::infinity();
    if constexpr (sizeof(Stored) == 16) return static_cast<Stored>(~(static_cast<uint128>(1) << 127));
    return std::numeric_limits<Stored>::max();
  }
  static constexpr Stored bottom() {
    if constexpr (floating) return -std::numeric_limits<Stored>::infinity();
    if constexpr (sizeof(Stored) == 16) return static_cast<Stored>(static_cast<uint128>(1) << 127);
    return std::numeric_limits<Stored>::min();
  }

  Stored least = top();
  Stored most = bottom();

  void take(const Stored* values, std::int64_t count) {
    // Comparisons of floating-point numbers take several cycles: four ranges side by side don't wait for each other.
    // Integers the compiler compares many at a time by itself.
    if constexpr (floating) {
      value_range lanes[4];
      for (; count >= 4; values += 4, count -= 4)
        for (int i = 0; i < 4; ++i) lanes[i].take(values[i]);
      for (const auto& lane : lanes) take(lane);
    }
    auto all = *this;
    for (std::int64_t i = 0; i < count; ++i) all.take(values[i]);
    *this = all;
  }
  void take(Stored value) {
    least = value < least ? value : least;
    most = value > most ? value : most;
  }
  void take(const value_range& other) {
    least = std::min(least, other.least);
    most = std::max(most, other.most);
  }
  /// False also where all values were NaN.
  [[nodiscard]] bool any() const { return !(least > most); }
};

/// How a value is laid out in Arrow, and how in Parquet.
template <class Source, class Stored = Source>
struct plain_layout {
  using source = Source;
  using stored = Stored;
  explicit plain_layout(const ::parquet::ColumnDescriptor&) {}

  static void append(bytes& out, const Stored* values, std::size_t count) {
    const auto* from = reinterpret_cast<const std::uint8_t*>(values);
    out.insert(out.end(), from, from + count * sizeof(Stored));
  }
};

/// Decimals are big-endian and no wider than their precision needs.
struct decimal_layout {
  using source = int128;
  using stored = int128;
  explicit decimal_layout(const ::parquet::ColumnDescriptor& column)
      : width(static_cast<std::size_t>(column.type_length())) {}

  void append(bytes& out, const int128* values, std::size_t count) const {
    const auto start = out.size();
    out.resize(start + count * width + sizeof(int128));  // whole numbers are stored, also at the end
    auto* to = out.data() + start;
    for (std::size_t i = 0; i < count; ++i, to += width) {
      const auto value = static_cast<uint128>(values[i]);
      const std::uint64_t ends[2] = {__builtin_bswap64(static_cast<std::uint64_t>(value >> 64)),
                                     __builtin_bswap64(static_cast<std::uint64_t>(value))};
      std::uint8_t padded[2 * sizeof ends] = {};
      std::memcpy(padded, ends, sizeof ends);
      std::memcpy(to, padded + (sizeof ends - width), sizeof ends);
    }
    out.resize(start + count * width);
  }
  std::size_t width;
};

template <class Layout>
class fixed_encoder : public dictionary_encoder<value_dictionary<typename Layout::stored>> {
 public:
  using stored = typename Layout::stored;
  using source = typename Layout::source;
  using base = dictionary_encoder<value_dictionary<stored>>;

  fixed_encoder(const ::parquet::ColumnDescriptor& column, std::shared_ptr<arrow::util::Codec> codec)
      : base(column, std::move(codec)), layout_(column) {}

 protected:
  void take(const arrow::ArrayData& data, std::int64_t from, std::int64_t rows) override {
    const auto count = static_cast<std::size_t>(rows);
    if constexpr (sizeof(source) > 8) {
      // Buffers that came from a file or over the wire are aligned to eight bytes only.
      converted_.resize(count);
      std::memcpy(converted_.data(), data.buffers[1]->data() + (data.offset + from) * std::int64_t{sizeof(source)},
                  count * sizeof(source));
      take_stored(converted_.data(), count);
    } else if constexpr (std::is_same_v<source, stored>) {
      take_stored(data.GetValues<source>(1) + from, count);
    } else {
      const auto* values = data.GetValues<source>(1) + from;
      converted_.assign(values, values + rows);
      take_stored(converted_.data(), count);
    }
  }

  void reconsider(bool page_complete) override {
    if (!base::should_give_up(numbers_.size() * sizeof(stored), page_complete)) return;
    for (const auto number : numbers_) plain_.push_back(dictionary_[number]);
    base::give_up();
  }

  ::parquet::Encoding::type append_page(bytes& out, encoded_page& page) override {
    set_statistics(page.statistics, page_range_);
    range_.take(page_range_);
    page_range_ = {};
    if (!by_dictionary_) {
      layout_.append(out, plain_.data(), plain_.size());
      plain_.clear();
      return ::parquet::Encoding::PLAIN;
    }
    return base::append_numbers(out);
  }

  status end_chunk(encoded_chunk& chunk) override {
    set_statistics(chunk.statistics, range_);
    range_ = {};
    return base::end_dictionary(chunk, [this] {
      bytes page;
      layout_.append(page, dictionary_.values().data(), dictionary_.size());
      return page;
    });
  }

  std::int64_t own_bytes() const override {
    return static_cast<std::int64_t>(dictionary_.held_bytes() + plain_.capacity() * sizeof(stored) +
                                     numbers_.capacity() * 4 + converted_.capacity() * sizeof(stored));
  }

  void free_page() override {
    let_go(numbers_);
    let_go(plain_);
    let_go(converted_);
  }

 private:
  void take_stored(const stored* values, std::size_t count) {
    page_range_.take(values, static_cast<std::int64_t>(count));
    if (!by_dictionary_) {
      plain_.insert(plain_.end(), values, values + count);
      return;
    }
    const auto start = numbers_.size();
    numbers_.resize(start + count);
    auto* to = numbers_.data() + start;
    for (std::size_t i = 0; i < count; ++i) to[i] = dictionary_.number_of(values[i]);
  }

  void set_statistics(::parquet::EncodedStatistics& to, const value_range<stored>& range) const {
    if (!range.any()) return;
    auto least = range.least;
    auto most = range.most;
    if constexpr (std::is_floating_point_v<stored>) {
      // Who compares bits must find both zeros between them.
      if (least == 0) least = -stored{0};
      if (most == 0) most = stored{0};
    }
    bytes both;
    layout_.append(both, &least, 1);
    const auto size = both.size();
    layout_.append(both, &most, 1);
    const auto* text = reinterpret_cast<const char*>(both.data());
    to.set_min(std::string(text, size));
    to.set_max(std::string(text + size, size));
    to.set_is_signed(std::is_signed_v<stored> || sizeof(stored) == 16);
  }

  using base::by_dictionary_;
  using base::dictionary_;
  using base::numbers_;

  Layout layout_;
  std::vector<stored> plain_;  ///< of the page, without a dictionary
  std::vector<stored> converted_;
  value_range<stored> page_range_;
  value_range<stored> range_;
};

/// One bit a value; a dictionary would only make it larger.
class boolean_encoder : public column_encoder {
 public:
  using column_encoder::column_encoder;

 protected:
  void take(const arrow::ArrayData& data, std::int64_t from, std::int64_t rows) override {
    const auto* bits = data.buffers[1]->data();
    for (auto at = data.offset + from; at < data.offset + from + rows; ++at) {
      const bool value = (bits[at >> 3] >> (at & 7) & 1) != 0;
      if ((count_ & 7) == 0) packed_.push_back(0);
      if (value) packed_.back() = static_cast<std::uint8_t>(packed_.back() | 1U << (count_ & 7));
      ++count_;
      (value ? page_true_ : page_false_) = true;
    }
  }

  ::parquet::Encoding::type append_page(bytes& out, encoded_page& page) override {
    out.insert(out.end(), packed_.begin(), packed_.end());
    packed_.clear();
    count_ = 0;
    set_statistics(page.statistics, page_false_, page_true_);
    false_ |= std::exchange(page_false_, false);
    true_ |= std::exchange(page_true_, false);
    return ::parquet::Encoding::PLAIN;
  }

  status end_chunk(encoded_chunk& chunk) override {
    set_statistics(chunk.statistics, false_, true_);
    false_ = true_ = false;
    return {};
  }

  std::int64_t own_bytes() const override { return static_cast<std::int64_t>(packed_.capacity()); }
  void free_page() override { let_go(packed_); }

 private:
  static void set_statistics(::parquet::EncodedStatistics& to, bool has_false, bool has_true) {
    if (!has_false && !has_true) return;
    to.set_min(std::string(1, has_false ? '\0' : '\1'));
    to.set_max(std::string(1, has_true ? '\1' : '\0'));
    to.set_is_signed(true);
  }

  bytes packed_;
  std::int64_t count_ = 0;
  bool page_false_ = false;
  bool page_true_ = false;
  bool false_ = false;
  bool true_ = false;
};

template <class Layout>
std::unique_ptr<column_encoder> make(const ::parquet::ColumnDescriptor& column,
                                     std::shared_ptr<arrow::util::Codec> codec) {
  return std::make_unique<fixed_encoder<Layout>>(column, std::move(codec));
}

}  // namespace

std::unique_ptr<column_encoder> make_fixed_encoder(const arrow::DataType& type,
                                                   const ::parquet::ColumnDescriptor& column,
                                                   std::shared_ptr<arrow::util::Codec> codec) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return std::make_unique<boolean_encoder>(column, std::move(codec));
    case arrow::Type::INT16:
      return make<plain_layout<std::int16_t, std::int32_t>>(column, std::move(codec));
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
      return make<plain_layout<std::int32_t>>(column, std::move(codec));
    case arrow::Type::INT64:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
      return make<plain_layout<std::int64_t>>(column, std::move(codec));
    case arrow::Type::UINT64:
      return make<plain_layout<std::uint64_t>>(column, std::move(codec));
    case arrow::Type::FLOAT:
      return make<plain_layout<float>>(column, std::move(codec));
    case arrow::Type::DOUBLE:
      return make<plain_layout<double>>(column, std::move(codec));
    case arrow::Type::DECIMAL128:
      return make<decimal_layout>(column, std::move(codec));
    default:
      return nullptr;
  }
}

}  // namespace sluice::parquet_writing
