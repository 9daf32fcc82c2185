#include "engine/component/component.hpp"
#include "engine/component/interruption.hpp"
#include "engine/values/quantities.hpp"

#include <chrono>
#include <utility>

namespace sluice {

namespace {

using clock = std::chrono::steady_clock;

/// Drops all rows and counts them, on wish slowly: then it blocks its I/O thread as a slow disk would.
class blackhole : public sink {
 public:
  blackhole(double rows_per_second, std::int64_t delay_microseconds)
      : rate_(rows_per_second), delay_(std::chrono::microseconds(delay_microseconds)) {}

  status open(std::uint32_t) override { return {}; }

  status write(const batch& rows, row_errors&) override {
    if (rate_ > 0) {
      if (written_ == 0) begun_ = clock::now();
      const auto seconds = static_cast<double>(written_ + static_cast<std::uint64_t>(rows.rows())) / rate_;
      (void)stopped_.sleep_until(begun_ +
                                 std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(seconds)));
    }
    if (delay_.count() > 0) (void)stopped_.sleep_until(clock::now() + delay_);
    written_ += static_cast<std::uint64_t>(rows.rows());
    return {};
  }

  result<prepared_epoch> prepare(std::uint64_t) override {
    return prepared_epoch{{.loaded = written_ - std::exchange(prepared_, written_), .target = "blackhole"}, "-"};
  }
  status commit(const std::string&) override { return {}; }
  status recover(const std::vector<std::string>&) override { return {}; }
  void abort() noexcept override {}
  void interrupt() noexcept override { stopped_.raise(); }

 private:
  double rate_;
  std::chrono::microseconds delay_;
  clock::time_point begun_;
  interruption stopped_;
  std::uint64_t written_ = 0;
  std::uint64_t prepared_ = 0;  ///< of them in earlier epochs
};

error fault(std::string message, std::string hint, std::string path) {
  auto problem = user_error("invalid_option", std::move(message), std::move(hint));
  problem.path = std::move(path);
  return problem;
}

std::unique_ptr<sink> make(const sink_request& request, diagnostics& faults) {
  const auto before = faults.size();
  double rate = 0;
  if (request.own.is_object() && request.own.contains("rate") && request.own["rate"].is_number()) {
    rate = request.own["rate"].get<double>();
    if (!(rate > 0)) faults.push_back(fault("rate must be above 0", "rate: 1000", "/blackhole/rate"));
  }
  std::int64_t delay = 0;
  if (request.own.is_object() && request.own.contains("delay") && request.own["delay"].is_string()) {
    auto parsed = parse_duration(request.own["delay"].get<std::string>());
    if (parsed.ok() && *parsed >= 0)
      delay = *parsed;
    else
      faults.push_back(fault("delay must be a duration", "delay: 10ms", "/blackhole/delay"));
  }
  if (faults.size() > before) return nullptr;
  return std::make_unique<blackhole>(rate, delay);
}

component_spec spec() {
  return {
      .name = "blackhole",
      .kind = component_kind::sink,
      .summary = "Counts rows and discards them, for tests and measurements",
      .description =
          "With `rate` or `delay` it acts as a slow target, so that back-pressure can be observed and tested.",
      .value =
          {.form = shape::object,
           .help = "no options, or how slow it is",
           .elements = {{.name = "rate", .form = shape::number, .help = "maximum rows per second (default: no limit)"},
                        {.name = "delay", .form = shape::duration, .help = "pause before each batch (default: none)"}}},
      .law = "in = loaded",
      .example = R"yaml(version: 1
pipeline: blackhole-example
extract:
  numbers:
    generate: { rows: 100000, columns: { id: sequence } }
load:
  nowhere:
    from: numbers
    blackhole: { delay: 1ms }
)yaml",
      .promise = delivery::idempotent,
      .modes = {"replace"},
      .runs = locality::anywhere,
  };
}

}  // namespace

const component& blackhole_sink() {
  static const component made = {.spec = spec(), .make_sink = make};
  return made;
}

}  // namespace sluice
