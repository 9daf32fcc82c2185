#include "engine/plan/following_source.hpp"

#include "engine/component/looks_again.hpp"
#include "engine/component/numbers_splits.hpp"
#include "engine/component/takes_filter.hpp"
#include "engine/files/line_counter.hpp"
#include "engine/plan/following_reader.hpp"
#include "engine/plan/unit_graph.hpp"
#include "engine/secrets/reveal.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>

namespace sluice {

namespace {

using namespace std::chrono_literals;

class following_source : public source, public numbers_splits, public looks_again, public takes_filter {
 public:
  following_source(std::shared_ptr<const following> what, std::shared_ptr<arrow::Schema> schema,
                   const run_context& context)
      : what_(std::move(what)), schema_(std::move(schema)), context_(context) {}

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  [[nodiscard]] bool bounded() const override { return false; }
  [[nodiscard]] std::uint32_t splits_per_reader() const override { return std::numeric_limits<std::uint32_t>::max(); }
  [[nodiscard]] std::chrono::milliseconds look_again_after() const override { return 300ms; }

  status keep_numbers(const std::vector<split_progress>& before) override {
    auto named = before;
    for (auto& one : named) {
      if (one.position.empty()) continue;
      SLUICE_ASSIGN(auto mark, followed_mark::of_position(one.position));
      mark.name = revealed_or_kept(mark.name, context_);
      one.position = mark.to_position();
    }
    return what_->files->keep(named);
  }

  result<std::vector<split>> discover() override { return what_->files->look(); }

  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override {
    auto made = std::make_unique<following_reader>(what_);
    SLUICE_TRY(made->add(piece, position));
    return std::unique_ptr<split_reader>(std::move(made));
  }

  std::uint64_t line_of(const split& piece, std::uint64_t offset) override {
    const auto file = what_->files->file(piece.id);
    if (!file) return 0;
    const input_file looked_at{.name = file->name(), .path = file->path(), .size = 0};
    std::shared_ptr<line_counter> lines;
    {
      const std::lock_guard guard(lock_);
      auto& known = lines_[piece.id];
      if (!known) known = std::make_shared<line_counter>(line_break::any);
      lines = known;
    }
    return lines->line_at(looked_at, static_cast<std::int64_t>(offset));
  }

  /// The sources of the pieces take the filter of the unit.
  status leave_out_unless(const std::string&, const std::string&, const run_context&) override { return {}; }

