#include "engine/values/marked_text.hpp"
#include "engine/values/positions.hpp"
#include "engine/wire/fields.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/buffer_builder.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/util/compression.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <tuple>
#include <unordered_map>

namespace sluice::wire {

namespace {

constexpr const char* doing = "decode a frame";
/// What the parts of one batch, or the fragments of one row, may take together.
constexpr std::int64_t max_pending_bytes = std::int64_t{1024} * 1024 * 1024;
constexpr std::size_t max_channels = 65536;
constexpr std::size_t max_schemas = 256;
constexpr std::uint64_t max_rows = std::uint64_t{1} << 31;

/// The rest of a batch frame whose body has not come in full.
struct unfinished_part {
  fields head;  ///< its views point into `frame`
  std::shared_ptr<arrow::Buffer> frame;
  arrow::BufferBuilder body;
  std::int64_t next = 1;
  std::int64_t count = 0;
};

/// One sender's frames to one receiver.
struct channel {
  std::uint64_t next_sequence = 0;
  header first;  ///< of the batch being put together
  std::vector<batch> parts;
  std::int64_t part_count = 0;
  std::int64_t part_bytes = 0;
  std::unique_ptr<unfinished_part> unfinished;
};

using channel_key = std::tuple<std::string, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>;

struct text_hash : std::hash<std::string_view> {
  using is_transparent = void;
};

/// Checks a list of two numbers: an index and a count above it.
bool is_index_of_count(const std::vector<std::int64_t>& list, std::int64_t least) {
  return list.size() == 2 && list[0] >= 0 && list[0] < list[1] && list[1] >= least;
}

result<order_key> order_of(const std::vector<std::int64_t>& list) {
  if (list.size() != 5) return malformed("its order key does not have five numbers");
  constexpr auto most = std::numeric_limits<std::uint32_t>::max();
  if (list[0] < 0 || list[0] > most || list[1] < 0 || list[2] < 0 || list[2] > most)
    return malformed("a number of its order key is too large");
  return order_key{.split = static_cast<std::uint32_t>(list[0]),
                   .sequence = static_cast<std::uint64_t>(list[1]),
                   .chunk = static_cast<std::uint32_t>(list[2]),
                   .last_chunk = list[3] != 0,
                   .last_in_split = list[4] != 0};
}

}  // namespace

struct decoder::state {
  std::map<channel_key, channel> channels;
  /// Runs whose late frames are passed over, those of this attempt and earlier ones: the run may begin again.
  std::deque<std::pair<std::string, std::uint64_t>> forgotten;
  std::unordered_map<std::string, std::shared_ptr<arrow::Schema>, text_hash, std::equal_to<>> schemas;

  result<std::shared_ptr<arrow::Schema>> schema(std::string_view bytes) {
    if (const auto known = schemas.find(bytes); known != schemas.end()) return known->second;
    auto buffer = std::make_shared<arrow::Buffer>(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                                  static_cast<std::int64_t>(bytes.size()));
    // The reader wants aligned flat buffers and keeps none of them.
    SLUICE_ASSIGN_ARROW(auto aligned, arrow::Buffer::Copy(buffer, arrow::default_cpu_memory_manager()), doing);
    arrow::io::BufferReader reader(std::move(aligned));
    arrow::ipc::DictionaryMemo memo;
    auto read = arrow::ipc::ReadSchema(&reader, &memo);
    if (!read.ok()) return malformed("its schema can't be read: " + read.status().message());
    read = marks_from_metadata(*read);
    if (schemas.size() >= max_schemas) schemas.clear();
    schemas.emplace(std::string(bytes), *read);
    return *read;
  }

  /// Finds the channel and checks that nothing was lost on the way.
  result<channel*> channel_of(const header& head) {
    const channel_key key{head.run, head.edge, head.from, head.to, head.attempt};
    auto found = channels.find(key);
    if (found == channels.end()) {
      if (channels.size() >= max_channels) return malformed("it names more channels than a run can have");
      found = channels.emplace(key, channel{}).first;
    }
    auto& to = found->second;
    if (head.sequence != to.next_sequence)
      return external_error("frame_lost", "edge " + std::to_string(head.edge) + " of run " + head.run +
                                              ": expected frame " + std::to_string(to.next_sequence) + ", got " +
                                              std::to_string(head.sequence));
    ++to.next_sequence;
    return &to;
  }

