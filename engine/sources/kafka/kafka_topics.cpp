#include "engine/sources/kafka/kafka_topics.hpp"

#include "engine/columns/row_filter.hpp"
#include "engine/sources/kafka/kafka_reader.hpp"
#include "engine/sources/kafka/partitions.hpp"

#include <algorithm>
#include <limits>

namespace sluice {

status kafka_topics::leave_out_unless(const std::string& condition, const std::string& unit,
                                      const run_context& context) {
  SLUICE_ASSIGN(filter_, row_filter::make(condition, unit, context, schema()));
  return {};
}

status kafka_topics::keep_numbers(const std::vector<split_progress>& before) {
  const std::lock_guard guard(lock_);
  for (const auto& one : before) {
    if (one.position.empty()) continue;
    SLUICE_ASSIGN(kept_[one.split], partition_in(one.position));
  }
  return {};
}

result<std::vector<split>> kafka_topics::discover() {
  const std::lock_guard guard(lock_);
  const auto begun = std::chrono::steady_clock::now();
  for (;;) {
    const bool first = !discovered_;
    auto looked = look();
    if (looked.ok()) return splits_;
    auto why = std::move(looked).problem();
    if (why.code != "broker_unreachable") return why;
    // Whoever reads them sees as well that the brokers are gone, and knows when it has been too long.
    if (!first) return splits_;
    if (std::chrono::steady_clock::now() - begun > what_->where.patience_at_start) return why;
    if (!stopped_.sleep_until(std::chrono::steady_clock::now() + std::chrono::seconds(1)))
      return interrupted_error("looking for partitions");
  }
}

status kafka_topics::look() {
  const auto stopped = [this] { return stopped_.raised(); };
  if (!client_) {
    SLUICE_ASSIGN(client_, make_asking_client(*what_));
  }
  const bool first = !discovered_;
  if (what_->bounded && !first) return {};
  SLUICE_ASSIGN(auto found, find_partitions(*what_, *client_, stopped));
  std::erase_if(found, [this](const auto& one) { return known_.contains(one); });
  SLUICE_ASSIGN(auto where, find_offsets(*what_, *client_, found, !first || !kept_.empty(), stopped));
  // Those of an earlier run stand where they stood, the others in the places between and after.
  std::vector<std::size_t> order;
  std::vector<bool> placed(found.size(), false);
  for (const auto& [number, what] : kept_) {
    const auto at = static_cast<std::size_t>(std::find(found.begin(), found.end(), what) - found.begin());
    if (at == found.size())
      return external_error("split_numbering",
                            split_name(what) + ", which was read before, is not there any more: the topic was deleted",
                            "start again with --fresh to read what is there");
    placed[at] = true;
  }
  auto kept = kept_.begin();
  for (std::size_t i = 0; order.size() < found.size();) {
    const auto number = splits_.size() + order.size();
    if (kept != kept_.end() && (kept->first <= number || i == found.size())) {
      order.push_back(static_cast<std::size_t>(std::find(found.begin(), found.end(), kept->second) - found.begin()));
      ++kept;
    } else if (placed[i++]) {
      continue;
    } else {
      order.push_back(i - 1);
    }
  }
  for (const auto i : order) {
    const auto id = static_cast<std::uint32_t>(splits_.size());
    known_.emplace(found[i], id);
    splits_.push_back({.id = id,
                       .object = split_name(found[i]),
                       .begin = where[i].begin,
                       .end = what_->bounded ? where[i].end : std::numeric_limits<std::int64_t>::max()});
  }
  kept_.clear();
  discovered_ = true;
  return {};
}

result<std::unique_ptr<split_reader>> kafka_topics::open(const split& piece, const std::string& position) {
  // The share of each partition in what may be fetched ahead: a reader on another node does not know how many there
  // are.
  std::size_t partitions = 1;
  {
    const std::lock_guard guard(lock_);
    partitions = std::max<std::size_t>(splits_.size(), 1);
  }
  return read_kafka(what_, filter_, what_->queued_bytes / static_cast<std::int64_t>(partitions), piece, position);
}

status kafka_topics::committed(std::uint64_t, const std::vector<split_progress>& upto) {
  const std::lock_guard guard(lock_);
  if (!client_) {
    SLUICE_ASSIGN(client_, make_asking_client(*what_));
  }
  std::vector<std::pair<kafka::topic_partition, std::int64_t>> next;
  for (const auto& [split, position, ended] : upto) {
    if (split >= splits_.size() || position.empty()) continue;
    const auto where = partition_of(splits_[split].object);
    if (!where) continue;
    SLUICE_ASSIGN(const auto offset, offset_in(position, *where));
    auto& before = committed_.try_emplace(split, -1).first->second;
    if (offset == before) continue;
    before = offset;
    next.emplace_back(*where, offset);
  }
  return kafka::commit_offsets(*client_, next);
}

}  // namespace sluice
