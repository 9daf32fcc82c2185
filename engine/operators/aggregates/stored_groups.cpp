#include "engine/operators/aggregates/stored_groups.hpp"

#include "engine/operators/held_state.hpp"
#include "engine/operators/keys/key_hash.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace sluice::aggregates {

namespace {

constexpr int bits = 4;  // of the hash for each division, from the top
constexpr std::uint64_t parts = std::uint64_t{1} << bits;
constexpr int most_depth = 64 / bits;
constexpr std::int64_t most_buffered = std::int64_t{8} << 20;
constexpr std::int64_t least_of_a_pass = std::int64_t{1} << 20;  // one takes a third of it for a few groups
constexpr std::int64_t most_in_a_file = std::int64_t{16} << 30;
constexpr const char* rows_part = "spilled";
constexpr const char* groups_part = "stored";
constexpr const char* distinct_part = "stored_distinct";  // with the number of the state behind it

std::uint64_t width_at(int depth) { return depth >= most_depth ? 1 : std::uint64_t{1} << (64 - bits * depth); }

constexpr std::uint8_t given_bit = 1, changed_bit = 2;

std::shared_ptr<arrow::RecordBatch> with_facts(const arrow::RecordBatch& groups,
                                               const std::vector<stored_groups::facts>& about) {
  std::vector<std::uint8_t> flags;
  flags.reserve(about.size());
  for (const auto& one : about)
    flags.push_back(static_cast<std::uint8_t>((one.given ? given_bit : 0) | (one.changed ? changed_bit : 0)));
  auto columns = groups.columns();
  columns.push_back(std::make_shared<arrow::UInt8Array>(std::ssize(about), arrow::Buffer::FromVector(flags)));
  return held::unnamed(groups.num_rows(), std::move(columns));
}

/// Takes the last column off again.
result<std::shared_ptr<arrow::RecordBatch>> without_facts(const arrow::RecordBatch& rows,
                                                          std::vector<stored_groups::facts>& about) {
  const auto last = rows.num_columns() - 1;
  if (last < 0 || rows.column(last)->type_id() != arrow::Type::UINT8) return held::foreign(groups_part);
  const auto flags = std::static_pointer_cast<arrow::UInt8Array>(rows.column(last));
  for (std::int64_t row = 0; row < flags->length(); ++row)
    about.push_back({.given = (flags->Value(row) & given_bit) != 0, .changed = (flags->Value(row) & changed_bit) != 0});
  SLUICE_ASSIGN_ARROW(auto made, rows.RemoveColumn(last), "read groups");
  return made;
}

batch some_of(const batch& rows, const std::vector<std::int32_t>& chosen) {
  return take_rows(rows, arrow::Int32Array(std::ssize(chosen), arrow::Buffer::Wrap(chosen)));
}

}  // namespace

stored_groups::stored_groups(const aggregation& what, const run_context& of, const std::string& unit)
    : what_(what), context_(of), unit_(unit), buffers_(of.memory, unit), memory_(of.memory, unit) {
  for (std::uint64_t number = 0; number < parts; ++number) partitions_.emplace(number * width_at(1), partition());
}

result<stored_groups::block> stored_groups::write(const batch& rows) {
  if (!file_ || file_->bytes_written() > most_in_a_file) file_ = std::make_shared<memory::spill_file>(context_, unit_);
  SLUICE_ASSIGN(auto where, file_->write(rows));
  return block{file_, std::move(where)};
}

void stored_groups::drop(const some_groups& what) {
  drop(what.groups);
  for (const auto& one : what.distinct)
    if (one) drop(*one);
}

// Instances have ranges of the hash that placed the rows: another one spreads them over the partitions of each.
result<std::vector<std::uint64_t>> stored_groups::hashes_of(const arrow::ArrayVector& keys, std::int64_t count) const {
  if (keys.empty()) return std::vector<std::uint64_t>(static_cast<std::size_t>(count));
  SLUICE_ASSIGN(auto hashes, flow::hash_keys(keys, count));
  for (auto& hash : hashes) hash *= 0x9E3779B97F4A7C15U;
  return hashes;
}

arrow::ArrayVector stored_groups::keys_of(const arrow::RecordBatch& rows) const {
  const auto& columns = rows.columns();
  return {columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(what_.key_types.size())};
}

// -- rows that wait

