#include "engine/formats/parquet/column_file.hpp"

#include "engine/columns/file_types.hpp"

#include <arrow/api.h>
#include <arrow/io/interfaces.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/base64.h>
#include <arrow/util/compression.h>
#include <parquet/arrow/schema.h>
#include <parquet/column_page.h>
#include <parquet/column_writer.h>
#include <parquet/file_writer.h>
#include <parquet/properties.h>

#include <algorithm>
#include <limits>

namespace sluice::parquet_writing {

namespace {

constexpr std::int64_t stripe_target = 3 * 1024 * 1024;
constexpr char magic[] = {'P', 'A', 'R', '1'};

/// The Arrow schema goes into the file, so that unsigned and zoned types come back as they were.
result<std::shared_ptr<const arrow::KeyValueMetadata>> file_metadata(const arrow::Schema& schema) {
  SLUICE_ASSIGN_ARROW(const auto packed, arrow::ipc::SerializeSchema(schema), "describe the columns");
  auto all = schema.metadata() ? schema.metadata()->Copy() : std::make_shared<arrow::KeyValueMetadata>();
  all->Append("ARROW:schema", arrow::util::base64_encode(std::string_view(*packed)));
  return std::shared_ptr<const arrow::KeyValueMetadata>(std::move(all));
}

}  // namespace

column_file::column_file(std::shared_ptr<arrow::Schema> schema, file_rules rules, file_target_stream& to)
    : schema_(std::move(schema)),
      rules_(std::move(rules)),
      to_(to),
      // Arrow looks into the stream only as long as it lives; here it outlives all.
      stream_(std::shared_ptr<void>(), &to),
      threads_(rules_.threads) {}

// Shared threads stay: they must be done with what is ours.
column_file::~column_file() {
  if (threads_) threads_->wait();
}

result<std::unique_ptr<column_file>> column_file::make(std::shared_ptr<arrow::Schema> schema, file_rules rules,
                                                       file_target_stream& to) {
  std::unique_ptr<column_file> made(new column_file(std::move(schema), std::move(rules), to));
  const auto& properties = *made->rules_.properties;
  const auto in_file = file_schema(made->schema_);
  SLUICE_TRY_ARROW(::parquet::arrow::ToParquetSchema(in_file.get(), properties, &made->columns_),
                   "describe the columns of a Parquet file");
  if (made->columns_->num_columns() != made->schema_->num_fields()) return std::unique_ptr<column_file>();
  for (int i = 0; i < made->schema_->num_fields(); ++i) {
    const auto& column = *made->columns_->Column(i);
    const auto& type = *made->schema_->field(i)->type();
    if (!can_encode(type, column)) return std::unique_ptr<column_file>();
    std::shared_ptr<arrow::util::Codec> codec =
        ::parquet::GetCodec(properties.compression(column.path()), properties.compression_level(column.path()));
    made->encoders_.push_back(make_encoder(type, column, std::move(codec)));
    made->encoders_.back()->limit_dictionary(static_cast<std::size_t>(made->rules_.dictionary_bytes));
  }
  made->chunks_.resize(made->encoders_.size());
  return made;
}

status column_file::open() {
  metadata_ = ::parquet::FileMetaDataBuilder::Make(columns_.get(), rules_.properties);
  index_ = ::parquet::PageIndexBuilder::Make(columns_.get());
  if (rules_.before) {
    groups_ = rules_.before->num_row_groups();
    return {};
  }
  return guarded("write the Parquet file", [&] { PARQUET_THROW_NOT_OK(to_.Write(magic, sizeof magic)); });
}

status column_file::write(const batch& rows, bool hurry) {
  const auto size = rows.bytes();
  for (std::int64_t from = 0; from < rows.rows();) {
    const bool large = hurry || held() > rules_.encoded_bytes || group_bytes_ + size > rules_.decoded_bytes;
    if (group_rows_ >= rules_.row_group_rows || (large && group_rows_ >= rules_.smallest_row_group))
      SLUICE_TRY(end_row_group());
    const auto count = std::min(rows.rows() - from, rules_.row_group_rows - group_rows_);
    const auto share = size * count / rows.rows();
    gathered_.push_back(count == rows.rows() ? rows.data : rows.data->Slice(from, count));
    gathered_bytes_ += share;
    group_bytes_ += share;
    group_rows_ += count;
    from += count;
    if (gathered_bytes_ >= stripe_target) SLUICE_TRY(flush_stripe(then::go_on));
  }
  return failure();
}

std::int64_t column_file::held() const {
  std::int64_t all = gathered_bytes_ + stripe_bytes_;
  for (const auto& encoder : encoders_) all += encoder->held();
  return all;
}

void column_file::for_each_column(const std::function<void(std::size_t, page_scratch&)>& job, bool on_threads) {
  if (on_threads && !threads_) threads_ = std::make_shared<encoding_threads>(encoders_.size());
  for (std::size_t column = 0; column < encoders_.size(); ++column) {
    if (threads_) {
      threads_->post(column, [job, column](page_scratch& scratch) { job(column, scratch); });
    } else {
      job(column, scratch_);
    }
  }
}

/// A file that ends before the first stripe is full needs no threads.
status column_file::flush_stripe(then what) {
  if (!gathered_.empty() || what == then::cut_page) {
    const auto rows = std::make_shared<const stripe>(std::exchange(gathered_, {}));
    stripe_bytes_ = std::exchange(gathered_bytes_, 0);
    for_each_column([this, rows, cut = what == then::cut_page](
                        std::size_t column, page_scratch& scratch) { encode_column(*rows, column, scratch, cut); },
                    what != then::end);
  }
  // The stripe before this one is done, so that two at most are in memory, and the one that is gathered.
  if (threads_) threads_->wait(what == then::end ? 0 : encoders_.size());
  if (what != then::go_on) stripe_bytes_ = 0;
  return failure();
}

void column_file::encode_column(const stripe& rows, std::size_t column, page_scratch& scratch, bool cut) {
  const auto done = guarded("encode a Parquet column", [&] {
    for (const auto& each : rows) {
      auto added = encoders_[column]->add(*each->column(static_cast<int>(column)), scratch);
      if (!added.ok()) return fail(std::move(added).problem());
    }
    if (!cut) return;
    auto ended = encoders_[column]->cut(scratch);
    if (!ended.ok()) fail(std::move(ended).problem());
  });
  if (!done.ok()) fail(done.problem());
}

void column_file::finish_column(std::size_t column, page_scratch& scratch) {
  const auto done = guarded("encode a Parquet column", [&] {
    auto made = encoders_[column]->finish(scratch);
    if (!made.ok()) return fail(std::move(made).problem());
    chunks_[column] = std::move(made).value();
  });
  if (!done.ok()) fail(done.problem());
}

status column_file::settle() { return flush_stripe(then::cut_page); }

status column_file::end_row_group() {
  if (group_rows_ == 0) return {};
  SLUICE_TRY(flush_stripe(then::end));
  for_each_column([this](std::size_t column, page_scratch& scratch) { finish_column(column, scratch); }, false);
  if (threads_) threads_->wait();
  SLUICE_TRY(failure());
  SLUICE_TRY(write_row_group());
  group_rows_ = group_bytes_ = 0;
  return {};
}

status column_file::write_row_group() {
  return guarded("write the Parquet file", [&] {
    index_->AppendRowGroup();
    auto& group = *metadata_->AppendRowGroup();
    group.set_num_rows(group_rows_);
    std::int64_t total = 0;
    for (std::size_t column = 0; column < chunks_.size(); ++column) write_column(column, group, total);
    const bool numbered = groups_ <= std::numeric_limits<std::int16_t>::max();
    group.Finish(total, numbered ? static_cast<std::int16_t>(groups_) : std::int16_t{-1});
    ++groups_;
  });
}

void column_file::write_column(std::size_t column, ::parquet::RowGroupMetaDataBuilder& group, std::int64_t& total) {
  auto chunk = std::exchange(chunks_[column], {});
  const auto number = static_cast<int>(column);
  auto& metadata = *group.NextColumnChunk();
  const auto& properties = *rules_.properties;
  const auto path = columns_->Column(number)->path();
  auto* const statistics = index_->GetColumnIndexBuilder(number);
  auto* const offsets = index_->GetOffsetIndexBuilder(number);
  const auto pages = ::parquet::PageWriter::Open(
      stream_, properties.compression(path), &metadata, -1, -1, arrow::default_memory_pool(), false, nullptr, nullptr,
      false, statistics, offsets, ::parquet::CodecOptions(properties.compression_level(path)));
  if (chunk.dictionary)
    total += pages->WriteDictionaryPage(
        ::parquet::DictionaryPage(chunk.dictionary, chunk.dictionary_values, ::parquet::Encoding::PLAIN));
  for (auto& page : chunk.pages) {
    total += pages->WriteDataPage(::parquet::DataPageV1(page.body, page.rows, page.encoding, ::parquet::Encoding::RLE,
                                                        ::parquet::Encoding::RLE, page.plain_size, page.statistics,
                                                        page.first_row));
    page.body.reset();
  }
  metadata.SetStatistics(chunk.statistics);
  pages->Close(chunk.dictionary != nullptr, chunk.fell_back);
}

status column_file::close() {
  SLUICE_TRY(end_row_group());
  SLUICE_ASSIGN(const auto about, file_metadata(*file_schema(schema_)));
  return guarded("write the Parquet file", [&] {
    index_->Finish();
    auto places = index_->WriteTo(&to_);
    metadata_->SetIndexLocations(::parquet::IndexKind::kColumnIndex, places.column_index_locations);
    metadata_->SetIndexLocations(::parquet::IndexKind::kOffsetIndex, places.offset_index_locations);
    const auto file = metadata_->Finish(about);
    if (rules_.before) rules_.before->AppendRowGroups(*file);
    ::parquet::WriteFileMetaData(rules_.before ? *rules_.before : *file, &to_);
  });
}

void column_file::fail(error why) {
  const std::lock_guard guard(failure_lock_);
  if (!failure_) failure_ = std::move(why);
}

status column_file::failure() {
  const std::lock_guard guard(failure_lock_);
  return failure_ ? status(*failure_) : status();
}

/// Arrow's Parquet classes throw.
status column_file::guarded(const char* doing, const std::function<void()>& call) {
  try {
    call();
    return {};
  } catch (const ::parquet::ParquetStatusException& thrown) {
    return to_.explain(thrown.status(), doing);
  } catch (const std::bad_alloc&) {
    return to_.explain(arrow::Status::OutOfMemory("no memory left"), doing);
  } catch (const std::exception& thrown) {
    return to_.explain(arrow::Status::UnknownError(thrown.what()), doing);
  }
}

}  // namespace sluice::parquet_writing