 private:
  std::shared_ptr<const following> what_;
  std::shared_ptr<arrow::Schema> schema_;
  const run_context& context_;
  std::mutex lock_;
  std::map<std::uint32_t, std::shared_ptr<line_counter>> lines_;  ///< by split
};

/// The types that the user gave, in their order; null where one of them can't be read, which the component reports.
std::shared_ptr<arrow::Schema> given_columns(const options& types) {
  if (!types.is_object() || types.empty()) return nullptr;
  arrow::FieldVector fields;
  for (const auto& [name, written] : types.items()) {
    const auto text = written.is_object()   ? written.value("type", std::string())
                      : written.is_string() ? written.get<std::string>()
                                            : "";
    auto type = parse_type(text);
    if (!type.ok()) return nullptr;
    fields.push_back(arrow::field(name, *type));
  }
  return arrow::schema(std::move(fields));
}

/// The files that have complete records, as far as those go.
result<std::vector<chosen_file>> begun_files(const file_search& search, const growing_records& records) {
  SLUICE_ASSIGN(const auto names, followed_files::names(search));
  std::vector<chosen_file> found;
  for (const auto& name : names) {
    SLUICE_ASSIGN(const auto file, find_file(name, search));
    if (!file.seekable()) continue;  // refused when it is to be read
    SLUICE_ASSIGN(const auto opened, followed_file::open(name, file.path));
    SLUICE_ASSIGN(const auto end, records.complete_until(*opened, 0, file.size));
    if (end > 0) found.push_back({.name = name, .begin = 0, .size = end});
  }
  return found;
}

/// The unit over no file and without columns: knows how its files are written.
std::unique_ptr<source> without_files(planned_unit unit, const make_piece& make, diagnostics& faults) {
  unit.definition.types = nullptr;
  unit.definition.columns.clear();
  unit.definition.metadata = nullptr;
  unit.resolved = arrow::schema({});
  unit.needed.clear();
  unit.filter.clear();
  unit.reading.files = std::make_shared<const chosen_files>(std::vector<chosen_file>());
  return make(unit, faults);
}

/// Over the files that are there now: says what the columns are.
std::unique_ptr<source> over_present_files(planned_unit unit, const file_search& search, const make_piece& make,
                                           diagnostics& faults) {
  const auto fail = [&](error problem) {
    problem.where = "unit " + unit.definition.name;
    problem.path = unit_path(unit.definition) + "/" + unit.definition.component + problem.path;
    faults.push_back(std::move(problem));
    return nullptr;
  };
  const auto form = without_files(unit, make, faults);
  if (form == nullptr) return nullptr;
  auto begun = begun_files(search, dynamic_cast<const growing_records&>(*form));
  if (!begun.ok()) return fail(std::move(begun).problem());
  if (begun->empty()) unit.resolved = given_columns(unit.definition.types);
  if (begun->empty() && !unit.resolved)
    return fail(user_error("file_not_found",
                           "there is no file with a complete record yet, so the columns are not known",
                           "check path, or give the types of all columns: types: { id: bigint, at: timestamp }"));
  unit.reading.files = std::make_shared<const chosen_files>(std::move(*begun));
  return make(unit, faults);
}

}  // namespace

bool is_followed(const unit_definition& unit) {
  return unit.role == unit_role::extract && unit.own.is_object() && unit.own.contains("follow") &&
         unit.own["follow"] == true;
}

bool check_followed(const planned_unit& unit, diagnostics& faults) {
  const auto& definition = unit.definition;
  const auto before = faults.size();
  const auto refuse = [&](const std::string& path, const std::string& what, const std::string& hint) {
    faults.push_back(
        unit_fault(definition, path, "cannot_follow", "follow: true and " + what + " can't be had together", hint));
  };
  const auto path = definition.own.contains("path") ? definition.own["path"] : options();
  const bool listed =
      path.is_array() && std::any_of(path.begin(), path.end(), [](const auto& one) { return one == "-"; });
  if (path == "-" || listed)
    refuse("/" + definition.component + "/path", "standard input", "remove follow: standard input is read to its end");
  if (definition.incremental.by != incremental_rule::way::none)
    refuse("/incremental", "incremental", "remove incremental: how far each file was read is in every checkpoint");
  if (definition.contract != column_contract::none)
    refuse("/contract", "contract", "remove contract, and give the types of all columns: types: { ... }");
  if (definition.metadata.is_object())
    for (const auto& [name, what] : definition.metadata.items())
      if (what == "row")
        refuse("/metadata/" + name, "row numbers", "remove " + name + ": files are read on in the middle");
  const auto compression = definition.own.value("compression", std::string("auto"));
  if (compression != "auto" && compression != "none")
    refuse("/" + definition.component + "/compression", "compression", "only plain files can be followed");
  return faults.size() == before;
}

std::unique_ptr<source> make_following_source(const planned_unit& unit, const run_context& context, make_piece make,
                                              diagnostics& faults) {
  if (!check_followed(unit, faults)) return nullptr;
  const auto& definition = unit.definition;
  const auto* component = find_component(component_kind::source, definition.component);
  auto own = reveal_secrets(definition.own, context);
  if (!own.ok()) {
    faults.push_back(std::move(own).problem());
    faults.back().where = "unit " + definition.name;
    faults.back().path = unit_path(definition) + "/" + definition.component + faults.back().path;
    return nullptr;
  }
  auto what = std::make_shared<following>();
  what->unit = unit;
  what->search = {.path = own->value("path", options()),
                  .compression = "auto",
                  .base_folder = context.base_folder,
                  .extensions = component->files.extensions,
                  .encoding = own->value("encoding", std::string("utf-8"))};
  if (unit.resolved) {
    auto over_none = unit;
    over_none.reading.files = std::make_shared<const chosen_files>(std::vector<chosen_file>());
    what->whole = make(over_none, faults);
  } else {
    what->whole = over_present_files(unit, what->search, make, faults);
  }
  if (what->whole == nullptr) return nullptr;
  what->records = dynamic_cast<const growing_records*>(what->whole.get());
  if (!what->unit.resolved) what->unit.resolved = what->whole->schema();
  what->make = std::move(make);
  what->files = std::make_shared<followed_files>(what->search);
  auto schema = what->whole->schema();
  return std::make_unique<following_source>(std::move(what), std::move(schema), context);
}

}  // namespace sluice
