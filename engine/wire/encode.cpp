#include "engine/values/marked_text.hpp"
#include "engine/wire/fields.hpp"
#include "engine/wire/frame_writer.hpp"

#include <msgpack.hpp>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/util/compression.h>

#include <algorithm>

namespace sluice::wire {

namespace {

constexpr const char* doing = "encode a batch for another node";
/// What a frame may need beside its body and its schema, nodes and buffers: keys, numbers, padding, checksum.
constexpr std::size_t head_reserve = 1024;
/// A row with more bytes never travels.
constexpr std::int64_t max_row_bytes = std::int64_t{256} * 1024 * 1024;

/// Serialised once for the many batches of a stream that share a schema.
result<std::shared_ptr<const std::string>> schema_bytes(const std::shared_ptr<arrow::Schema>& schema) {
  struct entry {
    std::weak_ptr<arrow::Schema> schema;
    std::shared_ptr<const std::string> bytes;
  };
  thread_local std::vector<entry> recent;
  for (const auto& one : recent)
    if (!one.schema.expired() && one.schema.lock() == schema) return one.bytes;
  SLUICE_ASSIGN_ARROW(const auto buffer, arrow::ipc::SerializeSchema(*marks_to_metadata(schema)), doing);
  auto bytes = std::make_shared<const std::string>(buffer->ToString());
  std::erase_if(recent, [](const entry& one) { return one.schema.expired(); });
  if (recent.size() >= 16) recent.erase(recent.begin());
  recent.push_back({schema, bytes});
  return std::shared_ptr<const std::string>(bytes);
}

/// Encodes one batch: rows are halved until each part fits a frame; a single row that does not fit becomes fragments.
class batch_encoder {
 public:
  batch_encoder(const header& head, const batch& rows, codec compression, std::shared_ptr<const std::string> schema)
      : head_(head), batch_(rows), compression_(compression), schema_(std::move(schema)) {}

  result<std::vector<std::string>> encode() {
    SLUICE_TRY(split(0, batch_.rows()));
    std::vector<std::string> frames;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const auto& one = parts_[i];
      if (body_size(one.columns) <= room(one)) {
        SLUICE_TRY(whole(one, i, frames));
      } else {
        fragments(one, i, frames);
      }
    }
    return frames;
  }

 private:
  struct part {
    std::int64_t rows = 0;
    layout columns;
  };

  /// Bytes that the body of a part may have in one frame.
  [[nodiscard]] std::int64_t room(const part& one) const {
    // A pair takes at most 1 + 9 + 9 bytes.
    const auto head = head_reserve + head_.run.size() + schema_->size() +
                      19 * (one.columns.nodes.size() + one.columns.buffers.size());
    return static_cast<std::int64_t>(max_frame_bytes) - static_cast<std::int64_t>(head);
  }

  status split(std::int64_t offset, std::int64_t rows) {
    part one{.rows = rows, .columns = {}};
    for (const auto& column : batch_.data->column_data())
      SLUICE_TRY(flatten(*column->Slice(offset, rows), one.columns));
    if (batch_.positions) SLUICE_TRY(flatten(*batch_.positions->data()->Slice(offset, rows), one.columns));
    const auto space = room(one);
    if (space < static_cast<std::int64_t>(max_frame_bytes) / 2)
      return user_error("schema_too_large",
                        "a batch's schema does not fit into a message between nodes: " +
                            std::to_string(batch_.data->num_columns()) + " columns",
                        "select fewer columns before the unit that runs on another node");
    const auto size = body_size(one.columns);
    if (size <= space || rows <= 1) {
      if (size > max_row_bytes)
        return user_error("row_too_large",
                          "a row of " + std::to_string(size) + " bytes is larger than 256 MiB, the limit between nodes",
                          "keep the units that process such rows on one node (place:)");
      parts_.push_back(std::move(one));
      return {};
    }
    // Even parts, some room left: rows differ in size.
    const auto wanted = std::clamp(size / (space - space / 8) + 1, std::int64_t{2}, rows);
    for (std::int64_t i = 0; i < wanted; ++i) {
      const auto begin = rows * i / wanted;
      SLUICE_TRY(split(offset + begin, rows * (i + 1) / wanted - begin));
    }
    return {};
  }

  frame_writer begin(std::string_view kind, std::uint32_t keys, std::size_t expected) {
    auto head = head_;
    head.sequence += sent_++;
    return {head, kind, keys, expected};
  }

  void describe(frame_writer& to, const part& one, std::size_t index) const {
    const auto& order = batch_.order;
    to.number("epoch", batch_.epoch);
    to.number("rows", static_cast<std::uint64_t>(one.rows));
    to.list("order",
            {order.split, order.sequence, order.chunk, order.last_chunk ? 1U : 0U, order.last_in_split ? 1U : 0U});
    to.list("part", {index, parts_.size()});
    to.bytes("schema", *schema_);
    to.boolean("positions", batch_.positions != nullptr);
    to.key("nodes");
    to.packer().pack_array(static_cast<std::uint32_t>(one.columns.nodes.size()));
    for (const auto& each : one.columns.nodes) to.pair(each.rows, each.nulls);
    to.key("buffers");
    to.packer().pack_array(static_cast<std::uint32_t>(one.columns.buffers.size()));
    std::int64_t offset = 0;
    for (const auto& each : one.columns.buffers) {
      if (each.bytes == nullptr) {
        to.packer().pack_nil();
      } else {
        to.pair(offset, each.size);
        offset += padded(each.size);
      }
    }
    to.number("body_bytes", static_cast<std::uint64_t>(offset));
  }
  static constexpr std::uint32_t described_keys = 9;

