#include "engine/sinks/folders/partition_rows.hpp"

#include "engine/operators/gather.hpp"
#include "engine/operators/scatter.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice::folders {

namespace {

constexpr std::int64_t largest_piece = std::int64_t{1} << 20;
constexpr std::int64_t piece_rows = 64 * 1024;
constexpr std::size_t most_runs = 64;

}  // namespace

/// Puts small pieces together and writes them as the blocks of a run.
class partition_rows::run_writer {
 public:
  run_writer(partition_rows& of) : of_(of) {}

  status add(const batch& rows, std::span<const std::uint32_t> partitions) {
    const auto numbers = arrow::Buffer::FromVector(std::vector<std::uint32_t>(partitions.begin(), partitions.end()));
    auto columns = rows.data->columns();
    columns.push_back(std::make_shared<arrow::UInt32Array>(rows.rows(), numbers));
    batch made;
    made.data = arrow::RecordBatch::Make(of_.spilled_schema_, rows.rows(), std::move(columns));
    bytes_ += made.bytes();
    pieces_.push_back(std::move(made.data));
    return bytes_ < of_.piece_bytes_ ? status() : flush();
  }
  status flush() {
    if (pieces_.empty()) return {};
    batch whole;
    whole.data = pieces_.front();
    if (pieces_.size() > 1) {
      SLUICE_ASSIGN_ARROW(whole.data, arrow::ConcatenateRecordBatches(pieces_), "collect rows to spill");
    }
    pieces_.clear();
    bytes_ = 0;
    SLUICE_ASSIGN(auto block, of_.file_.write(whole));
    blocks_.push_back(std::move(block));
    return {};
  }
  std::deque<memory::spilled_block> take() { return std::move(blocks_); }

 private:
  partition_rows& of_;
  arrow::RecordBatchVector pieces_;
  std::int64_t bytes_ = 0;
  std::deque<memory::spilled_block> blocks_;
};

/// Reads the blocks of a run one after the other.
class partition_rows::run_reader {
 public:
  run_reader(partition_rows& of, std::deque<memory::spilled_block> blocks) : of_(of), blocks_(std::move(blocks)) {}

  static constexpr std::uint32_t ended = ~std::uint32_t{0};
  /// The partition of the next row.
  [[nodiscard]] std::uint32_t partition() const { return numbers_ == nullptr ? ended : numbers_->Value(at_); }
  status start() { return next_block(); }
  /// Gives the rows of its present partition.
  status give(const taker& to) {
    const auto present = partition();
    while (partition() == present) {
      auto end = at_;
      while (end < rows_.rows() && numbers_->Value(end) == present) ++end;
      SLUICE_TRY(to(present, rows_.slice(at_, end - at_)));
      at_ = end;
      if (at_ == rows_.rows()) SLUICE_TRY(next_block());
    }
    return {};
  }

 private:
  status next_block() {
    numbers_.reset();
    if (blocks_.empty()) {
      rows_ = {};
      return {};
    }
    SLUICE_ASSIGN(rows_, of_.file_.read(blocks_.front()));
    of_.file_.drop(blocks_.front());
    blocks_.pop_front();
    const auto last = rows_.data->num_columns() - 1;
    numbers_ = std::static_pointer_cast<arrow::UInt32Array>(rows_.data->column(last));
    auto columns = rows_.data->columns();
    columns.pop_back();
    rows_.data = arrow::RecordBatch::Make(of_.schema_, rows_.rows(), std::move(columns));
    at_ = 0;
    return {};
  }

  partition_rows& of_;
  std::deque<memory::spilled_block> blocks_;
  batch rows_;
  std::shared_ptr<arrow::UInt32Array> numbers_;
  std::int64_t at_ = 0;
};

partition_rows::partition_rows(const run_context& of, const std::string& unit, std::shared_ptr<arrow::Schema> schema,
                               early what, taker give)
    : schema_(std::move(schema)),
      early_(what),
      give_(std::move(give)),
      file_(of, unit),
      memory_(of.memory, unit),
      least_(of.memory->least()),
      most_(std::max(least_, std::min(what.held, of.memory->limit() / 4))),
      piece_bytes_(std::clamp<std::int64_t>(most_ / 64, 64 * 1024, largest_piece)) {
  auto fields = schema_->fields();
  fields.push_back(arrow::field("", arrow::uint32(), false));
  spilled_schema_ = arrow::schema(std::move(fields));
}