status stored_groups::add(const group_pass::evaluated_rows& rows) {
  auto columns = rows.keys;
  columns.insert(columns.end(), rows.inputs.begin(), rows.inputs.end());
  held::place_columns places;
  for (std::int64_t row = 0; row < rows.rows; ++row)
    places.add(rows.order, rows.row_numbers != nullptr ? rows.row_numbers[row] : static_cast<std::uint32_t>(row));
  SLUICE_TRY(places.append_to(columns));
  batch all;
  all.data = held::unnamed(rows.rows, std::move(columns));
  waiting_ += static_cast<std::uint64_t>(rows.rows);
  return add_rows(all);
}

status stored_groups::add_rows(const batch& rows) {
  SLUICE_ASSIGN(const auto hashes, hashes_of(keys_of(*rows.data), rows.rows()));
  std::map<std::uint64_t, std::vector<std::int32_t>> chosen;
  for (std::size_t row = 0; row < hashes.size(); ++row)
    chosen[find(hashes[row])->first].push_back(static_cast<std::int32_t>(row));
  for (const auto& [begin, some] : chosen) {
    auto part = some_of(rows, some);
    buffered_bytes_ += part.bytes();
    partitions_.at(begin).buffered.push_back(std::move(part));
  }
  buffers_.take(buffered_bytes_);
  return buffered_bytes_ < std::min(most_buffered, context_.memory->least()) ? status() : write_buffered();
}

status stored_groups::write_buffered() {
  for (auto& [begin, one] : partitions_) {
    if (one.buffered.empty()) continue;
    std::vector<std::shared_ptr<arrow::RecordBatch>> pieces;
    for (const auto& rows : one.buffered) pieces.push_back(rows.data);
    batch whole;
    SLUICE_ASSIGN_ARROW(whole.data, arrow::ConcatenateRecordBatches(pieces), "collect rows to spill");
    SLUICE_ASSIGN(auto written, write(whole));
    one.rows.push_back(std::move(written));
    one.buffered.clear();
  }
  buffered_bytes_ = 0;
  buffers_.take(0);
  return {};
}

// -- groups

status stored_groups::take(group_pass& from, const std::vector<facts>& about) {
  for (const auto& one : about) fresh_ += one.given ? 0 : 1;
  return put(from, about);
}

/// Writes all groups of a pass into their partitions.
status stored_groups::put(group_pass& from, const std::vector<facts>& about) {
  std::map<std::uint64_t, std::vector<std::uint32_t>> chosen;
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t begin = 0; begin < from.size(); begin += numbers.size()) {
    numbers.resize(std::min<std::size_t>(target_batch_rows, from.size() - begin));
    std::iota(numbers.begin(), numbers.end(), begin);
    SLUICE_ASSIGN(const auto keys, from.keys(numbers));
    SLUICE_ASSIGN(const auto hashes, hashes_of(keys, std::ssize(numbers)));
    for (std::size_t at = 0; at < numbers.size(); ++at) chosen[find(hashes[at])->first].push_back(numbers[at]);
  }
  for (const auto& [begin, groups] : chosen) {
    auto& to = partitions_.at(begin);
    for (std::size_t at = 0; at < groups.size(); at += target_batch_rows) {
      const auto end = std::min<std::size_t>(at + target_batch_rows, groups.size());
      const std::vector<std::uint32_t> some(groups.begin() + static_cast<std::ptrdiff_t>(at),
                                            groups.begin() + static_cast<std::ptrdiff_t>(end));
      SLUICE_ASSIGN(auto saved, from.save(some));
      std::vector<facts> known;
      for (const auto group : some) {
        known.push_back(about[group]);
        to.changed = to.changed || about[group].changed;
      }
      batch rows;
      rows.data = with_facts(*saved.groups, known);
      some_groups written;
      SLUICE_ASSIGN(written.groups, write(rows));
      for (auto& distinct : saved.distinct) {
        written.distinct.emplace_back();
        if (!distinct) continue;
        rows.data = std::move(distinct);
        SLUICE_ASSIGN(auto values, write(rows));
        written.distinct.back() = std::make_shared<block>(std::move(values));
      }
      to.groups.push_back(std::move(written));
    }
  }
  return {};
}

/// Reads states back, and adds what is known of their groups to `about`.
result<group_pass::saved> stored_groups::saved_of(const some_groups& from, std::vector<facts>& about) const {
  SLUICE_ASSIGN(auto rows, read(from.groups));
  group_pass::saved made;
  SLUICE_ASSIGN(made.groups, without_facts(*rows.data, about));
  for (const auto& one : from.distinct) {
    made.distinct.emplace_back();
    if (!one) continue;
    SLUICE_ASSIGN(auto values, read(*one));
    made.distinct.back() = std::move(values.data);
  }
  return made;
}

