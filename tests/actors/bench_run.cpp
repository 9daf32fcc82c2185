#include "tests/actors/bench_run.hpp"

#include "engine/component/may_block.hpp"
#include "engine/component/wants_last.hpp"
#include "engine/memory/manager.hpp"
#include "engine/values/positions.hpp"

#include <arrow/api.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace sluice::actors::testing {

namespace {

std::shared_ptr<arrow::Schema> number_schema() { return arrow::schema({arrow::field("n", arrow::int64())}); }

std::shared_ptr<arrow::RecordBatch> table_of(const std::vector<std::int64_t>& numbers) {
  arrow::Int64Builder builder;
  (void)builder.AppendValues(numbers);
  return arrow::RecordBatch::Make(number_schema(), static_cast<std::int64_t>(numbers.size()),
                                  {builder.Finish().ValueOrDie()});
}

class numbers_reader : public split_reader {
 public:
  numbers_reader(numbers of, std::uint32_t source, const split& piece, const std::string& position)
      : of_(std::move(of)),
        source_(source),
        piece_(piece),
        at_(position.empty() ? piece.begin : std::stoll(position)) {}

  result<read_step> next() override {
    if (of_.before_read) of_.before_read(piece_.id);
    read_step step;
    std::vector<std::int64_t> good;
    std::vector<position> positions;
    for (; at_ < piece_.end && step.records < static_cast<std::uint64_t>(of_.batch_rows); ++at_) {
      ++step.records;
      const auto offset = static_cast<std::uint64_t>(at_ - piece_.begin);
      if (at_ == of_.fails_at) return user_error("bad_number", "found " + std::to_string(at_), "write another one");
      if (at_ == of_.loses) continue;
      if (of_.bad.count(at_) > 0) {
        step.rejected.push_back({std::to_string(at_), offset, "bad_number", "n", "a bad number"});
        continue;
      }
      good.push_back(at_);
      positions.push_back({source_, piece_.id, static_cast<std::int64_t>(offset)});
    }
    step.bytes = step.records * 8;
    step.end = at_ >= piece_.end;
    step.position = std::to_string(at_);
    ++*of_.batches_read;
    step.rows.data = table_of(good);
    step.rows.positions = make_positions(std::ssize(positions), [&](std::int64_t row) {
                            return positions[static_cast<std::size_t>(row)];
                          }).value();
    return step;
  }

 private:
  numbers of_;
  std::uint32_t source_;
  split piece_;
  std::int64_t at_;
};

class numbers_source : public source {
 public:
  numbers_source(numbers of, std::uint32_t number) : of_(std::move(of)), number_(number) {}
  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return number_schema(); }
  result<std::vector<split>> discover() override {
    std::vector<split> all;
    for (std::uint32_t id = 0; id < of_.splits; ++id)
      all.push_back({id, "numbers-" + std::to_string(id), id * of_.rows, (id + 1) * of_.rows, of_.rows * 8});
    return all;
  }
  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override {
    return std::unique_ptr<split_reader>(std::make_unique<numbers_reader>(of_, number_, piece, position));
  }
  std::uint64_t line_of(const split&, std::uint64_t offset) override { return offset + 1; }

 private:
  numbers of_;
  std::uint32_t number_;
};

class shelf_sink : public sink {
 public:
  explicit shelf_sink(std::shared_ptr<shelf> to) : to_(std::move(to)) {}
  status open(std::uint32_t) override {
    if (to_->before_open) to_->before_open();
    return call("open");
  }
  status write(const batch& rows, row_errors& refused) override {
    if (to_->before_write) to_->before_write();
    const std::lock_guard guard(to_->lock);
    if (to_->fails_at == "write") return external_error("disk_full", "cannot write");
    const auto all = values(rows);
    for (std::size_t at = 0; at < all.size(); ++at) {
      if (to_->refuses.count(all[at]) > 0) {
        refused.push_back({static_cast<std::int64_t>(at), "refused", "n", "the target refuses it"});
        continue;
      }
      if (all[at] == to_->loses) continue;
      to_->rows.push_back(all[at]);
      ++report_.loaded;
    }
    return {};
  }
  result<prepared_epoch> prepare(std::uint64_t) override {
    SLUICE_TRY(call("prepare"));
    report_.target = "shelf";
    return prepared_epoch{report_, "shelf"};
  }
  status commit(const std::string&) override {
    if (to_->before_commit) to_->before_commit();
    SLUICE_TRY(call("commit"));
    return to_->commits ? to_->commits() : status{};
  }
  status recover(const std::vector<std::string>&) override { return call("recover"); }
  void abort() noexcept override {
    (void)call("abort");
    const std::lock_guard guard(to_->lock);
    to_->rows.clear();
  }