  /// The body as the columns need it: in place, or decompressed.
  static result<std::shared_ptr<arrow::Buffer>> body(const fields& from, const std::shared_ptr<arrow::Buffer>& frame) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(from.body.data());
    const auto size = static_cast<std::int64_t>(from.body.size());
    if (from.codec == "none") {
      if (from.body_bytes != from.body.size()) return malformed("its body does not have the announced size");
      if (size == 0) return std::make_shared<arrow::Buffer>(frame->data(), 0);
      if (reinterpret_cast<std::uintptr_t>(bytes) % body_alignment == 0)
        return arrow::SliceBuffer(frame, bytes - frame->data(), size);
      SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> copy, arrow::AllocateBuffer(size), doing);
      std::memcpy(copy->mutable_data(), bytes, from.body.size());
      return copy;
    }
    if (from.codec != "lz4" && from.codec != "zstd") return malformed("its codec is unknown");
    if (from.body_bytes > max_frame_bytes) return malformed("its decompressed body is larger than 4 MiB");
    const auto kind = from.codec == "lz4" ? arrow::Compression::LZ4_FRAME : arrow::Compression::ZSTD;
    SLUICE_ASSIGN_ARROW(const auto with, arrow::util::Codec::Create(kind), doing);
    const auto whole = static_cast<std::int64_t>(from.body_bytes);
    SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> out, arrow::AllocateBuffer(whole), doing);
    const auto used = with->Decompress(size, bytes, whole, out->mutable_data());
    if (!used.ok() || *used != whole) return malformed("its body can't be decompressed");
    return out;
  }

  result<batch> columns(const fields& from, std::shared_ptr<arrow::Buffer> body) {
    SLUICE_ASSIGN(const auto columns_schema, schema(from.schema));
    SLUICE_ASSIGN(const auto order, order_of(from.order));
    if (from.rows > max_rows) return malformed("its number of rows is impossible");
    const auto rows = static_cast<std::int64_t>(from.rows);
    rebuilder take(from.nodes, from.buffers, std::move(body));
    std::vector<std::shared_ptr<arrow::ArrayData>> data;
    for (const auto& field : columns_schema->fields()) {
      SLUICE_ASSIGN(auto column, take.column(field->type(), rows));
      data.push_back(std::move(column));
    }
    batch made;
    if (from.positions) {
      SLUICE_ASSIGN(const auto column, take.column(position_type(), rows));
      if (column->null_count != 0) return malformed("a row has no position");
      made.positions = std::make_shared<arrow::FixedSizeBinaryArray>(column);
    }
    if (!take.done()) return malformed("it has more buffers than its schema needs");
    made.data = arrow::RecordBatch::Make(columns_schema, rows, std::move(data));
    made.order = order;
    made.epoch = from.epoch;
    return made;
  }

  static result<batch> join(channel& from) {
    auto parts = std::exchange(from.parts, {});
    if (parts.size() == 1) return std::move(parts[0]);
    arrow::RecordBatchVector data;
    arrow::ArrayVector positions;
    for (const auto& one : parts) {
      data.push_back(one.data);
      if (one.positions) positions.push_back(one.positions);
    }
    auto whole = parts[0];
    SLUICE_ASSIGN_ARROW(whole.data, arrow::ConcatenateRecordBatches(data), doing);
    if (!positions.empty()) {
      if (positions.size() != parts.size()) return malformed("only some parts of a batch have positions");
      SLUICE_ASSIGN_ARROW(const auto joined, arrow::Concatenate(positions), doing);
      whole.positions = as_positions(joined);
    }
    return whole;
  }

  /// Takes a part of a batch whose body is complete.
  result<std::vector<message>> take_part(const fields& from, channel& to, std::shared_ptr<arrow::Buffer> body) {
    to.part_bytes += body->size();
    if (to.part_bytes > max_pending_bytes) return malformed("a batch is larger than 1 GiB");
    SLUICE_ASSIGN(auto rows, columns(from, std::move(body)));
    to.parts.push_back(std::move(rows));
    if (static_cast<std::int64_t>(to.parts.size()) < to.part_count) return std::vector<message>{};
    to.part_bytes = 0;
    SLUICE_ASSIGN(auto whole, join(to));
    return std::vector<message>{message{to.first, std::move(whole)}};
  }

  result<std::vector<message>> take_batch(const fields& from, const header& head, channel& to,
                                          const std::shared_ptr<arrow::Buffer>& frame) {
    if (to.unfinished) return malformed("a batch begins before the previous batch is complete");
    if (!is_index_of_count(from.part, 1)) return malformed("its part is not an index and a count");
    if (from.part[0] != static_cast<std::int64_t>(to.parts.size()) ||
        (!to.parts.empty() && from.part[1] != to.part_count))
      return malformed("a part of a batch is missing");
    if (to.parts.empty()) {
      to.first = head;
      to.part_count = from.part[1];
    }
    if (from.fragment.empty()) {
      SLUICE_ASSIGN(auto bytes, body(from, frame));
      return take_part(from, to, std::move(bytes));
    }
    if (!is_index_of_count(from.fragment, 2) || from.fragment[0] != 0 || from.codec != "none")
      return malformed("its first fragment is missing");
    to.unfinished = std::make_unique<unfinished_part>();
    to.unfinished->head = from;
    to.unfinished->frame = frame;
    to.unfinished->count = from.fragment[1];
    SLUICE_TRY_ARROW(to.unfinished->body.Append(from.body.data(), static_cast<std::int64_t>(from.body.size())), doing);
    return std::vector<message>{};
  }

  result<std::vector<message>> take_fragment(const fields& from, channel& to) {
    auto& open = to.unfinished;
    if (!open || !is_index_of_count(from.fragment, 2) || from.fragment[0] != open->next ||
        from.fragment[1] != open->count)
      return malformed("a fragment arrived without the ones before it");
    if (open->body.length() + static_cast<std::int64_t>(from.body.size()) > max_pending_bytes)
      return malformed("a row is larger than 1 GiB");
    SLUICE_TRY_ARROW(open->body.Append(from.body.data(), static_cast<std::int64_t>(from.body.size())), doing);
    if (++open->next < open->count) return std::vector<message>{};
    const auto done = std::move(open);
    SLUICE_ASSIGN_ARROW(auto whole, done->body.Finish(), doing);
    if (static_cast<std::uint64_t>(whole->size()) != done->head.body_bytes)
      return malformed("the fragments of a row do not have the announced size");
    return take_part(done->head, to, std::move(whole));
  }

  result<std::vector<message>> take_marker(const fields& from, const header& head, channel& in) {
    if (in.unfinished || !in.parts.empty()) return malformed("a marker is inside a batch");
    if (from.kind == "barrier") return std::vector<message>{message{head, barrier{from.epoch}}};
    if (from.kind == "watermark") return std::vector<message>{message{head, watermark{from.time}}};
    if (from.kind != "end_of_data") return malformed("its kind is unknown");
    channels.erase({head.run, head.edge, head.from, head.to, head.attempt});
    return std::vector<message>{message{head, end_of_data{from.rows}}};
  }
};