  static void append(std::string& to, const layout& columns) {
    for (const auto& each : columns.buffers) {
      if (each.bytes == nullptr) continue;
      to.append(reinterpret_cast<const char*>(each.bytes), static_cast<std::size_t>(each.size));
      to.append(static_cast<std::size_t>(padded(each.size) - each.size), '\0');
    }
  }

  status whole(const part& one, std::size_t index, std::vector<std::string>& frames) {
    const auto size = static_cast<std::size_t>(body_size(one.columns));
    auto frame = begin("batch", described_keys + 3, size + schema_->size() + 4096);
    describe(frame, one, index);
    if (compression_ != codec::none && size > 0) {
      SLUICE_ASSIGN(const auto packed, compressed(one.columns, size));
      if (packed->size() < static_cast<std::int64_t>(size)) {
        frame.text("codec", compression_ == codec::lz4 ? "lz4" : "zstd");
        frame.align_body();
        frame.begin_body(static_cast<std::size_t>(packed->size()));
        frame.frame().append(reinterpret_cast<const char*>(packed->data()), static_cast<std::size_t>(packed->size()));
        frames.push_back(frame.finish());
        return {};
      }
    }
    frame.text("codec", "none");
    frame.align_body();
    frame.begin_body(size);
    append(frame.frame(), one.columns);
    frames.push_back(frame.finish());
    return {};
  }

  [[nodiscard]] result<std::shared_ptr<arrow::Buffer>> compressed(const layout& columns, std::size_t size) const {
    std::string body;
    body.reserve(size);
    append(body, columns);
    const auto kind = compression_ == codec::lz4 ? arrow::Compression::LZ4_FRAME : arrow::Compression::ZSTD;
    SLUICE_ASSIGN_ARROW(const auto with, arrow::util::Codec::Create(kind, 1), doing);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(body.data());
    const auto length = static_cast<std::int64_t>(body.size());
    SLUICE_ASSIGN_ARROW(auto packed, arrow::AllocateResizableBuffer(with->MaxCompressedLen(length, bytes)), doing);
    SLUICE_ASSIGN_ARROW(const auto used, with->Compress(length, bytes, packed->size(), packed->mutable_data()), doing);
    SLUICE_TRY_ARROW(packed->Resize(used, false), doing);
    return std::shared_ptr<arrow::Buffer>(std::move(packed));
  }

  void fragments(const part& one, std::size_t index, std::vector<std::string>& frames) {
    std::string body;
    body.reserve(static_cast<std::size_t>(body_size(one.columns)));
    append(body, one.columns);
    const auto first = static_cast<std::size_t>(room(one));
    const auto later = max_frame_bytes - head_reserve - head_.run.size();
    const auto count = 1 + (body.size() - first + later - 1) / later;
    std::string_view rest = body;
    for (std::size_t i = 0; i < count; ++i) {
      const auto piece = rest.substr(0, i == 0 ? first : later);
      rest.remove_prefix(piece.size());
      auto frame = i == 0 ? begin("batch", described_keys + 4, max_frame_bytes) : begin("fragment", 3, max_frame_bytes);
      if (i == 0) {
        describe(frame, one, index);
        frame.text("codec", "none");
      }
      frame.list("fragment", {i, count});
      frame.align_body();
      frame.begin_body(piece.size());
      frame.frame().append(piece);
      frames.push_back(frame.finish());
    }
  }

  const header& head_;
  const batch& batch_;
  codec compression_;
  std::shared_ptr<const std::string> schema_;
  std::vector<part> parts_;
  std::uint64_t sent_ = 0;
};

std::string encode_marker(const header& head, const end_of_data& marker) {
  frame_writer frame(head, "end_of_data", 1, 256);
  frame.number("rows", marker.rows);
  return frame.finish();
}
std::string encode_marker(const header& head, const barrier& marker) {
  frame_writer frame(head, "barrier", 1, 256);
  frame.number("epoch", marker.epoch);
  return frame.finish();
}
std::string encode_marker(const header& head, const watermark& marker) {
  frame_writer frame(head, "watermark", 1, 256);
  frame.signed_number("time", marker.time);
  return frame.finish();
}

}  // namespace

result<std::vector<std::string>> encode(const message& what, codec compression) {
  if (const auto* rows = std::get_if<batch>(&what.body)) {
    SLUICE_ASSIGN(auto schema, schema_bytes(rows->data->schema()));
    return batch_encoder(what.head, *rows, compression, std::move(schema)).encode();
  }
  std::vector<std::string> frames;
  std::visit(
      [&](const auto& marker) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(marker)>, batch>)
          frames.push_back(encode_marker(what.head, marker));
      },
      what.body);
  return frames;
}

}  // namespace sluice::wire
