#include "engine/wire/layout.hpp"

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/buffer.h>
#include <arrow/compute/api.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>

namespace sluice::wire {

namespace {

using arrow::ArrayData;
using arrow::Type;

constexpr const char* doing = "encode a batch for another node";

class flattener {
 public:
  explicit flattener(layout& into) : into_(into) {}

  status array(const ArrayData& data, int depth = 0) {
    if (depth > max_depth) return user_error("type_too_deep", "a type is nested more than 64 levels deep");
    const auto* type = data.type.get();
    if (type->id() == Type::EXTENSION) type = static_cast<const arrow::ExtensionType&>(*type).storage_type().get();
    into_.nodes.push_back({data.length, type->id() == Type::NA ? data.length : data.GetNullCount()});
    SLUICE_TRY(validity(data, *type));
    switch (type->id()) {
      case Type::NA:
        return {};
      case Type::BOOL:
        return bits(data.buffers[1], data);
      case Type::STRING:
      case Type::BINARY:
        return binary<std::int32_t>(data);
      case Type::LARGE_STRING:
      case Type::LARGE_BINARY:
        return binary<std::int64_t>(data);
      case Type::LIST:
      case Type::MAP:
        return list<std::int32_t>(data, depth);
      case Type::LARGE_LIST:
        return list<std::int64_t>(data, depth);
      case Type::FIXED_SIZE_LIST: {
        const auto size = static_cast<const arrow::FixedSizeListType&>(*type).list_size();
        return array(*data.child_data[0]->Slice(data.offset * size, data.length * size), depth + 1);
      }
      case Type::STRUCT:
        for (const auto& child : data.child_data) SLUICE_TRY(array(*child->Slice(data.offset, data.length), depth + 1));
        return {};
      case Type::DICTIONARY:
        return dictionary(data, static_cast<const arrow::DictionaryType&>(*type), depth);
      default:
        return fixed_width(data, *type);
    }
  }

 private:
  void add(const std::uint8_t* bytes, std::int64_t size, std::shared_ptr<arrow::Buffer> owner) {
    static constexpr std::uint8_t nothing = 0;
    into_.buffers.push_back({bytes != nullptr ? bytes : &nothing, size, std::move(owner)});
  }

  status validity(const ArrayData& data, const arrow::DataType&) {
    if (into_.nodes.back().nulls == 0 || !data.buffers[0]) {
      into_.buffers.emplace_back();
      return {};
    }
    return bits(data.buffers[0], data);
  }

  /// A bitmap; moved to start at a whole byte where a slice does not.
  status bits(const std::shared_ptr<arrow::Buffer>& from, const ArrayData& data) {
    if (!from || data.length == 0) return add(nullptr, 0, nullptr), status{};
    const auto size = arrow::bit_util::BytesForBits(data.length);
    if (data.offset % 8 == 0) {
      add(from->data() + data.offset / 8, size, from);
      return {};
    }
    SLUICE_ASSIGN_ARROW(
        auto moved, arrow::internal::CopyBitmap(arrow::default_memory_pool(), from->data(), data.offset, data.length),
        doing);
    add(moved->data(), size, moved);
    return {};
  }

  status fixed_width(const ArrayData& data, const arrow::DataType& type) {
    if (!arrow::is_fixed_width(type.id()))
      return user_error("not_supported_yet", "columns of type " + type.ToString() + " can't be sent between nodes yet",
                        "cast the column before it is sent to another node");
    const std::int64_t width = static_cast<const arrow::FixedWidthType&>(type).bit_width() / 8;
    const auto& values = data.buffers[1];
    add(values ? values->data() + data.offset * width : nullptr, data.length * width, values);
    return {};
  }

  /// Adds the offsets of [data.offset, +length], counted from 0, and gives where they began and ended.
  template <class Offset>
  result<std::pair<std::int64_t, std::int64_t>> offsets(const ArrayData& data) {
    static constexpr Offset zero = 0;
    if (data.length == 0 || !data.buffers[1]) {
      add(reinterpret_cast<const std::uint8_t*>(&zero), sizeof zero, nullptr);
      return std::pair<std::int64_t, std::int64_t>{0, 0};
    }
    const auto* from = data.GetValues<Offset>(1);
    const auto size = (data.length + 1) * static_cast<std::int64_t>(sizeof(Offset));
    const auto begin = from[0];
    const auto end = from[data.length];
    if (begin == 0) {
      add(reinterpret_cast<const std::uint8_t*>(from), size, data.buffers[1]);
    } else {
      SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> moved, arrow::AllocateBuffer(size), doing);
      auto* to = reinterpret_cast<Offset*>(moved->mutable_data());
      for (std::int64_t i = 0; i <= data.length; ++i) to[i] = static_cast<Offset>(from[i] - begin);
      add(moved->data(), size, moved);
    }
    return std::pair<std::int64_t, std::int64_t>{begin, end};
  }