 private:
  status call(const std::string& name) {
    const std::lock_guard guard(to_->lock);
    to_->calls.push_back(name);
    if (to_->fails_at == name) return external_error("disk_full", "cannot " + name);
    return {};
  }
  std::shared_ptr<shelf> to_;
  sink_report report_;
};

class script_transform : public transform, public wants_last, public may_block {
 public:
  script_transform(script what, std::size_t ports) : what_(std::move(what)), outputs_(ports) {
    for (auto& port : outputs_) port.schema = number_schema();
  }
  [[nodiscard]] const std::vector<output_port>& outputs() const override { return outputs_; }
  [[nodiscard]] bool keeps_order() const override { return what_.keeps_order; }
  [[nodiscard]] bool needs_order() const override { return what_.needs_order; }
  [[nodiscard]] bool next_call_may_block() const override { return what_.may_block; }
  [[nodiscard]] int last_input() const override { return what_.wants_last; }
  status process(int input, batch in, emitter& out) override { return what_.process(input, std::move(in), out); }
  status finish(int input, emitter& out) override { return what_.finish ? what_.finish(input, out) : status(); }
  result<bool> resume(emitter& out) override { return what_.resume ? what_.resume(out) : result<bool>(false); }
  [[nodiscard]] bool satisfied() const override { return what_.satisfied && what_.satisfied(); }
  [[nodiscard]] std::uint64_t held() const override { return what_.held ? what_.held().size() : 0; }
  result<std::vector<state_part>> state(key_groups) override {
    if (held() == 0) return std::vector<state_part>{};
    return std::vector<state_part>{{"held", table_of(what_.held())}};
  }
  status restore(const std::vector<state_part>& parts) override {
    for (const auto& part : parts) what_.take_back(values({.data = part.rows, .positions = nullptr, .order = {}}));
    return {};
  }

 private:
  script what_;
  std::vector<output_port> outputs_;
};

std::shared_ptr<arrow::Schema> reject_columns() {
  return arrow::schema({arrow::field("unit", arrow::utf8()), arrow::field("code", arrow::utf8()),
                        arrow::field("record", arrow::utf8()), arrow::field("line", arrow::int64())});
}

}  // namespace

void gate::open() {
  const std::lock_guard guard(lock_);
  open_ = true;
  changed_.notify_all();
}
void gate::pass() {
  std::unique_lock guard(lock_);
  ++waiting_;
  changed_.notify_all();
  changed_.wait(guard, [&] { return open_; });
  --waiting_;
}
void gate::await_waiting() {
  std::unique_lock guard(lock_);
  changed_.wait(guard, [&] { return waiting_ > 0; });
}

bool called(shelf& to, const std::string& name) {
  const std::lock_guard guard(to.lock);
  return std::find(to.calls.begin(), to.calls.end(), name) != to.calls.end();
}

void open_before_reading(shelf& to, numbers& of) {
  auto opening = std::make_shared<gate>();
  to.before_open = [=] { opening->open(); };
  of.before_read = [=](std::uint32_t) { opening->pass(); };
}

std::vector<std::int64_t> shelf::sorted() const {
  auto all = rows;
  std::sort(all.begin(), all.end());
  return all;
}

bench::bench(std::shared_ptr<store::store> in)
    : store_(in ? std::move(in) : store::open_sqlite(folder_.file("state.db")).value()) {
  plan_.definition.name = "test";
}

planned_unit& bench::unit(unit_role role, const std::string& name) {
  auto& made = plan_.units.emplace_back();
  made.definition.role = role;
  made.definition.name = name;
  made.want_positions = true;
  return made;
}

int bench::source(const std::string& name, numbers of, int parallelism) {
  const auto index = static_cast<int>(plan_.units.size());
  auto& made = unit(unit_role::extract, name);
  made.parallelism = parallelism;
  made.source_number = static_cast<std::uint32_t>(sources_.size());
  made.outputs.push_back({"", number_schema()});
  sources_.emplace(index, std::move(of));
  return index;
}

int bench::transform(const std::string& name, std::function<script()> make, int parallelism, int outputs) {
  const auto index = static_cast<int>(plan_.units.size());
  auto& made = unit(unit_role::transform, name);
  made.parallelism = parallelism;
  for (int port = 0; port < outputs; ++port)
    made.outputs.push_back({outputs == 1 ? "" : "p" + std::to_string(port), number_schema()});
  transforms_[index] = [make = std::move(make), outputs] {
    return std::make_unique<script_transform>(make(), static_cast<std::size_t>(outputs));
  };
  return index;
}

int bench::add(planned_unit made, std::function<std::unique_ptr<sluice::transform>()> make) {
  const auto index = static_cast<int>(plan_.units.size());
  plan_.units.push_back(std::move(made));
  transforms_[index] = std::move(make);
  return index;
}

