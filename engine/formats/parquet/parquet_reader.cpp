#include "engine/formats/parquet/parquet_reader.hpp"

#include "engine/columns/language_columns.hpp"
#include "engine/columns/source_columns.hpp"
#include "engine/component/opaque.hpp"
#include "engine/files/folder_columns.hpp"
#include "engine/files/foreign_formats.hpp"
#include "engine/formats/parquet/dictionary_filter.hpp"
#include "engine/formats/parquet/int96.hpp"
#include "engine/formats/parquet/row_groups.hpp"
#include "engine/values/positions.hpp"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <ranges>
#include <set>

namespace sluice {

namespace {

constexpr char position_in_rows = 'p';
constexpr std::int64_t read_buffer_bytes = 1024 * 1024;

using file_reader = parquet::arrow::FileReader;

bool only_dictionary(const parquet::ColumnChunkMetaData& chunk) {
  if (!chunk.has_dictionary_page()) return false;
  const auto& pages = chunk.encoding_stats();
  const auto is_data = [](const parquet::PageEncodingStats& page) {
    return page.page_type == parquet::PageType::DATA_PAGE || page.page_type == parquet::PageType::DATA_PAGE_V2;
  };
  // Without these counts nobody can tell whether a writer fell back to plain values.
  return !pages.empty() && std::all_of(pages.begin(), pages.end(), [&](const auto& page) {
    return !is_data(page) || page.encoding == parquet::Encoding::RLE_DICTIONARY ||
           page.encoding == parquet::Encoding::PLAIN_DICTIONARY;
  });
}

/// Texts whose pages hold numbers of a dictionary are read as these: to_language makes texts of them, faster than
/// Arrow's decoder appends each value.
void read_dictionaries(const parquet::FileMetaData& footer, parquet::ArrowReaderProperties& columns) {
  for (int leaf = 0; leaf < footer.num_columns(); ++leaf) {
    const auto* column = footer.schema()->Column(leaf);
    const bool text = column->physical_type() == parquet::Type::BYTE_ARRAY && column->logical_type()->is_string();
    if (!text || column->max_repetition_level() > 0 || column->path()->ToDotVector().size() > 1) continue;
    bool everywhere = footer.num_row_groups() > 0;
    for (int group = 0; everywhere && group < footer.num_row_groups(); ++group) try {
        everywhere = only_dictionary(*footer.RowGroup(group)->ColumnChunk(leaf));
      } catch (const parquet::ParquetException&) {
        everywhere = false;  // encrypted, without its key: it may not be wanted
      }
    if (everywhere) columns.set_read_dictionary(leaf, true);
  }
}

void add_leaves(const parquet::arrow::SchemaField& field, std::vector<int>& leaves) {
  if (field.is_leaf()) leaves.push_back(field.column_index);
  for (const auto& child : field.children) add_leaves(child, leaves);
}

class parquet_reader : public split_reader {
 public:
  parquet_reader(std::shared_ptr<const columnar_table> what, const split& piece, std::unique_ptr<file_reader> file,
                 std::unique_ptr<file_reader> nanoseconds, std::shared_ptr<const row_filter> filter)
      : what_(std::move(what)),
        piece_(piece),
        file_(std::move(file)),
        nanoseconds_(std::move(nanoseconds)),
        filter_(std::move(filter)) {
    if (nanoseconds_) int96_.emplace(*nanoseconds_, piece_.object);
  }

