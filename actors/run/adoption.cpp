#include "actors/run/adoption.hpp"

#include "actors/run/resume_run.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace sluice::actors {

namespace {

using store::run_state;

error cannot_adopt(const std::string& why) {
  return external_error("not_adopted", "the units of the run can't work on under a new controller: " + why,
                        "the run continues from its last checkpoint", true);
}

/// All its instances work, and nothing was decided of which they do not know.
result<bool> works(store::store& in, const store::run_record& run, const plan& what) {
  const bool draining = run.state == run_state::draining && !what.endless();
  if (run.state != run_state::running && !draining) return false;
  SLUICE_ASSIGN(const auto due, in.due_commits(run.id));
  return due.empty();
}

/// Each is a line; one that is not whole counts too, so that the numbers do not agree.
std::uint64_t rows_in(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return 0;
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto lines = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
  return lines + (!text.empty() && text.back() != '\n' ? 1 : 0);
}

result<std::set<std::string>> finished_units(store::store& in, const std::string& run) {
  std::set<std::string> units;
  constexpr std::int64_t page = 1000;
  for (std::int64_t after = 0;;) {
    SLUICE_ASSIGN(const auto events, in.events(after, run, page));
    for (const auto& one : events) {
      after = one.cursor;
      if (one.type == "run.restarting") units.clear();
      if (one.type == "unit.finished") units.insert(one.unit);
    }
    if (events.size() < static_cast<std::size_t>(page)) return units;
  }
}

result<adopted_run> look_up(store::store& in, const run_setup& of) {
  adopted_run made;
  SLUICE_ASSIGN(const auto run, in.find_run(of.run));
  SLUICE_ASSIGN(const bool still, works(in, run, *of.what));
  if (!still) return cannot_adopt("it is " + store::to_string(run.state));
  auto setup = std::make_shared<run_setup>(of);
  setup->died_of.reset();
  setup->adopts = setup->last_try = false;
  SLUICE_ASSIGN(setup->resume, last_point(in, of));
  SLUICE_ASSIGN(made.finished_units, finished_units(in, of.run));
  made.rejects = rows_in(of.rejects_path);
  store::change home{.run = of.run, .term = of.record.term};
  home.home = store::run_home{.pid = of.record.pid,
                              .pid_started = of.record.pid_started,
                              .node = of.record.node,
                              .endpoint = of.record.endpoint};
  SLUICE_ASSIGN(const auto none, in.apply(home));
  (void)none;
  made.setup = std::move(setup);
  return made;
}

}  // namespace

result<bool> may_be_adopted(store::store& in, const store::run_record& run, const plan& what) {
  // What is read again is known to the controller only.
  if (std::any_of(what.units.begin(), what.units.end(), [](const auto& unit) { return unit.refresh.has_value(); }))
    return false;
  return works(in, run, what);
}

result<adopted_run> adopt_run(store::store& in, const run_setup& of, std::vector<launched_instance> instances) {
  SLUICE_ASSIGN(auto made, look_up(in, of));
  made.instances = std::move(instances);
  return made;
}

std::optional<error> adoption::stands(const instance_stands& message) {
  said_[message.who] = message;
  const auto units = std::count_if(of_->instances.begin(), of_->instances.end(),
                                   [](const auto& one) { return one.who.instance != flow::instance_id::enumerator; });
  if (said_.size() < static_cast<std::size_t>(units)) return {};
  const auto any = [this](auto test) {
    return std::any_of(said_.begin(), said_.end(), [&](const auto& entry) { return test(entry.second); });
  };
  if (any([](const auto& one) { return one.drained; })) return cannot_adopt("it was being drained or paused");
  std::uint64_t rejected = 0;
  for (const auto& [who, one] : said_) rejected += one.rejected;
  // What was written, and not answered, can't be told from what was not written.
  if (rejected != of_->rejects)
    return cannot_adopt(std::to_string(of_->rejects) + " rejected rows are stored, and its units know of " +
                        std::to_string(rejected));
  return {};
}

void adoption::count_once(instance_finished& message) const {
  const auto said = said_.find(message.report.who);
  if (said == said_.end() || said->second.ended_in == 0) return;
  const auto counted = of_->setup->resume ? of_->setup->resume->epoch : 0;
  if (said->second.ended_in > counted) return;
  message.token.clear();
  message.rows = 0;
}

}  // namespace sluice::actors
