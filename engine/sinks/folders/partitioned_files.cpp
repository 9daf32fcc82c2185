#include "engine/sinks/folders/partitioned_files.hpp"

#include "engine/component/interrupt_switch.hpp"
#include "engine/component/interruption.hpp"
#include "engine/files/file_target.hpp"
#include "engine/files/growing_file.hpp"
#include "engine/files/hidden_file.hpp"
#include "engine/files/staged_files.hpp"
#include "engine/files/sync_together.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/sinks/folders/folder_cleaning.hpp"
#include "engine/sinks/folders/non_finite.hpp"
#include "engine/sinks/folders/open_files.hpp"
#include "engine/sinks/folders/partition_rows.hpp"
#include "engine/sinks/folders/prepared_parts.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <numeric>
#include <unordered_map>

namespace sluice::folders {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t most_synced_alone = 16;           ///< files
constexpr std::int64_t rows_between_looks = 16 * 1024;  ///< at the size of a file
// Partitions whose files are open before the end: with a row group of rows each, or, where files can wait for more rows
// with little in memory, with a page.
constexpr partition_rows::early few_files = {.rows = 128 * 1024, .partitions = 8, .held = std::int64_t{96} << 20};
constexpr partition_rows::early many_files = {.rows = 2 * 1024, .partitions = 128, .held = std::int64_t{48} << 20};
constexpr std::int64_t most_encoded = std::int64_t{48} << 20;  ///< bytes that those hold

class partitioned_files final : public sink, public reads_back {
 public:
  partitioned_files(const sink_request& request, std::string component, part_names names, partition_columns by,
                    file_limits limits, file_sink_maker make_file)
      : request_(request),
        component_(std::move(component)),
        names_(std::move(names)),
        by_(std::move(by)),
        limits_(limits),
        make_file_(make_file),
        folder_(target_of(folder_path(request.own), request.context ? request.context->base_folder : "")),
        is_json_(names_.extension().starts_with(".ndjson")) {
    if (folder_.size() > 1 && folder_.ends_with('/')) folder_.pop_back();
  }
  ~partitioned_files() override { stop_.connect(nullptr); }

  status open(std::uint32_t attempt) override {
    attempt_ = attempt;
    names_.begin_attempt(attempt);
    std::error_code problem;
    had_folder_ = fs::exists(folder_, problem);
    if (had_folder_ && !fs::is_directory(folder_, problem))
      return user_error("not_a_folder", "the target " + folder_ + " is a file, but a folder is needed",
                        "remove the file, or give another path");
    if (request_.mode == "error" && request_.continues.empty()) SLUICE_TRY(check_empty(folder_));
    std::vector<std::shared_ptr<arrow::DataType>> types;
    for (const int key : by_.keys) types.push_back(canonical_key_type(request_.schema->field(key)->type()));
    SLUICE_ASSIGN(groups_, group_index::make(types));
    if (by_.keys.empty()) return {};
    SLUICE_ASSIGN(const auto probe, file(folder_ + "/part" + names_.extension()));
    auto* const among_many = dynamic_cast<file_among_many*>(probe.get());
    shares_ = among_many != nullptr && among_many->share(shared_);
    open_.limit(std::min(most_encoded, request_.context->memory->limit() / 4));
    rows_ = std::make_unique<partition_rows>(
        *request_.context, request_.unit, by_.in_files, shares_ ? many_files : few_files,
        [this](std::uint32_t partition, const batch& rows) { return give(partition, rows); });
    return {};
  }

  status write(const batch& rows, row_errors& refused) override {
    if (rows.rows() == 0) return {};
    if (by_.keys.empty()) return write_to(0, rows, refused);
    SLUICE_ASSIGN(auto kept, without_refused(rows, refused));
    std::vector<std::shared_ptr<arrow::Array>> keys;
    for (const int key : by_.keys) {
      SLUICE_ASSIGN(auto column, canonical_key(kept.data->column(key)));
      keys.push_back(std::move(column));
    }
    const auto* partitions = groups_->add(keys, kept.rows());
    SLUICE_TRY(name_folders());
    std::vector<std::shared_ptr<arrow::Array>> columns;
    const bool all = by_.in_files->num_fields() == kept.data->num_columns();
    for (int i = 0; i < kept.data->num_columns(); ++i)
      if (all || std::find(by_.keys.begin(), by_.keys.end(), i) == by_.keys.end())
        columns.push_back(kept.data->column(i));
    batch in_files;
    in_files.data = arrow::RecordBatch::Make(by_.in_files, kept.rows(), std::move(columns));
    return rows_->add(in_files, partitions);
  }