  status start(const std::string& position) {
    const auto footer = file_->parquet_reader()->metadata();
    if (piece_.end > footer->num_row_groups())
      return user_error("source_changed", "the file " + piece_.object + " has changed since the run started",
                        "run again");
    if (filter_ && !filter_->leading_texts().empty()) {
      std::vector<std::string> names;
      for (const int column : filter_->columns()) names.push_back(what_->columns.schema()->field(column)->name());
      dictionaries_.emplace(*filter_, names);
    }
    const auto bounds = bounds_of_filter();
    for (int i = 0; i < static_cast<int>(piece_.end); ++i) {
      const auto group = footer->RowGroup(i);
      const auto rows = group->num_rows();
      if (i < static_cast<int>(piece_.begin)) {
        first_row_ += rows;
        continue;
      }
      rows_left_ += rows;
      const bool left_out = !bounds.empty() && row_groups::holds_nothing(*group, file_->manifest(), bounds);
      if (stretches_.empty() || stretches_.back().left_out != left_out) stretches_.push_back({.left_out = left_out});
      stretches_.back().groups.push_back(i);
      stretches_.back().rows += rows;
    }
    for (const auto group : std::views::iota(static_cast<int>(piece_.begin), static_cast<int>(piece_.end)))
      rows_of_.push_back(footer->RowGroup(group)->num_rows());
    bytes_per_row_ = rows_left_ > 0 ? static_cast<double>(piece_.bytes) / static_cast<double>(rows_left_) : 0;
    if (!position.empty()) {
      opaque_reader bytes(position, position_in_rows);
      const auto row = bytes.number();
      SLUICE_TRY(bytes.done("the position in a Parquet file"));
      go_to(row);
    }
    // The file's columns are checked, also where no row of it is wanted.
    return choose_columns(stretches_.empty() ? std::vector<int>() : stretches_.front().groups);
  }

  result<read_step> next() override {
    try {
      return read();
    } catch (const std::exception& problem) {
      return corrupt_file(piece_.object, "Parquet file", arrow::Status::Invalid(problem.what()));
    }
  }

 private:
  /// Row groups that follow each other and are read, or passed over because none of their rows passes the filter.
  struct stretch {
    std::vector<int> groups = {};
    std::int64_t rows = 0;
    bool left_out = false;
  };

  [[nodiscard]] std::vector<row_groups::named_bound> bounds_of_filter() const {
    std::vector<row_groups::named_bound> bounds;
    if (!filter_) return bounds;
    for (auto& bound : expression::leading_bounds(filter_->condition())) {
      const int column = filter_->columns()[static_cast<std::size_t>(bound.column)];
      bounds.push_back({what_->columns.schema()->field(column)->name(), std::move(bound)});
    }
    return bounds;
  }

  /// Passes over stretches that are left out or done, and opens the next one.
  status next_stretch(read_step& step) {
    bool opened = true;
    while (!stretches_.empty() && (stretches_.front().left_out || stretches_.front().rows == 0)) {
      const auto rows = stretches_.front().rows;
      step.filtered += static_cast<std::uint64_t>(rows);
      pass(rows, step);
      stretches_.pop_front();
      opened = false;
    }
    if (opened || stretches_.empty()) return {};
    reader_.reset();
    return choose_columns(stretches_.front().groups);
  }

  /// Leaves out the rows before `row` of the split: whole row groups, and the first rows of the next one.
  void go_to(std::int64_t row) {
    rows_left_ -= row;
    row_ = row;
    while (row > 0 && !stretches_.empty()) {
      auto& first = stretches_.front();
      const auto rows = rows_of_[static_cast<std::size_t>(first.groups.front() - piece_.begin)];
      if (rows > row) {
        if (!first.left_out) drop_ = row;
        first.rows -= row;
        return;
      }
      row -= rows;
      first.rows -= rows;
      first.groups.erase(first.groups.begin());
      if (first.groups.empty()) stretches_.pop_front();
    }
  }

  void pass(std::int64_t rows, read_step& step) {
    row_ += rows;
    rows_left_ -= rows;
    step.records += static_cast<std::uint64_t>(rows);
    step.bytes += static_cast<std::uint64_t>(bytes_per_row_ * static_cast<double>(rows));
  }

