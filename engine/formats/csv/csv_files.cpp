#include "engine/formats/csv/csv_files.hpp"

#include "engine/component/takes_filter.hpp"
#include "engine/error/names.hpp"
#include "engine/files/follow/growing_records.hpp"
#include "engine/files/line_counter.hpp"
#include "engine/files/listed_files.hpp"
#include "engine/formats/csv/infer.hpp"
#include "engine/formats/csv/last_record_end.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <set>

namespace sluice {

error different_csv_columns(const input_file& file, const std::vector<std::string>& found,
                            const std::vector<std::string>& wanted) {
  std::vector<std::string> lost;
  std::vector<std::string> fresh;
  for (const auto& name : wanted)
    if (std::find(found.begin(), found.end(), name) == found.end()) lost.push_back(name);
  for (const auto& name : found)
    if (std::find(wanted.begin(), wanted.end(), name) == wanted.end()) fresh.push_back(name);
  std::string message = "the file " + file.name + " has other columns than the source's first file:";
  if (!lost.empty()) message += " it does not have " + joined(lost);
  if (!fresh.empty()) message += std::string(lost.empty() ? "" : ", and") + " it also has " + joined(fresh);
  return user_error("different_columns", message,
                    "contract: evolve beside csv reads them all, with null where a file has no such column; columns: "
                    "[...] reads those "
                    "that all have");
}

namespace {

class csv_files : public source, public takes_filter, public growing_records {
 public:
  explicit csv_files(std::shared_ptr<const csv_table> what) : what_(std::move(what)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return what_->columns.schema(); }

  status leave_out_unless(const std::string& condition, const std::string& unit, const run_context& context) override {
    SLUICE_ASSIGN(filter_, row_filter::make(condition, unit, context, schema()));
    return {};
  }

  result<std::vector<split>> discover() override {
    SLUICE_ASSIGN(const auto files, find_files(what_->search));
    std::vector<split> splits;
    for (const auto& file : files) {
      SLUICE_ASSIGN(const auto known, know(file));
      add_splits(file, known->layout.data_begin, splits);
    }
    return splits;
  }

  bool replayable() const override {
    const auto files = find_files(what_->search);
    return !files.ok() || can_be_read_again(*files);
  }

  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override {
    SLUICE_ASSIGN(const auto file, find_file(piece.object, what_->search));
    SLUICE_TRY(check_position(file, position));
    SLUICE_ASSIGN(const auto known, know(file));
    csv::reader_questions ask = {
        .line_of = [this, piece](std::uint64_t offset) { return line_of(piece, offset); },
        .sampled_rows = [this] { return sampled_rows(); },
        .limit = what_->follow ? file.size : std::numeric_limits<std::int64_t>::max(),
    };
    auto plan = known->plan;
    if (known->chain && !what_->whole_files) {
      const auto index = static_cast<std::size_t>((piece.begin - known->layout.data_begin) / what_->split_bytes);
      return csv::read_split(std::move(plan), piece, known->chain, index, std::move(ask), position);
    }
    SLUICE_ASSIGN(auto stream, open_stream(file));
    csv::open_again again;
    if (file.path != "-") again = [file] { return open_stream(file); };
    return csv::read_whole(std::move(plan), piece, std::move(stream), std::move(again), known->layout.data_begin,
                           std::move(ask), file.path == "-" ? once_ : nullptr, position);
  }

  [[nodiscard]] result<std::int64_t> complete_until(const followed_file& file, std::int64_t from,
                                                    std::int64_t to) const override {
    return csv::last_record_end(what_->rules, file, from, to);
  }

  std::uint64_t line_of(const split& piece, std::uint64_t offset) override {
    const auto file = find_file(piece.object, what_->search);
    if (!file.ok()) return 0;
    const auto at = piece.begin + static_cast<std::int64_t>(offset);
    return file->path == "-" ? once_->line_at(at) : lines_.line_at(*file, at);
  }

 private:
  /// What is known of a file, read when its first split is wanted.
  struct known_file {
    csv::file_layout layout;
    csv::read_plan plan;
    std::shared_ptr<csv::split_chain> chain;  ///< null where the file is read as a stream
  };

  void add_splits(const input_file& file, std::int64_t data_begin, std::vector<split>& splits) const {
    const auto add = [&](std::int64_t begin, std::int64_t end, std::int64_t bytes) {
      splits.push_back({.id = static_cast<std::uint32_t>(splits.size()),
                        .object = file.name,
                        .begin = begin,
                        .end = end,
                        .bytes = bytes});
    };
    if (!file.seekable() || what_->whole_files) {
      const auto size = std::max<std::int64_t>(file.size, 0);
      add(0, size, size);
      return;
    }
    auto begin = data_begin;
    do {
      const auto end = std::min(begin + what_->split_bytes, file.size);
      add(begin, end, end - begin);
      begin = end;
    } while (begin < file.size);
  }

