#include "engine/formats/ndjson/files_source.hpp"

#include "engine/columns/row_filter.hpp"
#include "engine/component/takes_filter.hpp"
#include "engine/files/files.hpp"
#include "engine/files/follow/growing_records.hpp"
#include "engine/files/listed_files.hpp"
#include "engine/formats/ndjson/last_line_end.hpp"
#include "engine/formats/ndjson/ndjson_reader.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice::ndjson {

namespace {

class ndjson_files : public source, public takes_filter, public growing_records {
 public:
  explicit ndjson_files(std::shared_ptr<const ndjson_table> what) : what_(std::move(what)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return what_->columns.schema(); }

  status leave_out_unless(const std::string& condition, const std::string& unit, const run_context& context) override {
    SLUICE_ASSIGN(filter_, row_filter::make(condition, unit, context, schema()));
    return {};
  }

  result<std::vector<split>> discover() override {
    std::vector<split> splits;
    for (const auto& file : what_->files) {
      // At most a million splits, however large the files are.
      const auto step = what_->whole_files || what_->rows ? std::max<std::int64_t>(file.size, 1)
                        : file.seekable() ? std::max<std::int64_t>({what_->split_bytes, file.size / 100'000, 1})
                                          : std::int64_t{1};
      const auto end = file.seekable() ? file.size : std::int64_t{1};
      for (auto begin = file.begin; begin < end; begin += step) {
        const auto piece_end = std::min(begin + step, end);
        splits.push_back({.id = static_cast<std::uint32_t>(splits.size()),
                          .object = file.name,
                          .begin = begin,
                          .end = piece_end,
                          .bytes = file.seekable() ? piece_end - begin : std::max<std::int64_t>(file.size, 0)});
      }
    }
    return splits;
  }

  bool replayable() const override { return can_be_read_again(what_->files); }

  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override {
    SLUICE_ASSIGN(const auto* file, listed_file(what_->files, piece));
    SLUICE_TRY(check_position(*file, position));
    return read_ndjson(what_, piece, *file, filter_, position);
  }

  [[nodiscard]] result<std::int64_t> complete_until(const followed_file& file, std::int64_t from,
                                                    std::int64_t to) const override {
    return last_line_end(file, from, to);
  }

  std::uint64_t line_of(const split& piece, std::uint64_t offset) override {
    const auto file = listed_file(what_->files, piece);
    return file.ok() ? what_->line_at(**file, piece.begin + static_cast<std::int64_t>(offset)) : 0;
  }

 private:
  std::shared_ptr<const ndjson_table> what_;
  std::shared_ptr<const row_filter> filter_;
};

}  // namespace

std::unique_ptr<source> make_files_source(const source_request& request, const std::string& component,
                                          std::vector<std::string> extensions, const std::optional<row_path>& rows,
                                          diagnostics& faults) {
  const auto before = faults.size();
  auto made = std::make_shared<ndjson_table>();
  auto files = list_files(requested_files(request, std::move(extensions), "utf-8"), component, faults);
  if (!files) return nullptr;
  made->files = std::move(*files);
  made->rows = rows;
  if (request.resolved) {
    made->records = read_types(request, faults);
    made->records.schema = records_of(request);
  } else {
    made->records = infer_columns(request, made->files, rows, faults);
  }
  if (auto zone = zone_clock::find(request.context ? request.context->timezone : "UTC"); zone.ok())
    made->zone = *zone;
  else
    faults.push_back(std::move(zone).problem());
  if (faults.size() > before) return nullptr;
  auto columns = source_columns::choose(request, *made->records.schema, true, faults);
  if (!columns.ok()) return nullptr;
  made->columns = std::move(columns).value();
  for (const auto& column : made->columns.columns()) made->whole_files |= column.from == source_columns::origin::row;
  made->sample = request.sample;
  made->unit = request.unit;
  made->number = request.number;
  made->split_bytes = request.split_bytes;
  made->want_positions = request.want_positions;
  // Who names the columns that he wants has said what is to become of the others.
  made->ignore_unknown = !request.columns.empty();
  made->policy = request.policy;
  if (auto tried = made->make_columns(); !tried.ok()) {
    faults.push_back(std::move(tried).problem());
    return nullptr;
  }
  return std::make_unique<ndjson_files>(std::move(made));
}

}  // namespace sluice::ndjson