  status choose_columns(const std::vector<int>& groups) {
    std::vector<int> leaves;
    const auto parts = partitions_of(piece_.object);
    for (const int index : what_->columns.wanted()) {
      const auto& name = what_->records->field(index)->name();
      bool in_file = false;
      for (const auto& field : file_->manifest().schema_fields) {
        if (field.field->name() != name) continue;
        add_leaves(field, leaves);
        in_file = true;
      }
      if (!in_file && std::any_of(parts.begin(), parts.end(), [&](const auto& part) { return part.first == name; }))
        from_folders_.insert(index);
    }
    if (leaves.empty()) return {};
    std::sort(leaves.begin(), leaves.end());
    auto made = file_->GetRecordBatchReader(groups, leaves);
    if (!made.ok()) return corrupt_file(piece_.object, "Parquet file", made.status());
    reader_ = std::move(made).ValueUnsafe();
    if (int96_) SLUICE_TRY(int96_->start(groups, leaves));
    SLUICE_TRY(same_columns(*wanted_schema(), *reader_->schema(), piece_.object));
    return {};
  }

  [[nodiscard]] std::shared_ptr<arrow::Schema> wanted_schema() const {
    arrow::FieldVector fields;
    for (const int index : what_->columns.wanted())
      if (!from_folders_.contains(index)) fields.push_back(what_->records->field(index));
    return arrow::schema(std::move(fields));
  }

  result<read_step> read() {
    read_step step;
    SLUICE_TRY(next_stretch(step));
    auto count = stretches_.empty() ? 0 : std::min(stretches_.front().rows, target_batch_rows);
    std::shared_ptr<arrow::RecordBatch> rows;
    if (reader_ && count > 0) {
      SLUICE_TRY(read_next(rows));
      if (!rows)
        return corrupt_file(piece_.object, "Parquet file",
                            arrow::Status::Invalid("it has fewer rows than its footer says"));
      count = rows->num_rows();
    }
    if (count > 0) {
      SLUICE_ASSIGN(step.rows, make_rows(std::move(rows), count, step.filtered));
    }
    if (count > 0) stretches_.front().rows -= count;
    pass(count, step);
    step.position = opaque_writer(position_in_rows).number(row_).take();
    step.end = rows_left_ <= 0;
    return step;
  }

  /// Reads on; null at the end. What an earlier reader of the split has given is dropped.
  status read_next(std::shared_ptr<arrow::RecordBatch>& rows) {
    do {
      if (const auto got = reader_->ReadNext(&rows); !got.ok()) return corrupt_file(piece_.object, "Parquet file", got);
      if (rows && int96_) SLUICE_TRY(int96_->check(*rows));
      const auto dropped = rows ? std::min(drop_, rows->num_rows()) : 0;
      if (dropped > 0) rows = rows->Slice(dropped);
      drop_ -= dropped;
    } while (rows && rows->num_rows() == 0);
    return {};
  }

  /// Puts a batch together from the next `count` rows; `read` holds what the file has of them, null where no column of
  /// it is wanted.
  result<batch> make_rows(std::shared_ptr<arrow::RecordBatch> read, std::int64_t count, std::uint64_t& left_out) {
    batch made;
    if (what_->want_positions) {
      SLUICE_ASSIGN(made.positions, row_positions(what_->number, piece_.id, row_, count));
    }
    std::optional<std::vector<std::int64_t>> numbers;
    SLUICE_ASSIGN(const auto stay, look_at_dictionaries(read));
    if (stay) {
      numbers.emplace();
      for (const auto row : kept_rows(*stay)) numbers->push_back(first_row_ + row_ + 1 + row);
      SLUICE_ASSIGN_ARROW(read, filter_read(read, *stay), "filter rows");
      if (made.positions) {
        SLUICE_ASSIGN_ARROW(const auto kept, arrow::compute::Filter(made.positions, arrow::Datum(stay)), "filter rows");
        made.positions = as_positions(kept.make_array());
      }
      left_out += static_cast<std::uint64_t>(count) - numbers->size();
      count = std::ssize(*numbers);
    }
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (const int index : what_->columns.wanted()) {
      const auto& field = what_->records->field(index);
      if (from_folders_.contains(index)) {
        SLUICE_ASSIGN(auto values, partition_values(piece_.object, *field, count));
        arrays.push_back(std::move(values));
        continue;
      }
      SLUICE_ASSIGN(auto values,
                    to_language(read->GetColumnByName(field->name()), field->type(), field->name(), piece_.object));
      SLUICE_TRY(check_texts(*values, field->name(), piece_.object));
      SLUICE_TRY(check_times_of_day(*values, field->name(), piece_.object));
      arrays.push_back(std::move(values));
    }
    SLUICE_ASSIGN(made.data, what_->columns.assemble(arrays, count, piece_.object, first_row_ + row_ + 1,
                                                     numbers ? &*numbers : nullptr));
    return filter_ && count > 0 ? filter_->apply(std::move(made), left_out) : result<batch>(std::move(made));
  }

