// The encoder of text and bytes.
#include "engine/formats/parquet/dictionary_encoder.hpp"
#include "engine/formats/parquet/fixed_encoder.hpp"

#include <arrow/array.h>
#include <arrow/array/data.h>
#include <parquet/schema.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace sluice::parquet_writing {

namespace {

/// The first eight bytes as a number, so that most comparisons of texts are one of numbers.
std::uint64_t prefix_of(std::string_view text) {
  std::uint64_t first = 0;
  if (text.size() >= 8) {
    std::memcpy(&first, text.data(), 8);
  } else {
    std::memcpy(&first, text.data(), text.size());
  }
  return __builtin_bswap64(first);
}

/// The smallest and the largest text, byte by byte.
class text_range {
 public:
  void take(std::string_view text) {
    const auto prefix = prefix_of(text);
    if (prefix <= least_prefix_ && (!any_ || prefix < least_prefix_ || text < least_)) {
      least_ = text;
      least_prefix_ = prefix;
    }
    if (prefix >= most_prefix_ && (!any_ || prefix > most_prefix_ || text > most_)) {
      most_ = text;
      most_prefix_ = prefix;
    }
    any_ = true;
  }
  void take(const text_range& other) {
    if (!other.any_) return;
    take(other.least_);
    take(other.most_);
  }
  void fill(::parquet::EncodedStatistics& to) const {
    // Longer ones are left out, as Arrow does: cut ones would not be values of the column.
    constexpr std::size_t longest = 4096;
    if (!any_ || least_.size() > longest || most_.size() > longest) return;
    to.set_min(least_);
    to.set_max(most_);
  }

 private:
  std::string least_;
  std::string most_;
  std::uint64_t least_prefix_ = ~std::uint64_t{0};
  std::uint64_t most_prefix_ = 0;
  bool any_ = false;
};

class text_encoder : public dictionary_encoder<text_dictionary> {
 public:
  using dictionary_encoder::dictionary_encoder;

 protected:
  std::int64_t fitting(const arrow::ArrayData& data, std::int64_t from, std::int64_t rows) override {
    const auto* ends = data.GetValues<std::int32_t>(1) + from;
    const auto room = most_page_bytes - plain_bytes_;
    const auto fits = [&](std::int64_t count) { return ends[count] - ends[0] + 4 * count <= room; };
    if (fits(rows)) return rows;
    std::int64_t low = 0;  // fits
    auto high = rows;      // does not
    while (high - low > 1) {
      const auto middle = (low + high) / 2;
      (fits(middle) ? low : high) = middle;
    }
    return low == 0 && plain_bytes_ == 0 ? 1 : low;
  }

  void take(const arrow::ArrayData& data, std::int64_t from, std::int64_t rows) override {
    const auto* ends = data.GetValues<std::int32_t>(1) + from;
    const auto* texts = data.buffers[2] ? reinterpret_cast<const char*>(data.buffers[2]->data()) : "";
    plain_bytes_ += ends[rows] - ends[0] + 4 * rows;
    if (by_dictionary_) {
      const auto start = numbers_.size();
      numbers_.resize(start + static_cast<std::size_t>(rows));
      auto* to = numbers_.data() + start;
      for (std::int64_t i = 0; i < rows; ++i)
        to[i] = dictionary_.number_of({texts + ends[i], static_cast<std::size_t>(ends[i + 1] - ends[i])});
      return;
    }
    const auto start = plain_.size();
    plain_.resize(start + static_cast<std::size_t>(ends[rows] - ends[0] + 4 * rows));
    auto* to = plain_.data() + start;
    for (std::int64_t i = 0; i < rows; ++i) {
      const std::string_view text(texts + ends[i], static_cast<std::size_t>(ends[i + 1] - ends[i]));
      const auto size = static_cast<std::uint32_t>(text.size());
      std::memcpy(to, &size, 4);
      std::memcpy(to + 4, text.data(), text.size());
      to += 4 + text.size();
      page_range_.take(text);
    }
  }

  void reconsider(bool page_complete) override {
    if (!should_give_up(static_cast<std::size_t>(plain_bytes_), page_complete)) return;
    for (const auto number : numbers_) {
      const auto text = dictionary_[number];
      const auto* from = reinterpret_cast<const std::uint8_t*>(text.data()) - 4;
      plain_.insert(plain_.end(), from, from + 4 + text.size());
      page_range_.take(text);
    }
    give_up();
  }

  ::parquet::Encoding::type append_page(bytes& out, encoded_page& page) override {
    plain_bytes_ = 0;
    if (by_dictionary_) take_used();
    page_range_.fill(page.statistics);
    range_.take(page_range_);
    page_range_ = {};
    if (!by_dictionary_) {
      out.insert(out.end(), plain_.begin(), plain_.end());
      constexpr std::size_t most_kept = 2 * most_page_bytes;
      if (plain_.capacity() > most_kept) let_go(plain_);
      plain_.clear();
      return ::parquet::Encoding::PLAIN;
    }
    return append_numbers(out);
  }

  status end_chunk(encoded_chunk& chunk) override {
    range_.fill(chunk.statistics);
    range_ = {};
    return end_dictionary(chunk, [this] { return dictionary_.page(); });
  }

  std::int64_t own_bytes() const override {
    return static_cast<std::int64_t>(dictionary_.held_bytes() + plain_.capacity() + numbers_.capacity() * 4);
  }

  void free_page() override {
    let_go(numbers_);
    let_go(plain_);
    let_go(used_);
  }

 private:
  /// Looks at each value of the page once, however often it is there.
  void take_used() {
    used_.assign(dictionary_.size(), 0);
    for (const auto number : numbers_) used_[number] = 1;
    for (std::uint32_t i = 0; i < used_.size(); ++i)
      if (used_[i] != 0) page_range_.take(dictionary_[i]);
  }

  bytes plain_;  ///< of the page, without a dictionary
  bytes used_;
  std::int64_t plain_bytes_ = 0;  ///< of the page's values without a dictionary
  text_range page_range_;
  text_range range_;
};

}  // namespace

std::unique_ptr<column_encoder> make_text_encoder(const ::parquet::ColumnDescriptor& column,
                                                  std::shared_ptr<arrow::util::Codec> codec) {
  return std::make_unique<text_encoder>(column, std::move(codec));
}

}  // namespace sluice::parquet_writing
