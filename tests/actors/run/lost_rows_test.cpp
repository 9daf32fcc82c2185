#include "actors/run/run.hpp"
#include "engine/plan/make_context.hpp"
#include "tests/support/planning.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>

using namespace sluice;
using store::run_state;

namespace {

/// Passes everything on but the first row.
class losing_emitter : public emitter {
 public:
  losing_emitter(emitter& to, bool& lost) : to_(to), lost_(lost) {}
  void emit(int port, batch rows) override {
    if (!lost_ && rows.rows() > 0) {
      lost_ = true;
      rows = rows.slice(1, rows.rows() - 1);
    }
    to_.emit(port, std::move(rows));
  }
  void reject(const batch& in, const row_errors& why) override { to_.reject(in, why); }
  void count_filtered(std::uint64_t rows) override { to_.count_filtered(rows); }
  void count_merged(std::uint64_t rows) override { to_.count_merged(rows); }
  void count_added(std::uint64_t rows) override { to_.count_added(rows); }
  void count_set_null(const std::string& column, std::uint64_t values) override { to_.count_set_null(column, values); }

 private:
  emitter& to_;
  bool& lost_;
};

/// A real transform that loses one row, where asked for. It never has enough: a unit that is stopped early (above a
/// limit) keeps rows by right, and says so instead of how many.
class losing : public transform {
 public:
  losing(std::unique_ptr<transform> real, bool lose) : real_(std::move(real)), lost_(!lose) {}
  [[nodiscard]] const std::vector<output_port>& outputs() const override { return real_->outputs(); }
  [[nodiscard]] bool needs_order() const override { return real_->needs_order(); }
  [[nodiscard]] bool keeps_order() const override { return real_->keeps_order(); }
  status process(int input, batch in, emitter& out) override {
    losing_emitter less(out, lost_);
    return real_->process(input, std::move(in), less);
  }
  status finish(int input, emitter& out) override {
    losing_emitter less(out, lost_);
    return real_->finish(input, less);
  }
  result<bool> resume(emitter& out) override {
    losing_emitter less(out, lost_);
    return real_->resume(less);
  }

 private:
  std::unique_ptr<transform> real_;
  bool lost_;
};

class counting_sink : public sink {
 public:
  status open(std::uint32_t) override { return {}; }
  status write(const batch& rows, row_errors&) override {
    report_.loaded += static_cast<std::uint64_t>(rows.rows());
    return {};
  }
  result<prepared_epoch> prepare(std::uint64_t) override { return prepared_epoch{report_, "-"}; }
  status commit(const std::string&) override { return {}; }
  status recover(const std::vector<std::string>&) override { return {}; }
  void abort() noexcept override {}

 private:
  sink_report report_;
};

/// Runs a component's example into sinks that only count; its units of that component lose a row where asked for.
actors::run_outcome run_example(const component_spec& spec, bool lose) {
  test::temporary_folder folder;
  auto made = testing::plan_text(spec.example);
  INFO(spec.name << "\n" << made.shown);
  REQUIRE(made.planned);
  auto setup = std::make_shared<actors::run_setup>();
  setup->run = "00000000-0000-7000-8000-000000000001";
  setup->what = std::make_shared<const plan>(*made.planned);
  setup->context =
      make_run_context(*made.read, {setup->run, std::filesystem::current_path().string(), folder.file("spill")});
  setup->record.id = setup->run;
  setup->record.created = 1;
  setup->rejects_path = folder.file("rejects.ndjson");
  setup->components = actors::planned_components();
  setup->components.make_sink = [](const plan&, int, const run_context&) {
    return result<std::unique_ptr<sink>>(std::make_unique<counting_sink>());
  };
  const bool alone = std::any_of(setup->what->units.begin(), setup->what->units.end(),
                                 [&](const auto& unit) { return unit.definition.component == spec.name; });
  setup->components.make_transform = [lose, name = alone ? spec.name : "steps"](const plan& of, int unit,
                                                                                const run_context& context) {
    auto real = make_transform(of, unit, context);
    if (!real.ok()) return real;
    const bool this_one = lose && of.units[static_cast<std::size_t>(unit)].definition.component == name;
    return result<std::unique_ptr<transform>>(std::make_unique<losing>(std::move(real).value(), this_one));
  };
  const auto store = store::open_sqlite(folder.file("state.db")).value();
  return actors::engine(store).run(setup);
}

}  // namespace

TEST_CASE("every kind of transform fails its run when it loses a row") {
  int tried = 0;
  for (const auto* one : components()) {
    // Statements become other transforms before anything runs.
    if (one->spec.kind != component_kind::transform || one->spec.name == "sql") continue;
    // Planning here knows no secrets.
    if (one->spec.example.find("${secret:") != std::string::npos) continue;
    ++tried;
    const auto good = run_example(one->spec, false);
    INFO(one->spec.name << ": " << good.cause.value_or(error{}).to_string());
    CHECK((good.state == run_state::succeeded || good.state == run_state::partial));
    CHECK(good.balanced);
    const auto bad = run_example(one->spec, true);
    CHECK(bad.state == run_state::failed);
    REQUIRE(bad.cause);
    CHECK(bad.cause->code == "rows_lost");
    CHECK(bad.cause->where.rfind("unit ", 0) == 0);
  }
  CHECK(tried > 5);
}

TEST_CASE("a join of any kind fails its run when it loses a row") {
  const std::string how = GENERATE(as<std::string>{}, "inner", "left", "right", "full", "semi", "anti", "cross");
  INFO(how);
  component_spec spec;
  spec.name = "join";
  spec.example = R"yaml(version: 1
pipeline: any-join
extract:
  orders:
    csv: { path: examples/data/shop/orders.csv }
    columns: [order_id, customer_id, amount]
  customers:
    csv: { path: examples/data/shop/customers.csv }
transform:
  joined:
    from: [orders, customers]
    join: { how: HOW }
load:
  show:
    from: joined
    stdout: {}
)yaml";
  const auto at = spec.example.find("HOW");
  spec.example.replace(at, 3, how == "cross" ? how : how + R"(, on: "orders.customer_id = customers.id")");
  const auto good = run_example(spec, false);
  INFO(good.cause.value_or(error{}).to_string());
  CHECK(good.state == run_state::succeeded);
  CHECK(good.balanced);
  const auto bad = run_example(spec, true);
  CHECK(bad.state == run_state::failed);
  REQUIRE(bad.cause);
  CHECK(bad.cause->code == "rows_lost");
  CHECK(bad.cause->where == "unit joined");
}