  result<prepared_epoch> prepare(std::uint64_t epoch) override {
    epoch_ = epoch;
    if (rows_) {
      // Each file by itself would wait for the disk several times.
      const sync_together together(folders_.size() > most_synced_alone);
      last_.reset();  // what came before the end is not all of its partition
      taking_all_ = true;
      auto done = rows_->take_all();
      taking_all_ = false;
      SLUICE_TRY(std::move(done));
      SLUICE_TRY(close_all());
      SLUICE_TRY(together.finish(folder_));
    }
    SLUICE_TRY(close_all());
    ++number_;
    prepared_parts made{.tokens = std::exchange(tokens_, {}), .removes = removes(), .chain = names_.chain()};
    for (const auto& token : made.tokens) {
      SLUICE_ASSIGN(auto hidden, file_target::hidden_of(token));
      prepared_.push_back(std::move(hidden));
    }
    const auto list = hidden_path(folder_ + "/part-list", request_.context->run_id, request_.unit, attempt_, number_);
    prepared_.push_back(list);
    auto report = std::exchange(report_, {});
    report.target = folder_;
    rolls_.clear();
    SLUICE_ASSIGN(auto token, token_of(made, list));
    return prepared_epoch{std::move(report), std::move(token)};
  }

  status commit(const std::string& token) override {
    SLUICE_ASSIGN(const auto made, read_parts_token(token));
    const auto& tokens = made.parts.tokens;
    if (made.list_gone) {
      SLUICE_ASSIGN(const auto hidden, file_target::hidden_of(tokens.front()));
      std::error_code ignored;
      // The list goes last: with it gone, and its first file not there, nobody knows the others.
      if (fs::exists(hidden, ignored)) return list_lost(made.list);
    }
    if (!tokens.empty()) {
      SLUICE_ASSIGN(const auto one, file(folder_ + "/part" + names_.extension()));
      stop_.connect(one.get());
      status done;
      const sync_together together(tokens.size() > most_synced_alone);
      for (auto next = tokens.rbegin(); next != tokens.rend() && done.ok(); ++next) done = one->commit(*next);
      stop_.connect(nullptr);
      SLUICE_TRY(std::move(done));
      SLUICE_TRY(together.finish(folder_));
    }
    SLUICE_TRY(remove_replaced(made.parts));
    if (!made.list.empty()) {
      std::error_code ignored;
      fs::remove(made.list, ignored);
      if (const int number = sync_folder(folder_); number != 0)
        return from_errno(number, "make durable the folder " + folder_);
    }
    for (const auto& each : tokens) {
      SLUICE_ASSIGN(const auto hidden, file_target::hidden_of(each));
      prepared_.erase(std::remove(prepared_.begin(), prepared_.end(), hidden), prepared_.end());
    }
    std::erase(prepared_, made.list);
    return {};
  }

  status recover(const std::vector<std::string>& tokens) override {
    for (const auto& token : tokens) SLUICE_TRY(commit(token));
    return keep({});
  }

  status keep(const std::vector<std::string>& tokens) override {
    std::vector<std::string> kept;
    for (const auto& token : tokens) {
      SLUICE_ASSIGN(const auto made, read_parts_token(token));
      if (!made.list.empty()) kept.push_back(made.list);
      for (const auto& each : made.parts.tokens) {
        SLUICE_ASSIGN(kept.emplace_back(), file_target::hidden_of(each));
      }
    }
    remove_hidden_parts(folder_, by_.names, request_.context ? request_.context->run_id : "", request_.unit, kept);
    return {};
  }

  void abort() noexcept override {
    stop_.connect(nullptr);
    auto left = open_.abort();
    if (rows_) rows_->drop();
    for (const auto& token : std::exchange(tokens_, {}))
      if (auto hidden = file_target::hidden_of(token); hidden.ok()) prepared_.push_back(*hidden);
    std::error_code ignored;
    for (const auto& hidden : std::exchange(prepared_, {})) {
      fs::remove(hidden, ignored);
      left.push_back(hidden);
    }
    for (const auto& path : left) remove_empty_folders(fs::path(path).parent_path().string(), folder_);
    if (!had_folder_) fs::remove(folder_, ignored);  // fails where something is in it
  }

