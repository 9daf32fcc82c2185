#include "engine/plan/grouped_source.hpp"

#include "engine/component/passing_source.hpp"
#include "engine/error/names.hpp"
#include "engine/files/files.hpp"
#include "engine/values/positions.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

/// Adds columns of nulls, so that the batches of all groups are alike.
class filling_reader : public passing_reader {
 public:
  filling_reader(std::unique_ptr<split_reader> inner, std::shared_ptr<arrow::Schema> schema)
      : passing_reader(std::move(inner)), schema_(std::move(schema)) {}

  result<read_step> next() override {
    SLUICE_ASSIGN(auto step, inner_->next());
    if (!step.rows.data || step.rows.data->schema()->Equals(*schema_)) return step;
    arrow::ArrayVector columns;
    for (const auto& field : schema_->fields()) {
      auto column = step.rows.data->GetColumnByName(field->name());
      if (!column) {
        SLUICE_ASSIGN_ARROW(column, arrow::MakeArrayOfNull(field->type(), step.rows.data->num_rows()),
                            "fill a lost column");
      }
      columns.push_back(std::move(column));
    }
    step.rows.data = arrow::RecordBatch::Make(schema_, step.rows.data->num_rows(), std::move(columns));
    return step;
  }

 private:
  std::shared_ptr<arrow::Schema> schema_;
};

/// Rejects every row.
class refusing_reader : public passing_reader {
 public:
  refusing_reader(std::unique_ptr<split_reader> inner, std::shared_ptr<arrow::Schema> schema, std::string why)
      : passing_reader(std::move(inner)), schema_(std::move(schema)), why_(std::move(why)) {}

  result<read_step> next() override {
    SLUICE_ASSIGN(auto step, inner_->next());
    if (!step.rows.data) return step;
    const auto& rows = *step.rows.data;
    for (std::int64_t row = 0; row < rows.num_rows(); ++row) {
      const auto place = step.rows.positions ? position_at(*step.rows.positions, row).offset : row;
      step.rejected.push_back({.record = record_of(rows, row),
                               .offset = static_cast<std::uint64_t>(place),
                               .code = "schema_drifted",
                               .column = "",
                               .message = "the file does not have the source's columns: " + why_});
    }
    std::stable_sort(step.rejected.begin(), step.rejected.end(),
                     [](const auto& a, const auto& b) { return a.offset < b.offset; });
    step.rows.positions = nullptr;
    SLUICE_ASSIGN_ARROW(step.rows.data, arrow::RecordBatch::MakeEmpty(schema_), "make an empty batch");
    return step;
  }

 private:
  static std::string record_of(const arrow::RecordBatch& rows, std::int64_t row) {
    std::string record = "{";
    for (int at = 0; at < rows.num_columns(); ++at) {
      append_json_text(record += at == 0 ? "" : ",", rows.schema()->field(at)->name());
      if (rows.column(at)->IsNull(row)) {
        record += ":null";
      } else {
        append_json_text(record += ":", value_text(*rows.column(at), row));
      }
    }
    return record + "}";
  }

  std::shared_ptr<arrow::Schema> schema_;
  std::string why_;
};

class grouped_source : public source {
 public:
  grouped_source(std::vector<std::unique_ptr<source>> inner, std::vector<file_group> groups,
                 std::shared_ptr<const chosen_files> files, std::vector<std::uint32_t> group_of,
                 std::shared_ptr<arrow::Schema> schema)
      : inner_(std::move(inner)), groups_(std::move(groups)), schema_(std::move(schema)) {
    for (std::size_t at = 0; at < files->all().size() && at < group_of.size(); ++at)
      places_.emplace(files->all()[at].name, whereabouts{at, group_of[at]});
  }

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  result<std::vector<split>> discover() override {
    std::vector<split> all;
    for (const auto& one : inner_) {
      SLUICE_ASSIGN(auto splits, one->discover());
      std::move(splits.begin(), splits.end(), std::back_inserter(all));
    }
    std::stable_sort(all.begin(), all.end(), [this](const split& a, const split& b) {
      return places_.at(a.object).file < places_.at(b.object).file;
    });
    for (std::size_t at = 0; at < all.size(); ++at) all[at].id = static_cast<std::uint32_t>(at);
    return all;
  }

  bool replayable() const override {
    return std::all_of(inner_.begin(), inner_.end(), [](const auto& one) { return one->replayable(); });
  }
  void interrupt() noexcept override {
    for (const auto& one : inner_) one->interrupt();
  }

  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override {
    const auto place = places_.find(piece.object);
    if (place == places_.end()) return internal_error("unknown_split", "the source has no file " + piece.object);
    const auto group = place->second.group;
    SLUICE_ASSIGN(auto reader, inner_[group]->open(piece, position));
    if (!groups_[group].refused.empty())
      return std::unique_ptr<split_reader>(new refusing_reader(std::move(reader), schema_, groups_[group].refused));
    return std::unique_ptr<split_reader>(new filling_reader(std::move(reader), schema_));
  }

  std::uint64_t line_of(const split& piece, std::uint64_t offset) override {
    const auto place = places_.find(piece.object);
    return place == places_.end() ? 0 : inner_[place->second.group]->line_of(piece, offset);
  }

 private:
  struct whereabouts {
    std::size_t file;
    std::uint32_t group;
  };

  std::vector<std::unique_ptr<source>> inner_;
  std::vector<file_group> groups_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unordered_map<std::string, whereabouts> places_;
};

class frozen_reader : public passing_reader {
 public:
  frozen_reader(std::unique_ptr<split_reader> inner, std::string reset, std::string file)
      : passing_reader(std::move(inner)), reset_(std::move(reset)), file_(std::move(file)) {}

  result<read_step> next() override {
    SLUICE_ASSIGN(auto step, inner_->next());
    for (const auto& one : step.rejected) {
      if (one.code != "unknown_field") continue;
      auto problem =
          user_error("schema_changed",
                     "contract: freeze, but a record of " + file_ + " has the new field " + one.column + ": " +
                         one.record.substr(0, 200),
                     // It was in no record of the sample, so the next run would not know it either.
                     "to accept it, give its type beside the component, " + types_line(one.column, "text") +
                         ", and then: " + reset_ + " --schema; or use contract: evolve, discard or quarantine");
      problem.path = "/contract";
      return problem;
    }
    return step;
  }

 private:
  std::string reset_;
  std::string file_;
};

class frozen_source : public passing_source {
 public:
  frozen_source(std::unique_ptr<source> inner, std::string reset)
      : passing_source(std::move(inner)), reset_(std::move(reset)) {}

  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override {
    SLUICE_ASSIGN(auto reader, inner_->open(piece, position));
    return std::unique_ptr<split_reader>(new frozen_reader(std::move(reader), reset_, piece.object));
  }

 private:
  std::string reset_;
};

}  // namespace

std::unique_ptr<source> make_grouped_source(std::vector<std::unique_ptr<source>> inner, std::vector<file_group> groups,
                                            std::shared_ptr<const chosen_files> files,
                                            std::vector<std::uint32_t> group_of,
                                            std::shared_ptr<arrow::Schema> schema) {
  return std::make_unique<grouped_source>(std::move(inner), std::move(groups), std::move(files), std::move(group_of),
                                          std::move(schema));
}

std::unique_ptr<source> make_frozen_source(std::unique_ptr<source> inner, std::string reset) {
  return std::make_unique<frozen_source>(std::move(inner), std::move(reset));
}

}  // namespace sluice
