#include "engine/formats/csv/reader.hpp"

#include "engine/component/opaque.hpp"
#include "engine/files/arriving_stream.hpp"
#include "engine/files/interruptible_stream.hpp"
#include "engine/formats/csv/batch_maker.hpp"
#include "engine/formats/csv/chunk_reader.hpp"
#include "engine/formats/csv/runaway.hpp"

#include <algorithm>
#include <deque>
#include <limits>
#include <optional>

namespace sluice::csv {

namespace {

constexpr char position_in_records = 'c';

/// How far a split has been read: where its first record begins, where the next one, and how many came before that.
struct place {
  std::int64_t begin = 0;
  std::int64_t at = 0;
  std::int64_t records = 0;
};

std::string position_of(const place& where) {
  return opaque_writer(position_in_records).number(where.begin).number(where.at).number(where.records).take();
}

/// None for an empty position.
result<std::optional<place>> place_of(const std::string& position) {
  if (position.empty()) return std::optional<place>();
  opaque_reader bytes(position, position_in_records);
  place where;
  where.begin = bytes.number();
  where.at = bytes.number();
  where.records = bytes.number();
  SLUICE_TRY(bytes.done("the position in CSV"));
  return std::optional(where);
}

/// Reads records from a start to an end, batch by batch.
class record_reader {
 public:
  record_reader(fetch from, const dialect& rules, find_record_end look, batch_maker make)
      : chunk_(std::move(from), rules, std::move(look)), make_(std::move(make)) {}

  status prepare() { return make_.prepare(); }
  void take_what_arrives() { chunk_.take_what_arrives(); }

  void start(std::int64_t begin, std::int64_t end) { go_on({.begin = begin, .at = begin}, end); }

  /// Starts behind what an earlier reader has given.
  void go_on(const place& from, std::int64_t end) {
    chunk_.start(from.at);
    make_.restart(from.records);
    record_ = 0;
    begin_ = from.begin;
    end_ = end;
    at_ = from.at;
    finished_ = false;
  }

  result<read_step> next() {
    read_step step;
    while (!finished_ && !step.rows.data) {
      if (record_ == chunk_.index().records()) {
        record_ = 0;
        if (chunk_.next_record() >= end_) {
          finish(chunk_.next_record());
          break;
        }
        SLUICE_ASSIGN(const bool more, chunk_.fill(end_));
        if (chunk_.runaway()) return make_.runaway(*chunk_.runaway());
        if (!more) {
          finish(chunk_.read_so_far());
          break;
        }
      }
      SLUICE_ASSIGN(step, make_.make(chunk_, record_, end_));
      const auto before = at_;
      at_ = start_of(record_);
      step.bytes = static_cast<std::uint64_t>(at_ - before);
      if (record_ < chunk_.index().records() && at_ >= end_) finish(at_);
      if (record_ == chunk_.index().records() && at_ >= end_) finish(at_);
    }
    step.end = finished_;
    step.position = position_of({.begin = begin_, .at = at_, .records = make_.records()});
    return step;
  }

  [[nodiscard]] bool finished() const { return finished_; }
  /// The start of the next record.
  [[nodiscard]] std::int64_t at() const { return at_; }
  /// The start of the first record that is not ours.
  [[nodiscard]] std::int64_t true_end() const { return true_end_; }
  [[nodiscard]] std::int64_t pending() const { return chunk_.pending(); }

 private:
  void finish(std::int64_t true_end) {
    finished_ = true;
    true_end_ = std::min(true_end, chunk_.read_so_far());
  }

  [[nodiscard]] std::int64_t start_of(std::size_t record) const {
    const auto& index = chunk_.index();
    if (record == 0) return at_;
    const auto next = chunk_.offset_of(index.ends()[index.record_ends()[record - 1]] + 1);
    return std::min(next, chunk_.read_so_far());
  }