status stored_groups::load(const some_groups& from, group_pass& to, std::vector<facts>& about) const {
  SLUICE_ASSIGN(const auto saved, saved_of(from, about));
  return to.load(saved);
}

// -- at a barrier

void stored_groups::start() {
  due_.clear();
  for (const auto& [begin, one] : partitions_)
    if (one.due()) due_.push_back(begin);
}

result<bool> stored_groups::work(const owner& of) {
  if (!open_) {
    if (due_.empty()) return false;
    SLUICE_TRY(open_next());
    return true;
  }
  auto& now = *open_;
  if (!now.what.groups.empty()) {
    SLUICE_TRY(load(now.what.groups.front(), *now.pass, now.about));
    drop(now.what.groups.front());
    now.what.groups.pop_front();
    SLUICE_TRY(keep_within_memory());
    return true;
  }
  if (!now.what.rows.empty()) {
    SLUICE_ASSIGN(const auto rows, read(now.what.rows.front()));
    drop(now.what.rows.front());
    now.what.rows.pop_front();
    SLUICE_TRY(take_rows_in(rows, of));
    SLUICE_TRY(keep_within_memory());
    return true;
  }
  return give_some(of);
}

status stored_groups::keep_within_memory() {
  const auto bytes = open_->pass->bytes();
  if (memory_.try_resize(bytes)) return {};
  if (bytes < std::max(2 * context_.memory->least(), least_of_a_pass)) return memory_.take(bytes), status();
  // One group can't be divided.
  if (open_->what.depth == most_depth || open_->pass->size() == 1) return memory_.resize(bytes);
  return divide();
}

status stored_groups::open_next() {
  SLUICE_TRY(write_buffered());
  open_ = std::make_unique<open_partition>();
  open_->begin = due_.back();
  due_.pop_back();
  auto& stored = partitions_.at(open_->begin);
  open_->what = std::exchange(stored, partition{.depth = stored.depth});
  SLUICE_ASSIGN(open_->pass, group_pass::make(what_, context_, unit_));
  return {};
}

status stored_groups::take_rows_in(const batch& rows, const owner& of) {
  auto& now = *open_;
  const auto keys = static_cast<std::ptrdiff_t>(what_.key_types.size());
  const auto own = keys + std::ssize(what_.inputs);
  const held::places_read places(*rows.data, static_cast<int>(own));
  std::vector<std::uint32_t> numbers;
  for (std::int64_t begin = 0, end = 0; begin < rows.rows(); begin = end) {
    end = places.end_of_batch(begin);
    numbers.clear();
    for (auto row = begin; row < end; ++row) numbers.push_back(places.row(row));
    const auto some = rows.data->Slice(begin, end - begin)->columns();
    const auto before = now.pass->size();
    SLUICE_TRY(now.pass->add({.keys = {some.begin(), some.begin() + keys},
                              .inputs = {some.begin() + keys, some.begin() + own},
                              .rows = end - begin,
                              .order = places.key(begin),
                              .row_numbers = numbers.data()}));
    now.about.resize(now.pass->size());
    for (const auto group : now.pass->last_groups()) now.about[group].changed = true;
    fresh_ += now.pass->size() - before;
    waiting_ -= static_cast<std::uint64_t>(end - begin);
    of.merged(now.pass->merged());
  }
  return {};
}

/// Puts what was read, and what was not, into sixteen partitions in the place of one.
status stored_groups::divide() {
  const auto now = std::move(open_);
  const auto depth = now->what.depth + 1;
  const auto part_at = [&](std::uint64_t part) { return now->begin + part * width_at(depth); };
  for (std::uint64_t part = 0; part < parts; ++part) partitions_[part_at(part)] = partition{.depth = depth};
  SLUICE_TRY(put(*now->pass, now->about));
  now->pass.reset();
  memory_.take(0);
  for (const auto& one : now->what.groups) {
    SLUICE_ASSIGN(const auto pass, group_pass::make(what_, context_, unit_));
    std::vector<facts> about;
    SLUICE_TRY(load(one, *pass, about));
    drop(one);
    SLUICE_TRY(put(*pass, about));
  }
  for (const auto& one : now->what.rows) {
    SLUICE_ASSIGN(const auto rows, read(one));
    drop(one);
    SLUICE_TRY(add_rows(rows));
  }
  for (std::uint64_t part = 0; part < parts; ++part)
    if (partitions_.at(part_at(part)).due()) due_.push_back(part_at(part));
  return {};
}

