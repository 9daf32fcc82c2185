// The encoder of text and bytes.
#include "engine/formats/parquet/dictionary.hpp"
#include "engine/formats/parquet/fixed_encoder.hpp"

#include <arrow/api.h>
#include <parquet/schema.h>

#include <algorithm>
#include <bit>
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

class text_encoder : public column_encoder {
 public:
  using column_encoder::column_encoder;

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
    if (!by_dictionary_ || !in_first_page()) return;
    const dictionary_trial trial{.values = dictionary_.size(),
                                 .value_bytes = dictionary_.page_bytes(),
                                 .drawn = numbers_.size(),
                                 .plain_bytes = static_cast<std::size_t>(plain_bytes_),
                                 .page_complete = page_complete};
    if (dictionary_pays(trial, most_dictionary_bytes)) return;
    for (const auto number : numbers_) {
      const auto text = dictionary_[number];
      const auto* from = reinterpret_cast<const std::uint8_t*>(text.data()) - 4;
      plain_.insert(plain_.end(), from, from + 4 + text.size());
      page_range_.take(text);
    }
    numbers_ = {};
    dictionary_.clear();
    by_dictionary_ = false;
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
      if (plain_.capacity() > most_kept) plain_ = {};
      plain_.clear();
      return ::parquet::Encoding::PLAIN;
    }
    const auto width = width_of(static_cast<std::uint32_t>(std::max<std::size_t>(dictionary_.size(), 1) - 1));
    out.push_back(static_cast<std::uint8_t>(width));
    append_hybrid(out, numbers_, width);
    numbers_.clear();
    if (dictionary_.page_bytes() > most_dictionary_bytes) {
      by_dictionary_ = false;
      fell_back_ = true;
      dictionary_.end_lookup();
      numbers_ = {};
    }
    return ::parquet::Encoding::RLE_DICTIONARY;
  }

  status end_chunk(encoded_chunk& chunk) override {
    range_.fill(chunk.statistics);
    range_ = {};
    chunk.fell_back = fell_back_;
    if (by_dictionary_ || fell_back_) {
      SLUICE_ASSIGN(chunk.dictionary, own_copy(dictionary_.page()));
      chunk.dictionary_values = static_cast<std::int32_t>(dictionary_.size());
    }
    dictionary_.clear();
    by_dictionary_ = true;
    fell_back_ = false;
    return {};
  }

  std::int64_t own_bytes() const override {
    return static_cast<std::int64_t>(dictionary_.held_bytes() + plain_.capacity() + numbers_.capacity() * 4);
  }

 private:
  /// Looks at each value of the page once, however often it is there.
  void take_used() {
    used_.assign(dictionary_.size(), 0);
    for (const auto number : numbers_) used_[number] = 1;
    for (std::uint32_t i = 0; i < used_.size(); ++i)
      if (used_[i] != 0) page_range_.take(dictionary_[i]);
  }

  text_dictionary dictionary_;
  std::vector<std::uint32_t> numbers_;  ///< of the page, by dictionary
  bytes plain_;                         ///< of the page, without
  bytes used_;
  std::int64_t plain_bytes_ = 0;  ///< of the page's values without a dictionary
  text_range page_range_;
  text_range range_;
  bool by_dictionary_ = true;
  bool fell_back_ = false;  ///< earlier pages of the row group are by dictionary
};

}  // namespace

std::unique_ptr<column_encoder> make_text_encoder(const ::parquet::ColumnDescriptor& column,
                                                  std::shared_ptr<arrow::util::Codec> codec) {
  return std::make_unique<text_encoder>(column, std::move(codec));
}

}  // namespace sluice::parquet_writing