  chunk_reader chunk_;
  batch_maker make_;
  std::size_t record_ = 0;  ///< the next one of the chunk
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
  std::int64_t at_ = 0;
  std::int64_t true_end_ = 0;
  bool finished_ = false;
};

/// Reads a split of a plain file. Where its true start is not known yet it starts at the first line end, keeps what it
/// makes, and hands it out once the start has proved right.
class split_part_reader final : public split_reader {
 public:
  split_part_reader(record_reader records, split piece, std::shared_ptr<split_chain> chain, std::size_t index,
                    std::string position)
      : records_(std::move(records)),
        piece_(std::move(piece)),
        chain_(std::move(chain)),
        index_(index),
        position_(std::move(position)) {}

  result<read_step> next() override {
    if (!started_) SLUICE_TRY(start());
    while (!proved_) {
      SLUICE_TRY(try_to_prove());
      if (proved_) break;
      made_.push_back(records_.next());
    }
    if (!made_.empty()) {
      auto step = std::move(made_.front());
      made_.pop_front();
      return step;
    }
    auto step = records_.next();
    if (records_.finished()) {
      chain_->report(index_, start_, records_.true_end());
    } else if (step.ok()) {
      chain_->report_so_far(index_, start_, records_.at());
    }
    return step;
  }

 private:
  status start() {
    started_ = true;
    SLUICE_TRY(records_.prepare());
    SLUICE_ASSIGN(const auto from, place_of(position_));
    if (from) {
      proved_ = true;
      start_ = from->begin;
      records_.go_on(*from, piece_.end);
      return {};
    }
    auto known = chain_->known_start(index_);
    if (!known && !chain_->guessing_pays()) {
      SLUICE_ASSIGN(known, chain_->find_start(index_));
    }
    proved_ = known.has_value();
    if (known) {
      start_ = *known;
    } else {
      SLUICE_ASSIGN(start_, guess_start());
    }
    records_.start(start_, piece_.end);
    return {};
  }

  /// The byte behind the first line end at or behind the byte before the split.
  result<std::int64_t> guess_start() const {
    std::uint8_t buffer[4096];
    SLUICE_ASSIGN(const auto file, chain_->file());
    for (auto at = piece_.begin - 1;;) {
      SLUICE_ASSIGN(const auto got, file->read_at(at, buffer, sizeof(buffer)));
      for (std::int64_t i = 0; i < got; ++i) {
        if (buffer[i] == '\n') return at + i + 1;
        if (buffer[i] != '\r') continue;
        std::uint8_t behind = 0;
        SLUICE_ASSIGN(const auto one, file->read_at(at + i + 1, &behind, 1));
        return at + i + (one == 1 && behind == '\n' ? 2 : 1);
      }
      at += got;
      if (got < static_cast<std::int64_t>(sizeof(buffer)) || at >= piece_.end) return at;
    }
  }

  status try_to_prove() {
    const bool failed = !made_.empty() && !made_.back().ok();
    // A record that goes on and on suggests that the guess fell into quotes.
    const bool enough = records_.finished() || failed || records_.pending() > piece_.end - piece_.begin;
    auto known = chain_->known_start(index_);
    if (!known && enough) {
      SLUICE_ASSIGN(known, chain_->find_start(index_));
    }
    if (!known) return {};
    proved_ = true;
    if (*known == start_) {
      if (records_.finished()) chain_->report(index_, start_, records_.true_end());
      return {};
    }
    chain_->guessed_wrong();
    made_.clear();
    start_ = *known;
    records_.start(start_, piece_.end);
    return {};
  }

  record_reader records_;
  split piece_;
  std::shared_ptr<split_chain> chain_;
  std::size_t index_;
  std::string position_;                ///< of an earlier reader; empty: from the begin
  std::deque<result<read_step>> made_;  ///< kept until the start is proved
  std::int64_t start_ = 0;
  bool started_ = false;
  bool proved_ = false;
};

/// Reads a stream to its end.
class whole_reader final : public split_reader {
 public:
  whole_reader(record_reader records, std::shared_ptr<byte_stream> from, std::int64_t data_begin,
               std::shared_ptr<passing_lines> lines, std::string position)
      : records_(std::move(records)),
        from_(std::move(from)),
        data_begin_(data_begin),
        lines_(std::move(lines)),
        position_(std::move(position)) {}

