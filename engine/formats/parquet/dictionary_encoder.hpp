#pragma once

#include "engine/formats/parquet/column_encoder.hpp"
#include "engine/formats/parquet/dictionary.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace sluice::parquet_writing {

/// What encoders share that begin each row group with a dictionary: when they give it up, and the pages of its numbers.
template <class Dictionary>
class dictionary_encoder : public column_encoder {
 public:
  using column_encoder::column_encoder;

 protected:
  /// Whether the first page goes without: its values are plain then, and those of all pages behind it.
  [[nodiscard]] bool should_give_up(std::size_t plain_bytes, bool page_complete) const {
    if (!by_dictionary_ || !in_first_page()) return false;
    return !dictionary_pays({.values = dictionary_.size(),
                             .value_bytes = dictionary_.page_bytes(),
                             .drawn = numbers_.size(),
                             .plain_bytes = plain_bytes,
                             .page_complete = page_complete},
                            column_encoder::dictionary_limit());
  }
  void give_up() {
    let_go(numbers_);
    dictionary_.clear();
    by_dictionary_ = false;
  }

  /// Appends the numbers of a page. The dictionary of a row group holds no more values once it has grown too large.
  ::parquet::Encoding::type append_numbers(bytes& out) {
    const auto width = width_of(static_cast<std::uint32_t>(std::max<std::size_t>(dictionary_.size(), 1) - 1));
    out.push_back(static_cast<std::uint8_t>(width));
    append_hybrid(out, numbers_, width);
    numbers_.clear();
    if (dictionary_.page_bytes() > column_encoder::dictionary_limit()) {
      by_dictionary_ = false;
      fell_back_ = true;
      dictionary_.end_lookup();
      let_go(numbers_);
    }
    return ::parquet::Encoding::RLE_DICTIONARY;
  }

  /// Hands out the dictionary, whose page `values()` makes, and begins the next row group.
  template <class Values>
  status end_dictionary(encoded_chunk& chunk, Values&& values) {
    chunk.fell_back = fell_back_;
    if (by_dictionary_ || fell_back_) {
      SLUICE_ASSIGN(chunk.dictionary, column_encoder::own_copy(values()));
      chunk.dictionary_values = static_cast<std::int32_t>(dictionary_.size());
    }
    dictionary_.clear();
    by_dictionary_ = true;
    fell_back_ = false;
    return {};
  }

  Dictionary dictionary_;
  std::vector<std::uint32_t> numbers_;  ///< of the page, by dictionary
  bool by_dictionary_ = true;

 private:
  bool fell_back_ = false;  ///< earlier pages of the row group are by dictionary
};

}  // namespace sluice::parquet_writing