  void interrupt() noexcept override {
    interrupted_ = true;
    stop_.interrupt();
  }

  result<std::vector<staged_source>> staged(const std::string& token) override {
    SLUICE_ASSIGN(const auto made, read_parts_token(token));
    std::vector<std::string> files;
    for (const auto& each : made.parts.tokens) {
      SLUICE_ASSIGN(files.emplace_back(), file_target::hidden_of(each));
    }
    return staged_files(component_, request_of_file(request_, folder_ + "/part" + names_.extension(), by_),
                        std::move(files));
  }

 private:
  static error list_lost(const std::string& list) {
    return external_error("prepared_lost", "the file " + list + ", which lists the files to publish, is missing",
                          "it was removed: run the pipeline again");
  }

  [[nodiscard]] replaced removes() const {
    if (request_.mode == "replace_partitions") return replaced::its_partitions;
    const bool replaces = request_.mode.empty() || request_.mode == "replace";
    return replaces && request_.continues.empty() && number_ == 1 ? replaced::all_partitions : replaced::nothing;
  }

  status remove_replaced(const prepared_parts& made) const {
    if (made.removes == replaced::nothing) return {};
    const auto is_old = [&](const std::string& name) { return names_.is_of_others(name, made.chain); };
    if (made.removes == replaced::all_partitions) return remove_in_all_partitions(folder_, by_.names, is_old);
    std::vector<std::string> written;
    for (const auto& token : made.tokens) {
      SLUICE_ASSIGN(const auto hidden, file_target::hidden_of(token));
      auto leaf = fs::path(hidden).parent_path().string();
      if (written.empty() || written.back() != leaf) written.push_back(std::move(leaf));
    }
    for (const auto& leaf : written) SLUICE_TRY(remove_files(leaf, is_old));
    return {};
  }

  /// Writing is put off, so that rows that a file of JSON can't hold are found here.
  result<batch> without_refused(const batch& rows, row_errors& refused) const {
    if (request_.policy != on_error::reject || !is_json_) return rows;
    const auto before = refused.size();
    find_non_finite(*rows.data, refused);
    if (refused.size() == before) return rows;
    std::vector<std::uint8_t> bad(static_cast<std::size_t>(rows.rows()), 0);
    for (auto at = before; at < refused.size(); ++at) bad[static_cast<std::size_t>(refused[at].row)] = 1;
    std::vector<std::int32_t> good;
    for (std::size_t row = 0; row < bad.size(); ++row)
      if (bad[row] == 0) good.push_back(static_cast<std::int32_t>(row));
    return take_rows(rows, arrow::Int32Array(static_cast<std::int64_t>(good.size()), arrow::Buffer::Wrap(good)));
  }

  status name_folders() {
    const auto known = folders_.size();
    if (groups_->size() == known) return {};
    std::vector<std::uint32_t> fresh(groups_->size() - known);
    std::iota(fresh.begin(), fresh.end(), static_cast<std::uint32_t>(known));
    SLUICE_ASSIGN(const auto keys, groups_->keys(fresh));
    for (std::size_t row = 0; row < fresh.size(); ++row) {
      SLUICE_ASSIGN(auto folder, partition_folder(by_, keys, static_cast<std::int64_t>(row)));
      folders_.push_back(std::move(folder));
    }
    return {};
  }

  /// Takes rows from `rows_`: those of one partition come one after the other while all are taken.
  status give(std::uint32_t partition, const batch& rows) {
    if (interrupted_) return interrupted_error("writing into " + folder_);
    if (last_ && *last_ != partition) SLUICE_TRY(taking_all_ ? close(*last_) : open_.settle(*last_));
    last_ = partition;
    row_errors refused;
    SLUICE_TRY(write_to(partition, rows, refused));
    if (!refused.empty())
      return internal_error("not_supported",
                            "a row was refused by its file after it was accepted: " + refused[0].message);
    return {};
  }

  status write_to(std::uint32_t partition, const batch& rows, row_errors& refused) {
    for (std::int64_t begin = 0; begin < rows.rows();) {
      SLUICE_TRY(begin_file(partition));
      auto& one = *open_.find(partition);
      auto count = rows.rows() - begin;
      if (limits_.rows) count = std::min(count, *limits_.rows - one.rows);
      if (limits_.bytes) count = std::min(count, rows_between_looks);
      const auto before = refused.size();
      stop_.connect(one.file.get());
      auto done = one.file->write(rows.slice(begin, count), refused);
      stop_.connect(nullptr);
      SLUICE_TRY(std::move(done));
      for (auto at = before; at < refused.size(); ++at) refused[at].row += begin;
      one.rows += count;
      begin += count;
      if (is_full(one)) SLUICE_TRY(close(partition));
    }
    return {};
  }