  result<read_step> next() override {
    if (!started_) {
      started_ = true;
      SLUICE_TRY(records_.prepare());
      SLUICE_TRY(start());
    }
    SLUICE_ASSIGN(auto step, records_.next());
    const auto taken = from_->consumed();
    step.bytes = static_cast<std::uint64_t>(taken - taken_);
    taken_ = taken;
    if (lines_) {
      for (const auto& record : step.rejected) lines_->keep(static_cast<std::int64_t>(record.offset));
      lines_->forget_before(records_.at());
    }
    return step;
  }

  void interrupt() noexcept override { interrupt_stream(*from_); }

 private:
  status start() {
    constexpr auto no_end = std::numeric_limits<std::int64_t>::max();
    SLUICE_ASSIGN(const auto from, place_of(position_));
    if (from) {
      // Nothing but the content leads to a place in what is packed.
      SLUICE_TRY(skip_bytes(*from_, from->at));
      taken_ = from_->consumed();
      records_.go_on(*from, no_end);
      return {};
    }
    SLUICE_TRY(skip());
    records_.start(data_begin_, no_end);
    return {};
  }

  status skip() {
    std::vector<std::uint8_t> buffer(64 * 1024);
    for (auto left = data_begin_; left > 0;) {
      SLUICE_ASSIGN(const auto got, from_->read(buffer.data(), std::min(left, std::ssize(buffer))));
      if (got == 0) break;
      if (lines_) lines_->pass(data_begin_ - left, buffer.data(), got);
      left -= got;
    }
    return {};
  }

  record_reader records_;
  std::shared_ptr<byte_stream> from_;
  std::int64_t data_begin_;
  std::shared_ptr<passing_lines> lines_;  ///< may be null
  std::string position_;                  ///< of an earlier reader; empty: from the begin
  std::int64_t taken_ = 0;
  bool started_ = false;
};

}  // namespace

std::unique_ptr<split_reader> read_split(read_plan plan, split piece, std::shared_ptr<split_chain> chain,
                                         std::size_t index, reader_questions ask, const std::string& position) {
  const auto rules = plan.rules.rules;
  // Open from the first read on, as long as the reader is there.
  fetch from = [chain, limit = ask.limit, open = std::shared_ptr<random_file>()](
                   std::int64_t at, std::uint8_t* into, std::int64_t size) mutable -> result<std::int64_t> {
    if (!open) {
      SLUICE_ASSIGN(open, chain->file());
    }
    return open->read_at(at, into, std::clamp<std::int64_t>(limit - at, 0, size));
  };
  find_record_end look = [from, rules](std::int64_t record) { return find_extent(from, rules, record); };
  record_reader records(std::move(from), rules, std::move(look), batch_maker(std::move(plan), piece, std::move(ask)));
  return std::make_unique<split_part_reader>(std::move(records), std::move(piece), std::move(chain), index, position);
}

std::unique_ptr<split_reader> read_whole(read_plan plan, split piece, std::unique_ptr<byte_stream> from,
                                         open_again again, std::int64_t data_begin, reader_questions ask,
                                         std::shared_ptr<passing_lines> lines, const std::string& position) {
  const auto rules = plan.rules.rules;
  std::shared_ptr<byte_stream> stream = std::move(from);
  const bool arriving = as_arriving(*stream) != nullptr;
  fetch next = [stream, lines](std::int64_t at, std::uint8_t* into, std::int64_t size) {
    auto got = read_arrived(*stream, into, size);
    if (lines && got.ok()) lines->pass(at, into, *got);
    return got;
  };
  find_record_end look;
  if (again)
    look = [again = std::move(again), rules](std::int64_t record) -> result<record_extent> {
      SLUICE_ASSIGN(const auto second, again());
      SLUICE_TRY(skip_bytes(*second, record));
      return find_extent([&](std::int64_t, std::uint8_t* into, std::int64_t size) { return second->read(into, size); },
                         rules, record);
    };
  record_reader records(std::move(next), rules, std::move(look),
                        batch_maker(std::move(plan), std::move(piece), std::move(ask)));
  if (arriving) records.take_what_arrives();
  return std::make_unique<whole_reader>(std::move(records), std::move(stream), data_begin, std::move(lines), position);
}

}  // namespace sluice::csv
