#include "engine/sinks/when_down/spilling_sink.hpp"

#include "engine/component/down_note.hpp"
#include "engine/component/interrupt_switch.hpp"
#include "engine/component/keeps_rows_waiting.hpp"
#include "engine/component/settles_later.hpp"
#include "engine/sinks/when_down/row_log.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>

namespace sluice::when_down {

namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

/// One commit loads for so long: the checkpoint waits for it.
constexpr auto most_loading = 5s;

bool is_down(const error& problem) { return problem.retry && problem.to_blame == blame::external; }

/// What a log waits between two tries must differ from what others wait.
std::uint64_t seed_of(const spill_rule& rule) { return std::hash<std::string>()(rule.run + rule.unit); }

class spilling_sink final : public sink, public may_be_down, public settles_later, public keeps_rows_waiting {
 public:
  spilling_sink(spill_rule rule, make_loader make)
      : rule_(std::move(rule)), make_(std::move(make)), log_(rule_.folder), waits_(rule_.retry, seed_of(rule_)) {}
  ~spilling_sink() override { loading_.connect(nullptr); }

  status open(std::uint32_t attempt) override {
    attempt_ = attempt;
    SLUICE_TRY(log_.make(rule_.run, stop_));
    // A target that does not fit the rows is refused now, if it can be asked.
    SLUICE_ASSIGN(const auto held, log_.lock(stop_));
    if (rule_.continues.empty()) SLUICE_TRY(log_.begin(rule_.run));
    SLUICE_TRY(count_waiting());
    return unless_down(connect());
  }

  status write(const batch& rows, row_errors&) override {
    if (rows.rows() == 0) return {};
    SLUICE_TRY(make_room(rows.bytes()));
    if (!writing_) {
      SLUICE_ASSIGN(writing_, segment_writer::create(log_.folder(), segment_name(), rule_.run));
    }
    return writing_->append(rows);
  }

  result<prepared_epoch> prepare(std::uint64_t epoch) override {
    segment made{.run = rule_.run, .epoch = epoch};
    if (writing_) {
      SLUICE_ASSIGN(made, writing_->finish(epoch));
    }
    writing_.reset();
    prepared_bytes_ += made.bytes;
    prepared_rows_ += made.rows;
    if (!made.file.empty()) prepared_.push_back(made.file);
    return prepared_epoch{
        {.loaded = made.rows, .bytes = static_cast<std::uint64_t>(made.bytes), .target = rule_.target},
        made.to_token()};
  }

  status commit(const std::string& token) override {
    SLUICE_ASSIGN(const auto what, segment::of_token(token));
    SLUICE_TRY(log_.make(rule_.run, stop_));
    SLUICE_ASSIGN(const auto held, log_.lock(stop_));
    SLUICE_TRY(log_.admit(what));
    if (std::erase(prepared_, what.file) > 0) prepared_rows_ -= std::min<std::uint64_t>(what.rows, prepared_rows_);
    prepared_bytes_ = std::max<std::int64_t>(prepared_bytes_ - what.bytes, 0);
    SLUICE_TRY(count_waiting());
    if (clock::now() < next_try_) return {};
    return unless_down(load(clock::now() + most_loading));
  }

  status settle() override {
    SLUICE_TRY(log_.make(rule_.run, stop_));
    SLUICE_ASSIGN(const auto held, log_.lock(stop_));
    auto done = load(clock::time_point::max());
    // What a segment that was loaded before had been staged as once more.
    if (done.ok()) return loader_ ? loader_->recover({}) : status();
    if (!is_down(done.problem())) return done;
    SLUICE_TRY(unless_down(done.problem()));
    SLUICE_ASSIGN(const auto left, log_.waiting());
    std::uint64_t rows = 0;
    for (const auto& one : left) rows += one.rows;
    auto why = std::move(done).problem();
    why.message = std::to_string(rows) + " rows wait on disk for " + rule_.target + ": " + why.message;
    return why;
  }

  status recover(const std::vector<std::string>& tokens) override {
    for (const auto& token : tokens) SLUICE_TRY(commit(token));
    return discard({});
  }

  status keep(const std::vector<std::string>& tokens) override {
    std::vector<segment> kept;
    for (const auto& token : tokens) {
      SLUICE_ASSIGN(kept.emplace_back(), segment::of_token(token));
    }
    return discard(kept);
  }

  void abort() noexcept override {
    writing_.reset();
    for (const auto& name : prepared_) {
      std::error_code ignored;
      std::filesystem::remove(log_.folder() + "/" + name, ignored);
    }
    prepared_.clear();
    drop_loader();
  }

  void interrupt() noexcept override {
    stop_.raise();
    loading_.interrupt();
  }

  [[nodiscard]] std::optional<down_state> down() const override { return down_.state(); }

  /// What was prepared and is about to be committed counts only while it can't be loaded at once, as with other sinks.
  [[nodiscard]] std::uint64_t waiting() const override {
    return waiting_rows_ + (down() ? prepared_rows_.load() : std::uint64_t{0});
  }

