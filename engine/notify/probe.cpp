#include "engine/notify/probe.hpp"

#include "engine/error/names.hpp"
#include "engine/notify/rule_worker.hpp"
#include "engine/notify/start_channel.hpp"
#include "engine/values/uuid.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::notify {

namespace {

notice probe(const std::string& pipeline, const std::string& channel) {
  using namespace std::chrono;
  notice made;
  made.id = uuid_v7();
  made.kind = "test";
  made.pipeline = pipeline;
  made.rule = "test";
  made.channel = channel;
  made.time = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  store::event event;
  event.id = made.id;
  event.type = "notification.test";
  event.time = made.time;
  event.pipeline = pipeline;
  event.data = options{{"pipeline", pipeline}, {"channel", channel}};
  made.events.push_back(std::move(event));
  return made;
}

}  // namespace

options to_json(const channel_test& what) {
  return {{"channel", what.channel}, {"pipeline", what.pipeline}, {"delivered", what.delivered},
          {"answer", what.answer},   {"steps", what.steps},       {"seconds", what.seconds}};
}

result<known_channel> find_channel(const std::vector<store::subscription>& among, const std::string& pipeline,
                                   const std::string& name) {
  std::vector<known_channel> found;
  std::vector<std::string> names;
  for (const auto& one : among) {
    if (!pipeline.empty() && one.pipeline != pipeline) continue;
    for (const auto& [other, channel] : one.spec["channels"].items()) {
      names.push_back(other);
      const bool known = std::any_of(found.begin(), found.end(), [&, &of = channel](const auto& each) {
        return each.pipeline == one.pipeline && each.what == of;
      });
      if (other == name && !known) found.push_back({one.pipeline, name, channel});
    }
  }
  if (found.size() == 1) return std::move(found.front());
  if (found.size() > 1)
    return user_error("bad_arguments", "several pipelines have a channel " + name,
                      "choose one with --pipeline, such as " + found.front().pipeline);
  const auto near = nearest_name(name, names);
  return user_error("unknown_channel", "there is no channel " + name,
                    !near.empty() ? "did you mean " + near + "?"
                                  : "sluice notify list shows them; for a pipeline that has not run yet: --file FILE");
}

result<channel_test> test_channel(const known_channel& what) {
  if (what.what.is_object() && what.what.value("kind", "") == start_kind)
    return user_error("unknown_channel", what.name + " starts a pipeline: there is no receiver to be tested",
                      "sluice trigger starts it by hand");
  SLUICE_ASSIGN(const auto channel, make_channel(what.name, what.what));
  using clock = std::chrono::steady_clock;
  const auto begun = clock::now();
  auto attempt = channel->deliver(probe(what.pipeline, what.name));
  return channel_test{.pipeline = what.pipeline,
                      .channel = what.name,
                      .delivered = attempt.what == delivery_attempt::outcome::delivered,
                      .answer = std::move(attempt.answer),
                      .steps = std::move(attempt.steps),
                      .seconds = std::chrono::duration<double>(clock::now() - begun).count()};
}

result<channel_test> test_channel(store::store& in, const std::string& pipeline, const std::string& name) {
  SLUICE_ASSIGN(const auto all, store::deliveries_of(in).subscriptions());
  SLUICE_ASSIGN(const auto found, find_channel(all, pipeline, name));
  SLUICE_ASSIGN(auto made, test_channel(found));
  if (made.delivered) SLUICE_TRY(store::deliveries_of(in).enable(found.pipeline, name));
  return made;
}

}  // namespace sluice::notify