status partition_rows::add(const batch& rows, const std::uint32_t* partitions) {
  if (rows.rows() == 0) return {};
  held_rows more{rows, {partitions, partitions + rows.rows()}};
  partitions_ = std::max(partitions_, *std::max_element(more.partitions.begin(), more.partitions.end()) + 1);
  // Each row has its partition's number, and its place when they are sorted.
  const auto bytes = rows.bytes() + rows.rows() * std::int64_t{sizeof(std::uint32_t) + sizeof(row_place)};
  if (held_bytes_ > 0 &&
      (held_bytes_ + bytes > most_ || (held_bytes_ + bytes > least_ && !memory_.try_resize(held_bytes_ + bytes))))
    SLUICE_TRY(spill());
  held_.push_back(std::move(more));
  held_bytes_ += bytes;
  held_count_ += rows.rows();
  memory_.take(held_bytes_);
  return {};
}

std::vector<std::uint32_t> partition_rows::counts() const {
  std::vector<std::uint32_t> all(partitions_, 0);
  for (const auto& each : held_)
    for (const auto partition : each.partitions) ++all[partition];
  return all;
}

// Columns are freed as they are done.
result<batch> partition_rows::scattered(const std::vector<std::vector<std::uint32_t>>& places) {
  std::vector<arrow::ArrayVector> columns(static_cast<std::size_t>(schema_->num_fields()));
  for (auto& each : held_) {
    for (int i = 0; i < schema_->num_fields(); ++i)
      columns[static_cast<std::size_t>(i)].push_back(each.rows.data->column(i));
    each = {};
  }
  arrow::ArrayVector made;
  for (auto& column : columns) {
    SLUICE_ASSIGN(auto values, scatter_column(column, places, held_count_));
    made.push_back(std::move(values));
    column.clear();
  }
  batch whole;
  whole.data = arrow::RecordBatch::Make(schema_, held_count_, std::move(made));
  return whole;
}

status partition_rows::sorted(
    const std::function<status(const batch& rows, std::span<const std::uint32_t> partitions)>& use) {
  if (held_.empty()) return {};
  const auto many = counts();
  auto next = many;
  std::uint32_t before = 0;
  for (auto& count : next) before += std::exchange(count, before);
  const auto rows =
      std::clamp(held_count_ * piece_bytes_ / std::max<std::int64_t>(1, held_bytes_), std::int64_t{1024}, piece_rows);
  std::vector<std::uint32_t> numbers;
  numbers.reserve(static_cast<std::size_t>(held_count_));
  for (std::uint32_t partition = 0; partition < many.size(); ++partition)
    numbers.insert(numbers.end(), many[partition], partition);
  std::function<result<batch>(std::size_t, std::size_t)> piece;
  batch whole;
  std::vector<row_place> places;
  std::vector<const batch*> from;
  const bool scatters = std::all_of(schema_->fields().begin(), schema_->fields().end(),
                                    [](const auto& field) { return can_scatter(*field->type()); });
  if (scatters) {
    std::vector<std::vector<std::uint32_t>> to;
    for (const auto& each : held_)
      for (auto& place = to.emplace_back(each.partitions); auto& partition : place) partition = next[partition]++;
    SLUICE_ASSIGN(whole, scattered(to));
    piece = [&](std::size_t begin, std::size_t count) -> result<batch> {
      return whole.slice(static_cast<std::int64_t>(begin), static_cast<std::int64_t>(count));
    };
  } else {
    places.resize(numbers.size());
    for (std::uint32_t number = 0; number < held_.size(); ++number) {
      const auto& each = held_[number];
      from.push_back(&each.rows);
      for (std::size_t row = 0; row < each.partitions.size(); ++row)
        places[next[each.partitions[row]]++] = {number, static_cast<std::int32_t>(row)};
    }
    piece = [&](std::size_t begin, std::size_t count) {
      return gather_rows(from, std::span(places).subspan(begin, count));
    };
  }
  for (std::size_t begin = 0; begin < numbers.size();) {
    const auto count = std::min(numbers.size() - begin, static_cast<std::size_t>(rows));
    SLUICE_ASSIGN(const auto some, piece(begin, count));
    SLUICE_TRY(use(some, std::span(numbers).subspan(begin, count)));
    begin += count;
  }
  held_.clear();
  held_bytes_ = held_count_ = 0;
  return {};
}