 private:
  std::string segment_name() {
    return "s_" + rule_.run + "_" + std::to_string(attempt_) + "_" + std::to_string(::getpid()) + "_" +
           std::to_string(++segments_);
  }

  status discard(const std::vector<segment>& kept) {
    if (!std::filesystem::exists(log_.folder())) return {};
    SLUICE_ASSIGN(const auto held, log_.lock(stop_));
    return log_.discard(rule_.run, kept);
  }

  /// Notes a system that is down, which is no failure here.
  status unless_down(status done) {
    if (done.ok() || !is_down(done.problem())) return done;
    down_.failed(done.problem().message);
    auto pause = waits_.next();
    if (!pause) pause = rule_.retry.max_backoff;
    next_try_ = clock::now() + *pause;
    return {};
  }

  void reached() {
    down_.reached();
    waits_.reset();
    next_try_ = {};
  }

  void drop_loader() noexcept {
    loading_.connect(nullptr);
    if (loader_) loader_->abort();
    loader_.reset();
  }

  /// The sink of the target, open. What it has left of an earlier try is removed first.
  status connect() {
    if (loader_) return {};
    SLUICE_ASSIGN(const auto id, log_.id());
    SLUICE_ASSIGN(const auto loaded, log_.loaded());
    SLUICE_ASSIGN(auto made, make_(id, loaded > 0));
    loader_ = std::move(made);
    loading_.connect(loader_.get());
    auto opened = [&]() -> status {
      SLUICE_TRY(loader_->recover({}));
      return loader_->open(attempt_);
    }();
    if (!opened.ok()) return drop_loader(), std::move(opened);
    reached();
    return {};
  }

  status count_waiting() {
    SLUICE_ASSIGN(const auto all, log_.waiting());
    SLUICE_ASSIGN(const auto begun, log_.begun());
    waiting_bytes_ = 0;
    std::uint64_t rows = 0;
    for (const auto& one : all) {
      waiting_bytes_ += one.bytes;
      if (one.number >= begun) rows += one.rows;
    }
    waiting_rows_ = rows;
    return {};
  }

  /// Loads what waits, segment by segment.
  status load(clock::time_point until) {
    SLUICE_ASSIGN(const auto all, log_.waiting());
    for (const auto& one : all) {
      if (stop_.raised()) return interrupted_error("loading rows that waited for their target");
      if (clock::now() >= until) break;
      auto done = connect();
      if (done.ok()) done = load(one);
      if (!done.ok()) return drop_loader(), std::move(done);
      reached();
      SLUICE_TRY(count_waiting());
    }
    return count_waiting();
  }

  status load(const waiting_segment& what) {
    SLUICE_TRY(read_segment(what, [this](const batch& rows) {
      row_errors refused;
      return loader_->write(rows, refused);
    }));
    SLUICE_ASSIGN(const auto made, loader_->prepare(what.number));
    SLUICE_TRY(loader_->commit(made.token));
    return log_.done(what);
  }

  /// Waits until the log has room for so many bytes. Only committed rows can be loaded to make room.
  status make_room(std::int64_t bytes) {
    for (;;) {
      const auto own = prepared_bytes_ + (writing_ ? writing_->bytes() : 0);
      if (waiting_bytes_ + own + bytes <= rule_.most_bytes) return {};
      if (waiting_bytes_ == 0)
        return external_error(
            "spill_full",
            "the rows since the last commit take more than when_down: { spill: " + std::to_string(rule_.most_bytes) +
                " } bytes on disk",
            "raise spill, or commit more often: run: { checkpoint: 10s }, and commit: checkpoint in the load unit");
      if (!stop_.sleep_until(next_try_)) return interrupted_error("waiting for room in the log of rows");
      SLUICE_ASSIGN(const auto held, log_.lock(stop_));
      SLUICE_TRY(unless_down(load(clock::now() + most_loading)));
    }
  }

  spill_rule rule_;
  make_loader make_;
  row_log log_;
  backoff waits_;
  interruption stop_;
  std::unique_ptr<sink> loader_;
  interrupt_switch<sink> loading_;
  std::unique_ptr<segment_writer> writing_;  ///< of the epoch that is being written
  std::vector<std::string> prepared_;        ///< files that nobody has committed yet
  std::int64_t prepared_bytes_ = 0;
  std::int64_t waiting_bytes_ = 0;  ///< of committed segments that are not loaded
  std::atomic<std::uint64_t> prepared_rows_ = 0;
  std::atomic<std::uint64_t> waiting_rows_ = 0;  ///< of those segments, as far as they belong to this run
  clock::time_point next_try_;
  std::uint32_t attempt_ = 0;
  std::uint64_t segments_ = 0;
  down_note down_;
};

}  // namespace

std::unique_ptr<sink> make_spilling_sink(spill_rule rule, make_loader make) {
  return std::make_unique<spilling_sink>(std::move(rule), std::move(make));
}

}  // namespace sluice::when_down
