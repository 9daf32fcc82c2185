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

  result<scattered_message> encode() {
    SLUICE_TRY(split(0, batch_.rows()));
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const auto& one = parts_[i];
      if (body_size(one.columns) <= room(one)) {
        SLUICE_TRY(whole(one, i));
      } else {
        fragments(one, i);
      }
    }
    return std::move(made_);
  }

 private:
  struct part {
    std::int64_t rows = 0;
    layout columns;
  };

  /// At most that much does a frame take beside its body.
  [[nodiscard]] std::size_t description_bytes(const part& one) const {
    // A pair takes at most 1 + 9 + 9 bytes.
    return head_reserve + head_.run.size() + schema_->size() +
           19 * (one.columns.nodes.size() + one.columns.buffers.size());
  }

  /// Bytes that the body of a part may have in one frame.
  [[nodiscard]] std::int64_t room(const part& one) const {
    return static_cast<std::int64_t>(max_frame_bytes) - static_cast<std::int64_t>(description_bytes(one));
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

  /// The buffers of a body, each filled up to a multiple of body_alignment.
  static std::vector<piece> pieces(const layout& columns) {
    static constexpr std::uint8_t zeros[body_alignment] = {};
    std::vector<piece> made;
    made.reserve(2 * columns.buffers.size());
    for (const auto& each : columns.buffers) {
      if (each.bytes == nullptr) continue;
      if (each.size > 0) made.push_back(each);
      if (const auto missing = padded(each.size) - each.size; missing > 0) made.push_back({zeros, missing, nullptr});
    }
    return made;
  }

  static std::shared_ptr<arrow::Buffer> joined(const layout& columns) {
    std::string body;
    body.reserve(static_cast<std::size_t>(body_size(columns)));
    for (const auto& each : pieces(columns))
      body.append(reinterpret_cast<const char*>(each.bytes), static_cast<std::size_t>(each.size));
    return arrow::Buffer::FromString(std::move(body));
  }

  void add(scattered_frame frame) {
    for (const auto& each : frame.body) made_.packed_bytes += each.size;
    made_.frames.push_back(std::move(frame));
  }

  status whole(const part& one, std::size_t index) {
    const auto size = body_size(one.columns);
    made_.plain_bytes += size;
    auto frame = begin("batch", described_keys + 3, description_bytes(one));
    describe(frame, one, index);
    if (compression_ != codec::none && size > 0) {
      SLUICE_ASSIGN(const auto packed, compressed(*joined(one.columns)));
      if (packed->size() < size) {
        frame.text("codec", compression_ == codec::lz4 ? "lz4" : "zstd");
        frame.align_body();
        frame.begin_body(static_cast<std::size_t>(packed->size()));
        add(frame.finish({{packed->data(), packed->size(), packed}}));
        return {};
      }
    }
    frame.text("codec", "none");
    frame.align_body();
    frame.begin_body(static_cast<std::size_t>(size));
    add(frame.finish(pieces(one.columns)));
    return {};
  }

  [[nodiscard]] result<std::shared_ptr<arrow::Buffer>> compressed(const arrow::Buffer& body) const {
    const auto kind = compression_ == codec::lz4 ? arrow::Compression::LZ4_FRAME : arrow::Compression::ZSTD;
    SLUICE_ASSIGN_ARROW(const auto with, arrow::util::Codec::Create(kind, 1), doing);
    SLUICE_ASSIGN_ARROW(auto packed, arrow::AllocateResizableBuffer(with->MaxCompressedLen(body.size(), body.data())),
                        doing);
    SLUICE_ASSIGN_ARROW(const auto used,
                        with->Compress(body.size(), body.data(), packed->size(), packed->mutable_data()), doing);
    SLUICE_TRY_ARROW(packed->Resize(used, true), doing);
    return std::shared_ptr<arrow::Buffer>(std::move(packed));
  }

  void fragments(const part& one, std::size_t index) {
    const auto body = joined(one.columns);
    made_.plain_bytes += body->size();
    const auto first = room(one);
    const auto later = static_cast<std::int64_t>(max_frame_bytes - head_reserve - head_.run.size());
    const auto count = 1 + (body->size() - first + later - 1) / later;
    std::int64_t begun = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto size = std::min(i == 0 ? first : later, body->size() - begun);
      auto frame = i == 0 ? begin("batch", described_keys + 4, description_bytes(one))
                          : begin("fragment", 3, head_reserve + head_.run.size());
      if (i == 0) {
        describe(frame, one, index);
        frame.text("codec", "none");
      }
      frame.list("fragment", {static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(count)});
      frame.align_body();
      frame.begin_body(static_cast<std::size_t>(size));
      add(frame.finish({{body->data() + begun, size, body}}));
      begun += size;
    }
  }

  const header& head_;
  const batch& batch_;
  codec compression_;
  std::shared_ptr<const std::string> schema_;
  std::vector<part> parts_;
  std::uint64_t sent_ = 0;
  scattered_message made_;
};

scattered_frame encode_marker(const header& head, const end_of_data& marker) {
  frame_writer frame(head, "end_of_data", 1, 256);
  frame.number("rows", marker.rows);
  return frame.finish();
}
scattered_frame encode_marker(const header& head, const barrier& marker) {
  frame_writer frame(head, "barrier", 1, 256);
  frame.number("epoch", marker.epoch);
  return frame.finish();
}
scattered_frame encode_marker(const header& head, const watermark& marker) {
  frame_writer frame(head, "watermark", 1, 256);
  frame.signed_number("time", marker.time);
  return frame.finish();
}

}  // namespace

std::size_t scattered_frame::size() const {
  auto sum = head.size() + tail.size();
  for (const auto& each : body) sum += static_cast<std::size_t>(each.size);
  return sum;
}

std::string scattered_frame::joined() const {
  std::string whole;
  whole.reserve(size());
  whole += head;
  for (const auto& each : body)
    whole.append(reinterpret_cast<const char*>(each.bytes), static_cast<std::size_t>(each.size));
  whole += tail;
  return whole;
}

result<scattered_message> encode_scattered(const message& what, codec compression) {
  if (const auto* rows = std::get_if<batch>(&what.body)) {
    SLUICE_ASSIGN(auto schema, schema_bytes(rows->data->schema()));
    return batch_encoder(what.head, *rows, compression, std::move(schema)).encode();
  }
  scattered_message made;
  std::visit(
      [&](const auto& marker) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(marker)>, batch>)
          made.frames.push_back(encode_marker(what.head, marker));
      },
      what.body);
  return made;
}

result<std::vector<std::string>> encode(const message& what, codec compression) {
  SLUICE_ASSIGN(const auto made, encode_scattered(what, compression));
  std::vector<std::string> frames;
  for (const auto& one : made.frames) frames.push_back(one.joined());
  return frames;
}

}  // namespace sluice::wire