  [[nodiscard]] bool is_full(const open_file& one) const {
    if (limits_.rows && one.rows >= *limits_.rows) return true;
    const auto* growing = limits_.bytes ? dynamic_cast<const growing_file*>(one.file.get()) : nullptr;
    return growing != nullptr && growing->size_so_far() >= *limits_.bytes;
  }

  status begin_file(std::uint32_t partition) {
    if (open_.find(partition) != nullptr) return {};
    const auto leaf = by_.keys.empty() ? folder_ : folder_ + "/" + folders_[partition];
    open_file one{.file = nullptr, .path = leaf + "/" + names_.name(number_ + 1, rolls_[partition]++)};
    SLUICE_ASSIGN(one.file, file(one.path));
    if (shares_) {
      one.among_many = dynamic_cast<file_among_many*>(one.file.get());
      one.among_many->share(shared_);
    }
    stop_.connect(one.file.get());
    auto done = one.file->open(attempt_);
    stop_.connect(nullptr);
    SLUICE_TRY(std::move(done));
    open_.add(partition, std::move(one));
    return {};
  }

  status close(std::uint32_t partition) {
    auto* const found = open_.find(partition);
    if (found == nullptr) return {};
    auto& file = *found->file;
    stop_.connect(&file);
    auto given = file.prepare(epoch_);
    stop_.connect(nullptr);
    if (!given.ok()) return std::move(given).problem();
    report_.loaded += given->report.loaded;
    report_.set_null += given->report.set_null;
    report_.bytes += given->report.bytes;
    tokens_.push_back(std::move(given->token));
    open_.remove(partition);
    return {};
  }

  status close_all() {
    last_.reset();
    while (!open_.empty()) SLUICE_TRY(close(open_.any()));
    return {};
  }

  [[nodiscard]] result<std::unique_ptr<sink>> file(const std::string& path) const {
    diagnostics faults;
    auto made = make_file_(request_of_file(request_, path, by_), faults);
    if (made == nullptr) return faults.front();
    return made;
  }

  sink_request request_;
  std::string component_;
  part_names names_;
  partition_columns by_;
  file_limits limits_;
  file_sink_maker make_file_;
  std::string folder_;
  bool is_json_;
  bool had_folder_ = true;
  std::uint32_t attempt_ = 0;
  std::uint64_t epoch_ = 0;
  std::uint64_t number_ = 0;              ///< of the epochs that were prepared
  std::unique_ptr<group_index> groups_;   ///< numbers the partitions
  std::vector<std::string> folders_;      ///< by partition
  std::unique_ptr<partition_rows> rows_;  ///< null without partition_by
  bool taking_all_ = false;               ///< what is given comes by partition
  std::optional<std::uint32_t> last_;     ///< whose rows came last meanwhile
  std::shared_ptr<void> shared_;          ///< by the files that are open
  bool shares_ = false;
  std::unordered_map<std::uint32_t, std::uint64_t> rolls_;  ///< files that a partition has in this epoch
  std::vector<std::string> tokens_;                         ///< of complete files of this epoch
  sink_report report_;                                      ///< of those
  std::vector<std::string> prepared_;                       ///< hidden files that are not published yet
  std::atomic<bool> interrupted_ = false;
  interrupt_switch<sink> stop_;
  open_files open_{stop_};
};

}  // namespace

sink_request request_of_file(sink_request request, const std::string& path, const partition_columns& by) {
  if (request.own.is_string()) request.own = options({{"path", path}});
  request.own["path"] = path;
  for (const auto* name : {"partition_by", "file_rows", "file_size"}) request.own.erase(name);
  request.mode = "replace";
  if (by.in_files) request.schema = by.in_files;
  return request;
}

std::unique_ptr<sink> make_partitioned_files(const sink_request& request, std::string component, part_names names,
                                             partition_columns by, file_limits limits, file_sink_maker make_file) {
  return std::make_unique<partitioned_files>(request, std::move(component), std::move(names), std::move(by), limits,
                                             make_file);
}

}  // namespace sluice::folders