  /// Whether rows stay, as far as dictionaries tell; null: all do. The texts of rows that go are checked as well.
  result<std::shared_ptr<arrow::BooleanArray>> look_at_dictionaries(const std::shared_ptr<arrow::RecordBatch>& read) {
    if (!read || !dictionaries_) return std::shared_ptr<arrow::BooleanArray>();
    SLUICE_ASSIGN(auto stay, dictionaries_->keep(*read));
    if (!stay) return stay;
    for (const int index : what_->columns.wanted()) {
      const auto& field = what_->records->field(index);
      const auto values = from_folders_.contains(index) ? nullptr : read->GetColumnByName(field->name());
      if (!values) continue;
      if (values->type_id() != arrow::Type::DICTIONARY) {
        if (!values->type()->Equals(*field->type()) && !arrow::is_fixed_width(values->type_id()))
          return std::shared_ptr<arrow::BooleanArray>();  // checked when it has been cast
        SLUICE_TRY(check_texts(*values, field->name(), piece_.object));
        continue;
      }
      const auto& dictionary = static_cast<const arrow::DictionaryArray&>(*values).dictionary();
      auto& checked = checked_[index];
      if (checked == dictionary) continue;
      SLUICE_ASSIGN(const auto texts, to_language(dictionary, field->type(), field->name(), piece_.object));
      SLUICE_TRY(check_texts(*texts, field->name(), piece_.object));
      checked = dictionary;
    }
    return stay;
  }

  static arrow::Result<std::shared_ptr<arrow::RecordBatch>> filter_read(const std::shared_ptr<arrow::RecordBatch>& read,
                                                                        const arrow::BooleanArray& stay) {
    if (stay.true_count() == 0) return read->Slice(0, 0);
    ARROW_ASSIGN_OR_RAISE(auto kept, arrow::compute::Filter(read, arrow::MakeArray(stay.data())));
    return kept.record_batch();
  }

