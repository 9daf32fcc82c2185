#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace sluice::flow {

/// A key column as it is encoded: without its dictionary or extension type.
result<std::shared_ptr<arrow::Array>> decoded_key(const std::shared_ptr<arrow::Array>& column);

/// Encodes a block of rows column by column, as hash_keys describes it, into one buffer, a slot of its own for each
/// row.
class block_encoder {
 public:
  status encode(const std::vector<std::shared_ptr<arrow::Array>>& columns, std::int64_t begin, std::int64_t rows);

  /// The encoding of a row of the last call, until the next one.
  [[nodiscard]] std::string_view row(std::int64_t index) const {
    const auto* begin = bytes_.data() + starts_[index];
    return {begin, static_cast<std::size_t>(ends_[index] - begin)};
  }

 private:
  std::vector<char> bytes_;
  std::vector<std::int64_t> starts_;
  std::vector<char*> ends_;
};

}  // namespace sluice::flow