int bench::sink(const std::string& name, std::shared_ptr<shelf> to) {
  const auto index = static_cast<int>(plan_.units.size());
  unit(unit_role::load, name);
  sinks_[index] = std::move(to);
  return index;
}

planned_edge& bench::edge(int from, int to, edge_kind kind, int from_port, int to_input) {
  auto& made = plan_.edges.emplace_back();
  made.from_unit = from;
  made.to_unit = to;
  made.kind = kind;
  made.from_port = from_port;
  made.to_input = to_input;
  made.ordered = kind == edge_kind::forward;
  const auto& sender = plan_.units[static_cast<std::size_t>(from)];
  auto& inputs = plan_.units[static_cast<std::size_t>(to)].inputs;
  inputs.resize(std::max(inputs.size(), static_cast<std::size_t>(to_input) + 1));
  inputs[static_cast<std::size_t>(to_input)] = {sender.definition.name,
                                                sender.outputs[static_cast<std::size_t>(from_port)].schema};
  return made;
}

int bench::rejects_port(int index) {
  auto& made = plan_.units[static_cast<std::size_t>(index)];
  made.rejects_port = static_cast<int>(made.outputs.size());
  made.outputs.push_back({"rejects", reject_columns()});
  return *made.rejects_port;
}

std::shared_ptr<const run_setup> bench::setup() {
  auto made = std::make_shared<run_setup>();
  const auto digits = std::to_string(++runs_);
  made->run = "00000000-0000-7000-8000-" + std::string(12 - digits.size(), '0') + digits;
  made->what = std::make_shared<const plan>(plan_);
  auto context = std::make_shared<run_context>();
  context->run_id = made->run;
  context->memory = std::make_shared<memory::manager>(1 << 28);
  made->context = std::move(context);
  made->record.id = made->run;
  made->record.pipeline = plan_.definition.name;
  made->record.created = 1;
  made->rejects_path = folder_.file("rejects.ndjson");
  made->credit = credit;
  made->commit_patience = std::chrono::milliseconds(300);
  made->components.make_source = [sources = sources_](const plan& of, int index, const run_context&) {
    const auto number = of.units[static_cast<std::size_t>(index)].source_number;
    return result<std::unique_ptr<sluice::source>>(std::make_unique<numbers_source>(sources.at(index), number));
  };
  made->components.make_transform = [transforms = transforms_](const plan&, int index, const run_context&) {
    return result<std::unique_ptr<sluice::transform>>(transforms.at(index)());
  };
  made->components.make_sink = [sinks = sinks_](const plan&, int index, const run_context&) {
    return result<std::unique_ptr<sluice::sink>>(std::make_unique<shelf_sink>(sinks.at(index)));
  };
  return made;
}

run_outcome bench::run(const run_callbacks& callbacks) { return engine(store_).run(setup(), callbacks); }

std::vector<std::string> bench::events(const std::string& run) const {
  std::vector<std::string> types;
  const auto found = store_->events(0, run, 1000).value();
  for (const auto& one : found) types.push_back(one.type);
  return types;
}

script pass_on() {
  script made;
  made.process = [](int, batch in, emitter& out) {
    out.emit(0, std::move(in));
    return status();
  };
  return made;
}

script one_behind() {
  auto held = std::make_shared<std::vector<std::int64_t>>();
  auto like = std::make_shared<batch>();
  const auto give = [held, like](emitter& out) {
    if (!held->empty()) out.emit(0, with_values(*like, std::exchange(*held, {})));
  };
  script made;
  made.keeps_order = false;
  made.process = [held, like, give](int, batch in, emitter& out) {
    if (in.rows() == 0) return status();
    if (!like->data) *like = in;
    give(out);
    *held = values(in);
    *like = std::move(in);
    return status();
  };
  made.finish = [give](int, emitter& out) { return give(out), status(); };
  made.held = [held] { return *held; };
  made.take_back = [held, like](std::vector<std::int64_t> all) {
    *held = std::move(all);
    like->data = table_of(*held);
  };
  return made;
}

std::vector<std::int64_t> values(const batch& of) {
  const auto& column = static_cast<const arrow::Int64Array&>(*of.data->column(0));
  return {column.raw_values(), column.raw_values() + column.length()};
}

batch with_values(const batch& like, const std::vector<std::int64_t>& all) {
  auto made = like.with(table_of(all));
  made.positions = nullptr;
  return made;
}

std::vector<std::int64_t> up_to(std::int64_t n) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::string why(const actors::run_outcome& outcome) { return outcome.cause.value_or(error{}).to_string(); }

}  // namespace sluice::actors::testing
