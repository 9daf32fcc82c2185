#include "engine/sources/kafka/partitions.hpp"

#include "engine/error/names.hpp"
#include "engine/expression/regex/pattern.hpp"

#include <algorithm>

namespace sluice {

namespace regex = expression::regex;

result<std::unique_ptr<kafka::client>> make_asking_client(const kafka_table& of) {
  return kafka::client::make(of.where, kafka::client::role::consumer,
                             {{"group.id", of.group},
                              {"enable.auto.commit", "false"},
                              {"isolation.level", "read_committed"},
                              {"allow.auto.create.topics", "false"}});
}

result<std::vector<kafka::topic_partition>> find_partitions(const kafka_table& of, kafka::client& with,
                                                            const kafka::stop_check& stopped) {
  std::vector<std::string> topics;
  for (const auto& name : of.topics) {
    if (!name.starts_with('^')) {
      topics.push_back(name);
      continue;
    }
    regex::syntax_fault fault;
    const auto pattern = regex::pattern::make(name, {}, fault);
    if (!pattern)
      return user_error("invalid_option", "the pattern of topic can't be read: " + fault.message, fault.hint);
    SLUICE_ASSIGN(const auto all, kafka::list_topics(with, stopped));
    regex::matcher matching(pattern);
    const auto before = topics.size();
    for (const auto& one : all)
      if (matching.occurs(one)) topics.push_back(one);
    // A stream that waits for its first topic is fine; what is to end would end with nothing.
    if (topics.size() == before && of.bounded)
      return user_error(
          "no_topics", "no topic matches " + name,
          all.empty() ? "there are no topics that this user may see" : "the topics are " + shortened(joined(all), 300));
  }
  std::sort(topics.begin(), topics.end());
  topics.erase(std::unique(topics.begin(), topics.end()), topics.end());
  std::vector<kafka::topic_partition> found;
  for (const auto& topic : topics) {
    SLUICE_ASSIGN(const auto partitions, kafka::partitions_of(with, topic, stopped));
    found.insert(found.end(), partitions.begin(), partitions.end());
  }
  return found;
}

result<std::vector<kafka::offsets>> find_offsets(const kafka_table& of, kafka::client& with,
                                                 const std::vector<kafka::topic_partition>& what, bool from_begin,
                                                 const kafka::stop_check& stopped) {
  std::vector<kafka::offsets> found;
  for (const auto& one : what) {
    SLUICE_ASSIGN(const auto ends, kafka::query_offsets(with, one, stopped));
    found.push_back(ends);
  }
  if (from_begin || of.start == kafka_table::begin::earliest) return found;
  if (of.start == kafka_table::begin::latest) {
    for (auto& one : found) one.begin = one.end;
    return found;
  }
  SLUICE_ASSIGN(const auto at, kafka::offsets_at(with, what, of.start_milliseconds, stopped));
  for (std::size_t i = 0; i < found.size(); ++i) found[i].begin = at[i] < 0 ? found[i].end : at[i];
  return found;
}

}  // namespace sluice