result<bool> stored_groups::give_some(const owner& of) {
  auto& now = *open_;
  if (!std::exchange(now.taken_in, true)) {
    for (std::uint32_t group = 0; group < now.about.size(); ++group)
      if (now.about[group].changed) now.changed.push_back(group);
  }
  const auto count = std::min<std::size_t>(now.changed.size() - now.given, target_batch_rows);
  if (count == 0) {
    SLUICE_TRY(close_open());
    return true;
  }
  const std::span<const std::uint32_t> groups(now.changed.data() + now.given, count);
  now.given += count;
  std::uint64_t again = 0;
  for (const auto group : groups) {
    again += now.about[group].given ? 1 : 0;
    now.about[group] = {.given = true, .changed = false};
  }
  fresh_ -= count - again;
  SLUICE_TRY(of.give(*now.pass, groups, again));
  return true;
}

status stored_groups::close_open() {
  const auto now = std::move(open_);
  SLUICE_TRY(put(*now->pass, now->about));
  memory_.take(0);
  return {};
}

// -- checkpoints

status stored_groups::hand_out(key_groups of, const spilled_state::part_taker& take) {
  const auto give_rows = [&](const batch& rows) -> status {
    SLUICE_ASSIGN(const auto chosen, held::in_groups(of, keys_of(*rows.data), rows.rows()));
    return chosen.empty() ? status() : take({rows_part, some_of(rows, chosen).data});
  };
  for (const auto& [begin, one] : partitions_) {
    for (const auto& groups : one.groups) {
      std::vector<facts> about;
      SLUICE_ASSIGN(auto saved, saved_of(groups, about));
      if (!of.all()) {
        SLUICE_ASSIGN(const auto rows, held::in_groups(of, keys_of(*saved.groups), saved.groups->num_rows()));
        if (rows.empty()) continue;
        SLUICE_ASSIGN(auto pass, group_pass::make(what_, context_, unit_));
        SLUICE_TRY(pass->load(saved));
        SLUICE_ASSIGN(saved, pass->save(std::vector<std::uint32_t>(rows.begin(), rows.end())));
        std::vector<facts> chosen;
        chosen.reserve(rows.size());
        for (const auto row : rows) chosen.push_back(about[static_cast<std::size_t>(row)]);
        about = std::move(chosen);
      }
      for (std::size_t at = 0; at < saved.distinct.size(); ++at)
        if (saved.distinct[at]) SLUICE_TRY(take({distinct_part + std::to_string(at), saved.distinct[at]}));
      SLUICE_TRY(take({groups_part, with_facts(*saved.groups, about)}));
    }
    for (const auto& each : one.rows) {
      SLUICE_ASSIGN(const auto rows, read(each));
      SLUICE_TRY(give_rows(rows));
    }
    for (const auto& rows : one.buffered) SLUICE_TRY(give_rows(rows));
  }
  return {};
}

status stored_groups::take_in(const state_part& part) {
  batch rows;
  rows.data = part.rows;
  if (part.name == rows_part) {
    const auto own = what_.key_types.size() + what_.inputs.size();
    if (part.rows->num_columns() != static_cast<int>(own) + 4) return held::foreign(part.name);
    waiting_ += static_cast<std::uint64_t>(part.rows->num_rows());
    return add_rows(rows);
  }
  // Distinct values stand before the groups that they are of.
  distinct_taken_.resize(what_.states.size());
  for (std::size_t at = 0; at < distinct_taken_.size(); ++at)
    if (part.name == distinct_part + std::to_string(at)) return distinct_taken_[at] = part.rows, status();
  if (part.name != groups_part) return held::foreign(part.name);
  std::vector<facts> about;
  group_pass::saved saved{.groups = nullptr, .distinct = std::exchange(distinct_taken_, {})};
  SLUICE_ASSIGN(saved.groups, without_facts(*part.rows, about));
  SLUICE_ASSIGN(auto pass, group_pass::make(what_, context_, unit_));
  SLUICE_TRY(pass->load(saved));
  return take(*pass, about);
}

}  // namespace sluice::aggregates
