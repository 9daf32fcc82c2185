#include "engine/operators/keys/key_hash.hpp"

#include "engine/operators/keys/key_encoding.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>
#include <cstring>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sluice::flow {

namespace {

using arrow::Type;

constexpr std::int64_t rows_at_once = 1024;

// One column of whole numbers without nulls, the most frequent key: no buffer, 9 bytes a row.
template <class ArrayType>
void hash_integers(const arrow::Array& column, std::vector<std::uint64_t>& out) {
  const auto& values = static_cast<const ArrayType&>(column);
  char encoded[9] = {0x02};  // the tag of an integer
  for (std::int64_t row = 0; row < values.length(); ++row) {
    const auto value = static_cast<std::int64_t>(values.Value(row));
    std::memcpy(encoded + 1, &value, sizeof value);
    out[row] = XXH3_64bits(encoded, sizeof encoded);
  }
}

bool hash_fast(const std::vector<std::shared_ptr<arrow::Array>>& columns, std::vector<std::uint64_t>& out) {
  if (columns.size() != 1 || columns[0]->null_count() != 0) return false;
  switch (columns[0]->type_id()) {
    case Type::INT16:
      return hash_integers<arrow::Int16Array>(*columns[0], out), true;
    case Type::INT32:
      return hash_integers<arrow::Int32Array>(*columns[0], out), true;
    case Type::INT64:
      return hash_integers<arrow::Int64Array>(*columns[0], out), true;
    default:
      return false;
  }
}

}  // namespace

status check_key_type(const arrow::DataType& type, const std::string& column) {
  switch (type.id()) {
    case Type::LIST:
    case Type::LARGE_LIST:
    case Type::FIXED_SIZE_LIST:
    case Type::MAP:
    case Type::STRUCT:
    case Type::SPARSE_UNION:
    case Type::DENSE_UNION:
      return user_error("not_supported_yet",
                        "a key of type " + type_name(type) + (column.empty() ? "" : " (column " + column + ")") +
                            " is not supported yet",
                        "derive a key with a simple type first");
    default:
      return {};
  }
}

result<std::vector<std::uint64_t>> hash_keys(const std::vector<std::shared_ptr<arrow::Array>>& columns,
                                             std::int64_t rows) {
  std::vector<std::shared_ptr<arrow::Array>> plain;
  for (const auto& column : columns) {
    SLUICE_ASSIGN(auto values, decoded_key(column));
    SLUICE_TRY(check_key_type(*values->type(), ""));
    plain.push_back(std::move(values));
  }
  std::vector<std::uint64_t> hashes(rows);
  if (hash_fast(plain, hashes)) return hashes;
  block_encoder encoder;
  for (std::int64_t begin = 0; begin < rows; begin += rows_at_once) {
    const auto count = std::min(rows_at_once, rows - begin);
    SLUICE_TRY(encoder.encode(plain, begin, count));
    for (std::int64_t row = 0; row < count; ++row) {
      const auto bytes = encoder.row(row);
      hashes[begin + row] = XXH3_64bits(bytes.data(), bytes.size());
    }
  }
  return hashes;
}

}  // namespace sluice::flow
