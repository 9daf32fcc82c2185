#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace arrow {
struct ArrayData;
}

namespace sluice::wire {

/// Rows and nulls of one array, depth first; as in Arrow's IPC format, but a dictionary follows its indices.
struct node {
  std::int64_t rows = 0;
  std::int64_t nulls = 0;
};

/// Bytes of one buffer, only those that the rows use; `bytes` null where the array has none (no nulls, for example).
struct piece {
  const std::uint8_t* bytes = nullptr;
  std::int64_t size = 0;
  std::shared_ptr<arrow::Buffer> owner;
};

/// The columns of a batch, flattened.
struct layout {
  std::vector<node> nodes;
  std::vector<piece> buffers;
};

/// Buffers start at multiples of this in a frame's body.
inline constexpr std::int64_t body_alignment = 8;
/// Types nested deeper are refused on both sides.
inline constexpr int max_depth = 64;

inline std::int64_t padded(std::int64_t size) { return (size + body_alignment - 1) / body_alignment * body_alignment; }
/// Bytes of all buffers, each padded.
std::int64_t body_size(const layout& of);

/// Appends a column. Slices are re-based, so that nothing outside them travels; dictionaries shrink to the values that
/// are used. Buffers are pointed to where they can be, copied only where bits or offsets have to move.
status flatten(const arrow::ArrayData& column, layout& into);

/// Where a buffer lies in a body; offset -1: there is none.
struct span_of_body {
  std::int64_t offset = -1;
  std::int64_t size = 0;
};

/// Takes columns out of a received frame. Every node and buffer is checked against the body; the arrays point into it.
class rebuilder {
 public:
  rebuilder(const std::vector<node>& nodes, const std::vector<span_of_body>& buffers,
            std::shared_ptr<arrow::Buffer> body)
      : nodes_(nodes), buffers_(buffers), body_(std::move(body)) {}

  /// Makes the next column and validates it in full: afterwards any Arrow function may be trusted with it.
  result<std::shared_ptr<arrow::ArrayData>> column(const std::shared_ptr<arrow::DataType>& type, std::int64_t rows);
  /// True when nothing is left over.
  [[nodiscard]] bool done() const { return next_node_ == nodes_.size() && next_buffer_ == buffers_.size(); }

 private:
  result<std::shared_ptr<arrow::ArrayData>> array(const std::shared_ptr<arrow::DataType>& type, int depth);
  result<std::shared_ptr<arrow::Buffer>> buffer();

  const std::vector<node>& nodes_;
  const std::vector<span_of_body>& buffers_;
  std::shared_ptr<arrow::Buffer> body_;
  std::size_t next_node_ = 0;
  std::size_t next_buffer_ = 0;
};

}  // namespace sluice::wire