  result<std::shared_ptr<const known_file>> know(const input_file& file) {
    {
      const std::lock_guard guard(lock_);
      if (const auto found = known_.find(file.path); found != known_.end()) return found->second;
    }
    auto fresh = std::make_shared<known_file>();
    SLUICE_ASSIGN(fresh->layout, csv::read_layout(file, what_->rules));
    if (fresh->layout.names.empty()) fresh->layout.names = what_->records->field_names();
    SLUICE_ASSIGN(fresh->plan, plan_for(file, fresh->layout));
    fresh->layout.data_begin = std::max(fresh->layout.data_begin, file.begin);
    if (file.seekable()) {
      fresh->chain =
          std::make_shared<csv::split_chain>(file, what_->rules.rules, fresh->layout.data_begin, what_->split_bytes);
    }
    const std::lock_guard guard(lock_);
    return known_.emplace(file.path, std::move(fresh)).first->second;
  }

  /// Finds the columns of the source among those of a file: by name, in any order.
  result<csv::read_plan> plan_for(const input_file& file, const csv::file_layout& layout) const {
    const auto& wanted = *what_->records;
    if (what_->all_columns && static_cast<int>(layout.names.size()) != wanted.num_fields())
      return different_csv_columns(file, layout.names, wanted.field_names());
    csv::read_plan plan = {.unit = what_->unit,
                           .source = what_->number,
                           .rules = what_->rules,
                           .fields = layout.names.size(),
                           .columns = {},
                           .field_of = {},
                           .metadata = {},
                           .schema = what_->columns.schema(),
                           .policy = what_->policy,
                           .want_positions = what_->want_positions,
                           .timezone = what_->timezone,
                           .filter = filter_};
    for (const auto& name : wanted.field_names()) {
      if (std::find(layout.names.begin(), layout.names.end(), name) == layout.names.end())
        return different_csv_columns(file, layout.names, wanted.field_names());
    }
    const auto add = [&](int index) {
      const auto& field = wanted.field(index);
      const auto given = what_->types.find(field->name());
      typed::column_plan each = given == what_->types.end() ? typed::column_plan{} : given->second;
      each.name = field->name();
      each.type = field->type();
      each.inferred = given == what_->types.end() && field->type()->id() != arrow::Type::STRING;
      plan.columns.push_back(std::move(each));
      const auto place = std::find(layout.names.begin(), layout.names.end(), field->name());
      plan.field_of.push_back(static_cast<int>(place - layout.names.begin()));
    };
    std::set<int> shown;
    for (const auto& column : what_->columns.columns()) {
      if (column.from != source_columns::origin::record) {
        plan.metadata.emplace_back(column.from == source_columns::origin::path ? "path" : "row");
        continue;
      }
      add(column.index);
      shown.insert(column.index);
    }
    for (const int index : what_->columns.wanted())
      if (!shown.contains(index)) add(index);  // read to be checked only
    return plan;
  }

  /// How many rows inference looked at: it looks again, since only this rare message wants to know.
  std::int64_t sampled_rows() const {
    const auto files = find_files(what_->search);
    if (!files.ok()) return 0;
    std::vector<csv::file_layout> layouts;
    for (const auto& file : *files) {
      if (layouts.size() == checked_csv_files || file.path == "-") break;
      auto layout = csv::read_layout(file, what_->rules);
      if (!layout.ok()) return 0;
      layouts.push_back(std::move(*layout));
    }
    if (layouts.empty() || !csv::name_empty_files(*files, layouts, what_->rules).ok()) return 0;
    const auto guessed = csv::guess_types(*files, layouts, what_->rules, what_->sample);
    return guessed.ok() ? guessed->rows : 0;
  }

  std::shared_ptr<const csv_table> what_;
  std::shared_ptr<const row_filter> filter_;
  std::mutex lock_;
  std::map<std::string, std::shared_ptr<const known_file>> known_;
  line_counter lines_{line_break::any};
  std::shared_ptr<passing_lines> once_ = std::make_shared<passing_lines>(line_break::any);  ///< of standard input
};

}  // namespace

std::unique_ptr<source> make_csv_files(std::shared_ptr<const csv_table> what) {
  return std::make_unique<csv_files>(std::move(what));
}

}  // namespace sluice