  std::shared_ptr<const columnar_table> what_;
  split piece_;
  std::unique_ptr<file_reader> file_;
  std::unique_ptr<file_reader> nanoseconds_;              ///< see read_parquet; may be null
  std::optional<int96_check> int96_;                      ///< reads from it
  std::shared_ptr<const row_filter> filter_;              ///< may be null
  std::optional<dictionary_filter> dictionaries_;         ///< of it, where it looks at texts first
  std::map<int, std::shared_ptr<arrow::Array>> checked_;  ///< dictionaries that are known to be UTF-8, by column
  std::unique_ptr<arrow::RecordBatchReader> reader_;      ///< goes before `file_`, which it reads from
  std::set<int> from_folders_;                            ///< columns that the file's folders give
  std::int64_t first_row_ = 0;                            ///< of the split in its file
  std::deque<stretch> stretches_;                         ///< to come
  std::int64_t row_ = 0;
  std::int64_t rows_left_ = 0;
  std::int64_t drop_ = 0;              ///< rows to be read and not given
  std::vector<std::int64_t> rows_of_;  ///< of each row group of the split
  double bytes_per_row_ = 0;
};

}  // namespace

result<std::unique_ptr<file_reader>> open_parquet(const input_file& file, std::shared_ptr<parquet::FileMetaData> known,
                                                  arrow::TimeUnit::type int96,
                                                  const parquet_encryption::key_ring& keys) {
  const auto damaged = [&](const arrow::Status& problem) {
    const auto text = problem.ToString();
    if (auto encrypted = parquet_encryption::explain(file.name, text, !keys.empty())) return *std::move(encrypted);
    return corrupt_file(file.name, "Parquet file", problem);
  };
  if (!file.seekable())
    return user_error("not_seekable", "reading Parquet needs random access, which " + file.name + " does not allow",
                      "write it to a file first");
  try {
    SLUICE_ASSIGN_ARROW(auto handle, arrow::io::ReadableFile::Open(file.path), "open " + file.name);
    // Reads each column in steps instead of holding whole column chunks.
    auto properties = parquet::default_reader_properties();
    properties.set_page_checksum_verification(true);  // of pages whose writer gave them one
    properties.enable_buffered_stream();
    properties.set_buffer_size(read_buffer_bytes);
    if (!keys.empty()) properties.file_decryption_properties(parquet_encryption::decryption(keys));
    parquet::ArrowReaderProperties columns(/*use_threads=*/false);
    columns.set_batch_size(target_batch_rows);
    columns.set_pre_buffer(false);
    columns.set_coerce_int96_timestamp_unit(int96);
    columns.set_arrow_extensions_enabled(true);  // JSON of other programs
    parquet::arrow::FileReaderBuilder builder;
    auto opened = builder.Open(handle, properties, known);
    if (!opened.ok() && parquet_encryption::names_no_key(opened.ToString(), keys)) {
      properties.file_decryption_properties(parquet_encryption::decryption(keys, true));
      opened = builder.Open(handle, properties, known);
    }
    if (!opened.ok()) {
      if (const auto first = peek_file(file, format_bytes); first.ok())
        if (auto foreign = not_wanted_format(file.name, *first, "Parquet")) return std::move(*foreign);
      return damaged(opened);
    }
    read_dictionaries(*builder.raw_reader()->metadata(), columns);
    builder.properties(columns);
    auto made = builder.Build();
    if (!made.ok()) return damaged(made.status());
    return std::move(made).ValueUnsafe();
  } catch (const std::exception& problem) {
    return damaged(arrow::Status::Invalid(problem.what()));
  }
}

result<std::unique_ptr<file_reader>> parquet_footers::open(const input_file& file, arrow::TimeUnit::type int96) {
  std::shared_ptr<parquet::FileMetaData> known;
  {
    const std::lock_guard guard(lock_);
    if (const auto found = footers_.find(file.path); found != footers_.end()) known = found->second;
  }
  SLUICE_ASSIGN(auto reader, open_parquet(file, known, int96, keys_));
  if (!known && keys_.empty()) {
    const std::lock_guard guard(lock_);
    footers_.emplace(file.path, reader->parquet_reader()->metadata());
  }
  return reader;
}

result<std::unique_ptr<split_reader>> read_parquet(std::shared_ptr<const columnar_table> what, const split& piece,
                                                   std::unique_ptr<file_reader> file,
                                                   std::unique_ptr<file_reader> nanoseconds,
                                                   std::shared_ptr<const row_filter> filter,
                                                   const std::string& position) {
  auto reader = std::make_unique<parquet_reader>(std::move(what), piece, std::move(file), std::move(nanoseconds),
                                                 std::move(filter));
  SLUICE_TRY(reader->start(position));
  return std::unique_ptr<split_reader>(std::move(reader));
}

}  // namespace sluice