decoder::decoder() : state_(std::make_unique<state>()) {}
decoder::~decoder() = default;

result<std::vector<message>> decoder::take(std::span<const char> frame) {
  if (frame.size() > max_frame_bytes) return malformed("it is larger than 4 MiB");
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> copy,
                      arrow::AllocateBuffer(static_cast<std::int64_t>(frame.size())), doing);
  if (!frame.empty()) std::memcpy(copy->mutable_data(), frame.data(), frame.size());
  return take(std::move(copy));
}

result<std::vector<message>> decoder::take(std::shared_ptr<arrow::Buffer> frame) {
  SLUICE_ASSIGN(const auto found,
                parse({reinterpret_cast<const char*>(frame->data()), static_cast<std::size_t>(frame->size())}));
  SLUICE_ASSIGN(const auto head, head_of(found));
  const auto& over = state_->forgotten;
  const bool late = std::any_of(over.begin(), over.end(),
                                [&](const auto& one) { return one.first == head.run && head.attempt <= one.second; });
  if (late) return std::vector<message>{};
  SLUICE_ASSIGN(auto* in, state_->channel_of(head));
  if (found.kind == "batch") return state_->take_batch(found, head, *in, frame);
  if (found.kind == "fragment") return state_->take_fragment(found, *in);
  return state_->take_marker(found, head, *in);
}

void decoder::forget(const std::string& run) {
  constexpr std::size_t most_forgotten = 256;
  std::uint64_t attempt = 1;
  for (const auto& [key, one] : state_->channels)
    if (std::get<0>(key) == run) attempt = std::max(attempt, std::get<4>(key));
  state_->forgotten.emplace_back(run, attempt);
  if (state_->forgotten.size() > most_forgotten) state_->forgotten.pop_front();
  std::erase_if(state_->channels, [&](const auto& entry) { return std::get<0>(entry.first) == run; });
}

}  // namespace sluice::wire