namespace {

/// Gives each stretch of one partition.
status give_stretches(const batch& rows, std::span<const std::uint32_t> partitions, const partition_rows::taker& give) {
  for (std::size_t begin = 0; begin < partitions.size();) {
    auto end = begin + 1;
    while (end < partitions.size() && partitions[end] == partitions[begin]) ++end;
    SLUICE_TRY(
        give(partitions[begin], rows.slice(static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end - begin))));
    begin = end;
  }
  return {};
}

}  // namespace

void partition_rows::choose_large(const std::vector<std::uint32_t>& rows) {
  large_.resize(partitions_);
  spilt_.resize(partitions_);
  for (std::uint32_t partition = 0; partition < partitions_ && large_count_ < early_.partitions; ++partition) {
    if (rows[partition] < early_.rows || large_[partition] != 0 || spilt_[partition] != 0) continue;
    large_[partition] = 1;
    ++large_count_;
  }
}

status partition_rows::spill() {
  choose_large(counts());
  run_writer run(*this);
  const auto give_or_write = [&](const batch& rows, std::span<const std::uint32_t> partitions) -> status {
    for (std::size_t begin = 0; begin < partitions.size();) {
      const auto first = partitions[begin];
      auto end = begin + 1;
      // Small partitions are written together.
      while (end < partitions.size() && (large_[first] != 0 ? partitions[end] == first : large_[partitions[end]] == 0))
        ++end;
      const auto stretch = rows.slice(static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end - begin));
      if (large_[first] != 0) {
        SLUICE_TRY(give_(first, stretch));
      } else {
        for (auto at = begin; at < end; ++at) spilt_[partitions[at]] = 1;
        SLUICE_TRY(run.add(stretch, partitions.subspan(begin, end - begin)));
      }
      begin = end;
    }
    return {};
  };
  SLUICE_TRY(sorted(give_or_write));
  SLUICE_TRY(run.flush());
  memory_.take(0);
  if (auto blocks = run.take(); !blocks.empty()) runs_.push_back(std::move(blocks));
  return runs_.size() < most_runs ? status() : combine_runs();
}

status partition_rows::combine_runs() {
  run_writer whole(*this);
  std::vector<std::uint32_t> numbers;
  SLUICE_TRY(merge([&](std::uint32_t partition, const batch& rows) {
    numbers.assign(static_cast<std::size_t>(rows.rows()), partition);
    return whole.add(rows, numbers);
  }));
  SLUICE_TRY(whole.flush());
  runs_.push_back(whole.take());
  return {};
}

status partition_rows::merge(const taker& to) {
  std::vector<run_reader> readers;
  for (auto& run : runs_) readers.emplace_back(*this, std::move(run));
  runs_.clear();
  memory_.take(static_cast<std::int64_t>(readers.size()) * piece_bytes_);
  for (auto& reader : readers) SLUICE_TRY(reader.start());
  while (true) {
    auto least = run_reader::ended;
    for (const auto& reader : readers) least = std::min(least, reader.partition());
    if (least == run_reader::ended) break;
    // Runs come in the order in which they were written.
    for (auto& reader : readers)
      if (reader.partition() == least) SLUICE_TRY(reader.give(to));
  }
  memory_.take(0);
  return {};
}

status partition_rows::take_all() {
  if (!runs_.empty() && !held_.empty()) SLUICE_TRY(spill());
  SLUICE_TRY(runs_.empty() ? sorted([this](const batch& rows, std::span<const std::uint32_t> partitions) {
    return give_stretches(rows, partitions, give_);
  })
                           : merge(give_));
  drop();
  return {};
}

void partition_rows::drop() noexcept {
  for (const auto& run : runs_)
    for (const auto& block : run) file_.drop(block);
  runs_.clear();
  held_.clear();
  held_bytes_ = held_count_ = 0;
  partitions_ = large_count_ = 0;
  large_.clear();
  spilt_.clear();
  memory_.take(0);
}

}  // namespace sluice::folders