  template <class Offset>
  status binary(const ArrayData& data) {
    SLUICE_ASSIGN(const auto range, offsets<Offset>(data));
    const auto& bytes = data.buffers[2];
    add(bytes ? bytes->data() + range.first : nullptr, range.second - range.first, bytes);
    return {};
  }

  template <class Offset>
  status list(const ArrayData& data, int depth) {
    SLUICE_ASSIGN(const auto range, offsets<Offset>(data));
    return array(*data.child_data[0]->Slice(range.first, range.second - range.first), depth + 1);
  }

  status dictionary(const ArrayData& data, const arrow::DictionaryType& type, int depth) {
    switch (type.index_type()->id()) {
      case Type::INT8:
        return indices<std::int8_t>(data, depth);
      case Type::UINT8:
        return indices<std::uint8_t>(data, depth);
      case Type::INT16:
        return indices<std::int16_t>(data, depth);
      case Type::UINT16:
        return indices<std::uint16_t>(data, depth);
      case Type::INT32:
        return indices<std::int32_t>(data, depth);
      case Type::UINT32:
        return indices<std::uint32_t>(data, depth);
      case Type::INT64:
        return indices<std::int64_t>(data, depth);
      default:
        return indices<std::uint64_t>(data, depth);
    }
  }

  /// Adds the indices, numbered anew where some values of the dictionary are unused, and the used values in their
  /// order.
  template <class Index>
  status indices(const ArrayData& data, int depth) {
    const auto values = data.dictionary;
    const auto* from = data.buffers[1] ? data.GetValues<Index>(1) : nullptr;
    const auto* valid = data.buffers[0] && into_.nodes.back().nulls > 0 ? data.buffers[0]->data() : nullptr;
    const auto is_valid = [&](std::int64_t i) {
      return valid == nullptr || arrow::bit_util::GetBit(valid, data.offset + i);
    };
    std::vector<std::int64_t> place(static_cast<std::size_t>(values->length), -1);
    for (std::int64_t i = 0; i < data.length; ++i)
      if (is_valid(i)) place[static_cast<std::size_t>(from[i])] = 0;
    arrow::Int64Builder used;
    SLUICE_TRY_ARROW(used.Reserve(values->length), doing);
    for (std::size_t i = 0; i < place.size(); ++i) {
      if (place[i] < 0) continue;
      place[i] = used.length();
      used.UnsafeAppend(static_cast<std::int64_t>(i));
    }
    const auto size = data.length * static_cast<std::int64_t>(sizeof(Index));
    if (used.length() == values->length) {
      add(reinterpret_cast<const std::uint8_t*>(from), size, data.buffers[1]);
      return array(*values, depth + 1);
    }
    SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> moved, arrow::AllocateBuffer(size), doing);
    auto* to = reinterpret_cast<Index*>(moved->mutable_data());
    for (std::int64_t i = 0; i < data.length; ++i)
      to[i] = is_valid(i) ? static_cast<Index>(place[static_cast<std::size_t>(from[i])]) : Index{0};
    add(moved->data(), size, moved);
    SLUICE_ASSIGN_ARROW(const auto rows, used.Finish(), doing);
    SLUICE_ASSIGN_ARROW(
        const auto kept,
        arrow::compute::Take(arrow::MakeArray(values), rows, arrow::compute::TakeOptions::NoBoundsCheck()), doing);
    return array(*kept.array(), depth + 1);
  }

  layout& into_;
};

}  // namespace

std::int64_t body_size(const layout& of) {
  std::int64_t size = 0;
  for (const auto& buffer : of.buffers) size += padded(buffer.size);
  return size;
}

status flatten(const arrow::ArrayData& column, layout& into) { return flattener(into).array(column); }

}  // namespace sluice::wire
