#include "engine/wire/layout.hpp"

#include <arrow/array/data.h>
#include <arrow/array/validate.h>
#include <arrow/buffer.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

namespace sluice::wire {

namespace {

using arrow::Type;

error fault(const std::string& message) { return external_error("malformed_frame", message); }

/// Rows that a node may claim: more than any real one, and no product of it with a width overflows.
constexpr std::int64_t max_node_rows = std::int64_t{1} << 32;

int buffer_count(Type::type id) {
  switch (id) {
    case Type::NA:
    case Type::STRUCT:
    case Type::FIXED_SIZE_LIST:
      return 1;
    case Type::STRING:
    case Type::BINARY:
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY:
      return 3;
    default:
      return 2;
  }
}

bool known(Type::type id) {
  switch (id) {
    case Type::NA:
    case Type::STRUCT:
    case Type::FIXED_SIZE_LIST:
    case Type::LIST:
    case Type::LARGE_LIST:
    case Type::MAP:
    case Type::STRING:
    case Type::BINARY:
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY:
    case Type::DICTIONARY:
      return true;
    default:
      return arrow::is_fixed_width(id);
  }
}

}  // namespace

result<std::shared_ptr<arrow::Buffer>> rebuilder::buffer() {
  if (next_buffer_ == buffers_.size()) return fault("a frame has fewer buffers than its schema needs");
  const auto& place = buffers_[next_buffer_++];
  if (place.offset < 0) return std::shared_ptr<arrow::Buffer>();
  if (place.offset % body_alignment != 0 || place.size < 0 || place.size > body_->size() ||
      place.offset > body_->size() - place.size)
    return fault("a buffer is outside of its frame's body");
  return arrow::SliceBuffer(body_, place.offset, place.size);
}

result<std::shared_ptr<arrow::ArrayData>> rebuilder::array(const std::shared_ptr<arrow::DataType>& type, int depth) {
  if (depth > max_depth) return fault("a frame's schema is nested more than 64 levels deep");
  if (next_node_ == nodes_.size()) return fault("a frame has fewer nodes than its schema needs");
  const auto place = nodes_[next_node_++];
  if (place.rows < 0 || place.rows > max_node_rows || place.nulls < 0 || place.nulls > place.rows)
    return fault("a node has impossible counts");
  const auto* physical = type.get();
  if (physical->id() == Type::EXTENSION)
    physical = static_cast<const arrow::ExtensionType&>(*physical).storage_type().get();
  if (!known(physical->id()))
    return fault("a frame has a column of type " + type->ToString() + ", which can't be sent between nodes");

  auto data = arrow::ArrayData::Make(type, place.rows, place.nulls);
  for (int i = 0; i < buffer_count(physical->id()); ++i) {
    SLUICE_ASSIGN(auto bytes, buffer());
    if (i > 0 && !bytes) return fault("a buffer that its type needs is missing");
    data->buffers.push_back(std::move(bytes));
  }
  if (physical->id() != Type::NA && !data->buffers[0] && place.nulls != 0)
    return fault("a column has nulls but no validity bits");
  if (physical->id() == Type::DICTIONARY) {
    SLUICE_ASSIGN(data->dictionary,
                  array(static_cast<const arrow::DictionaryType&>(*physical).value_type(), depth + 1));
    return data;
  }
  for (const auto& field : physical->fields()) {
    SLUICE_ASSIGN(auto child, array(field->type(), depth + 1));
    data->child_data.push_back(std::move(child));
  }
  return data;
}

result<std::shared_ptr<arrow::ArrayData>> rebuilder::column(const std::shared_ptr<arrow::DataType>& type,
                                                            std::int64_t rows) {
  SLUICE_ASSIGN(auto data, array(type, 0));
  if (data->length != rows) return fault("a column has another number of rows than its frame");
  if (const auto valid = arrow::internal::ValidateArrayFull(*data); !valid.ok())
    return fault("a column is not valid: " + valid.message());
  return data;
}

}  // namespace sluice::wire
