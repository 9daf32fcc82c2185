#include "app/preview_rows.hpp"

#include "app/run_engine.hpp"
#include "engine/error/names.hpp"

#include <filesystem>
#include <fstream>
#include <set>

namespace sluice::app {

namespace {

// Names that no pipeline can have, because a unit's name begins with a letter.
constexpr const char* limit_unit = "_preview_limit";
constexpr std::size_t shown_rejects = 3;

class keeping_sink : public sink {
 public:
  explicit keeping_sink(std::shared_ptr<kept_rows> into) : into_(std::move(into)) {}
  status open(std::uint32_t) override { return {}; }
  status write(const batch& rows, row_errors&) override {
    rows_ += static_cast<std::uint64_t>(rows.rows());
    if (rows.rows() > 0) into_->batches.push_back(rows.data);
    return {};
  }
  result<prepared_epoch> prepare(std::uint64_t) override {
    return prepared_epoch{{.loaded = rows_, .target = {}}, "-"};
  }
  status commit(const std::string&) override { return {}; }
  status recover(const std::vector<std::string>&) override { return {}; }
  void abort() noexcept override {}

 private:
  std::shared_ptr<kept_rows> into_;
  std::uint64_t rows_ = 0;
};

std::string unit_of(const std::string& reference) { return reference.substr(0, reference.find('.')); }

const unit_definition* find_unit(const pipeline& in, const std::string& name) {
  for (const auto& unit : in.units)
    if (unit.name == name) return &unit;
  return nullptr;
}

/// What is shown where no unit is asked for: what the first sink gets.
std::string default_unit(const pipeline& of) {
  for (const auto& unit : of.units)
    if (unit.role == unit_role::load && !unit.from.empty()) return unit.from.front();
  return of.units.empty() ? std::string{} : of.units.front().name;
}

error unknown_unit(const pipeline& in, const std::string& name) {
  std::vector<std::string> known;
  std::string list;
  for (const auto& unit : in.units) {
    if (unit.role == unit_role::load) continue;
    known.push_back(unit.name);
    list += (list.empty() ? "" : ", ") + unit.name;
  }
  const auto nearest = nearest_name(name, known);
  return user_error("unknown_unit", "the pipeline has no unit " + name,
                    nearest.empty() ? "units to choose from: " + list : "did you mean " + nearest + "?");
}

/// The first rejects of a run: where, why and the record.
std::vector<std::string> first_rejects(const std::string& path) {
  std::vector<std::string> shown;
  std::ifstream in(path, std::ios::binary);
  for (std::string line; shown.size() < shown_rejects && std::getline(in, line);) {
    const auto parsed = options::try_parse(line);
    if (!parsed || !parsed->is_object()) continue;
    const auto& reject = *parsed;
    const auto text = [&](const char* name) {
      const auto found = reject.find(name);
      if (found == reject.end() || found->is_null()) return std::string();
      return found->is_string() ? found->get<std::string>() : found->dump();
    };
    const auto number = text("line");
    auto said = text("file") + (number.empty() || number == "0" ? "" : " line " + number) + ": " + text("message");
    if (const auto record = text("record"); !record.empty()) said += ": " + shortened(record, 60);
    shown.push_back(std::move(said));
  }
  return shown;
}

}  // namespace

status cut_down(pipeline& what, std::string& wanted, std::int64_t rows) {
  if (wanted.empty()) wanted = default_unit(what);
  const auto* last = find_unit(what, unit_of(wanted));
  if (last == nullptr) return unknown_unit(what, wanted);
  if (last->role == unit_role::load) wanted = last->from.empty() ? wanted : last->from.front();
  std::set<std::string> needed;
  std::vector<std::string> open = {unit_of(wanted)};
  while (!open.empty()) {
    const auto name = open.back();
    open.pop_back();
    const auto* unit = find_unit(what, name);
    if (unit == nullptr || !needed.insert(name).second) continue;
    for (const auto& from : unit->from) open.push_back(unit_of(from));
  }
  std::erase_if(what.units, [&](const unit_definition& unit) { return needed.count(unit.name) == 0; });
  unit_definition limit;
  limit.role = unit_role::transform;
  limit.name = limit_unit;
  limit.from = {wanted};
  limit.component = "limit";
  limit.own = rows;
  unit_definition out;
  out.role = unit_role::load;
  out.name = preview_sink;
  out.from = {limit_unit};
  out.component = "blackhole";
  out.own = options::object();
  what.units.push_back(std::move(limit));
  what.units.push_back(std::move(out));
  return {};
}

namespace {

result<preview_outcome> run_with(const session& with, const planned_pipeline& planned,
                                 const std::function<void(actors::run_setup&)>& change) {
  SLUICE_ASSIGN(const auto nowhere, store::open_sqlite(":memory:"));
  const auto setup = make_setup(with, planned, "", nullptr);
  change(*setup);
  signals stop;
  actors::run_callbacks callbacks;
  callbacks.cancel = [&] { return stop.stop_asked(); };
  preview_outcome made;
  made.run = actors::engine(nowhere).run(setup, callbacks);
  made.signal = stop.first();
  if (made.run.rejected > 0) made.rejects = first_rejects(setup->rejects_path);
  std::error_code ignored;
  std::filesystem::remove_all(std::filesystem::path(setup->rejects_path).parent_path(), ignored);
  return made;
}

}  // namespace

result<preview_outcome> fetch_rows(const session& with, const planned_pipeline& planned,
                                   const std::map<std::string, std::shared_ptr<kept_rows>>& into) {
  return run_with(with, planned, [&](actors::run_setup& setup) {
    setup.components.make_sink = [into](const plan& of, int unit, const run_context&) -> result<std::unique_ptr<sink>> {
      const auto& name = of.units[static_cast<std::size_t>(unit)].definition.name;
      return std::unique_ptr<sink>(std::make_unique<keeping_sink>(into.at(name)));
    };
  });
}

result<preview_outcome> fetch_rows(const session& with, const planned_pipeline& planned,
                                   const std::shared_ptr<kept_rows>& into) {
  return fetch_rows(with, planned, {{preview_sink, into}});
}

result<preview_outcome> run_and_show(const session& with, const planned_pipeline& planned) {
  return run_with(with, planned, [](actors::run_setup&) {});
}

}  // namespace sluice::app
