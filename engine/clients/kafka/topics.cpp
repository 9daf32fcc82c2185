#include "engine/clients/kafka/topics.hpp"

#include "engine/component/interruption.hpp"
#include "engine/error/names.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <memory>

namespace sluice::kafka {

namespace {

using namespace std::chrono_literals;

// Who starts a run waits for no more than that; a broker that is only slow answers in it.
constexpr auto answer_within = 15s;
// Where no broker lets us connect, waiting longer mostly changes nothing.
constexpr auto unreachable_after = 4s;
constexpr int attempt_milliseconds = 500;

using metadata_ptr = std::unique_ptr<const rd_kafka_metadata_t, decltype(&rd_kafka_metadata_destroy)>;
using list_ptr = std::unique_ptr<rd_kafka_topic_partition_list_t, decltype(&rd_kafka_topic_partition_list_destroy)>;

bool may_come(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
      return true;
    default:
      return false;
  }
}

/// Calls `ask`, which takes milliseconds, until it has an answer.
template <class Ask>
status ask(client& of, const std::string& doing, const stop_check& stopped, Ask&& try_once) {
  const auto begun = std::chrono::steady_clock::now();
  of.heard().over();  // what was heard long ago is told again where it still holds
  for (;;) {
    const rd_kafka_resp_err_t code = try_once(attempt_milliseconds);
    of.poll(0);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      of.heard().over();
      return {};
    }
    if (stopped && stopped()) return interrupted_error(doing);
    if (!may_come(code)) return from_kafka(code, doing);
    if (auto why = of.heard().given_up(unreachable_after)) {
      why->message = doing + ": " + why->message;
      return *why;
    }
    if (std::chrono::steady_clock::now() - begun > answer_within) return of.heard().no_answer(doing);
  }
}

result<metadata_ptr> metadata(client& of, rd_kafka_topic_t* topic, const std::string& doing,
                              const stop_check& stopped) {
  const rd_kafka_metadata_t* found = nullptr;
  SLUICE_TRY(ask(of, doing, stopped, [&](int milliseconds) {
    return rd_kafka_metadata(of.get(), topic == nullptr ? 1 : 0, topic, &found, milliseconds);
  }));
  return metadata_ptr(found, rd_kafka_metadata_destroy);
}

}  // namespace

result<std::vector<std::string>> list_topics(client& of, const stop_check& stopped) {
  SLUICE_ASSIGN(const auto all, metadata(of, nullptr, "list the topics", stopped));
  std::vector<std::string> names;
  for (int i = 0; i < all->topic_cnt; ++i) {
    const std::string name = all->topics[i].topic;
    if (!name.starts_with("__")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

result<std::vector<topic_partition>> partitions_of(client& of, const std::string& topic, const stop_check& stopped) {
  using topic_ptr = std::unique_ptr<rd_kafka_topic_t, decltype(&rd_kafka_topic_destroy)>;
  const topic_ptr handle(rd_kafka_topic_new(of.get(), topic.c_str(), nullptr), rd_kafka_topic_destroy);
  if (!handle) return from_kafka(rd_kafka_last_error(), "look at topic " + topic);
  const auto doing = "look at topic " + topic;
  std::vector<topic_partition> found;
  rd_kafka_resp_err_t wrong = RD_KAFKA_RESP_ERR_NO_ERROR;
  SLUICE_TRY(ask(of, doing, stopped, [&](int milliseconds) {
    const rd_kafka_metadata_t* answer = nullptr;
    const auto code = rd_kafka_metadata(of.get(), 0, handle.get(), &answer, milliseconds);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return code;
    const metadata_ptr held(answer, rd_kafka_metadata_destroy);
    found.clear();
    wrong = answer->topic_cnt == 1 ? answer->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (may_come(wrong)) return wrong;
    for (int i = 0; wrong == RD_KAFKA_RESP_ERR_NO_ERROR && i < answer->topics[0].partition_cnt; ++i)
      found.push_back({topic, answer->topics[0].partitions[i].id});
    return code;
  }));
  std::sort(found.begin(), found.end());
  if (wrong == RD_KAFKA_RESP_ERR_NO_ERROR) return found;
  auto why = from_kafka(wrong, doing);
  if (why.code != "unknown_topic") return why;
  why.message = "Kafka has no topic " + topic;
  if (const auto all = list_topics(of, stopped); all.ok()) {
    const auto near = nearest_name(topic, *all);
    why.hint = !near.empty()  ? "did you mean " + near + "?"
               : all->empty() ? "there are no topics that this user may see"
                              : "its topics are " + shortened(joined(*all), 300);
  }
  return why;
}

result<offsets> query_offsets(client& of, const topic_partition& what, const stop_check& stopped) {
  offsets found;
  SLUICE_TRY(ask(of, "look at partition " + std::to_string(what.partition) + " of topic " + what.topic, stopped,
                 [&](int milliseconds) {
                   return rd_kafka_query_watermark_offsets(of.get(), what.topic.c_str(), what.partition, &found.begin,
                                                           &found.end, milliseconds);
                 }));
  return found;
}

result<std::vector<std::int64_t>> offsets_at(client& of, const std::vector<topic_partition>& what, std::int64_t time,
                                             const stop_check& stopped) {
  const list_ptr list(rd_kafka_topic_partition_list_new(static_cast<int>(what.size())),
                      rd_kafka_topic_partition_list_destroy);
  for (const auto& one : what) rd_kafka_topic_partition_list_add(list.get(), one.topic.c_str(), one.partition);
  SLUICE_TRY(ask(of, "look for the offsets of a time", stopped, [&](int milliseconds) {
    for (int i = 0; i < list->cnt; ++i) list->elems[i].offset = time;
    return rd_kafka_offsets_for_times(of.get(), list.get(), milliseconds * 4);
  }));
  std::vector<std::int64_t> found;
  for (int i = 0; i < list->cnt; ++i) {
    const auto& one = list->elems[i];
    if (one.err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return from_kafka(one.err, std::string("look for the offset of a time in topic ") + one.topic);
    found.push_back(one.offset);
  }
  return found;
}

status commit_offsets(client& of, const std::vector<std::pair<topic_partition, std::int64_t>>& next) {
  if (next.empty()) return {};
  const list_ptr list(rd_kafka_topic_partition_list_new(static_cast<int>(next.size())),
                      rd_kafka_topic_partition_list_destroy);
  for (const auto& [what, offset] : next)
    rd_kafka_topic_partition_list_add(list.get(), what.topic.c_str(), what.partition)->offset = offset;
  // Not rd_kafka_commit, which would wait for a lost coordinator for as long as a session of a group lasts.
  using queue_ptr = std::unique_ptr<rd_kafka_queue_t, decltype(&rd_kafka_queue_destroy)>;
  using event_ptr = std::unique_ptr<rd_kafka_event_t, decltype(&rd_kafka_event_destroy)>;
  const queue_ptr answers(rd_kafka_queue_new(of.get()), rd_kafka_queue_destroy);
  const auto doing = std::string("commit the offsets of the group");
  if (const auto code = rd_kafka_commit_queue(of.get(), list.get(), answers.get(), nullptr, nullptr))
    return from_kafka(code, doing);
  constexpr int milliseconds = 10'000;
  const event_ptr answer(rd_kafka_queue_poll(answers.get(), milliseconds), rd_kafka_event_destroy);
  if (!answer) return of.heard().no_answer(doing);
  const auto code = rd_kafka_event_error(answer.get());
  return code == RD_KAFKA_RESP_ERR_NO_ERROR ? status() : from_kafka(code, doing);
}

}  // namespace sluice::kafka
