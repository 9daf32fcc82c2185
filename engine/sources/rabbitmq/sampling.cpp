#include "engine/error/names.hpp"
#include "engine/formats/ndjson/inference.hpp"
#include "engine/sources/rabbitmq/queue_source.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t default_messages = 1000;
constexpr std::int64_t most_messages = 65'535;
constexpr auto longest_wait = 5s;
constexpr std::size_t most_bytes = 8U << 20;

/// Looks at one message as at a line.
void look_at(std::string line, ndjson::sample& all) {
  std::replace(line.begin(), line.end(), '\n', '\r');
  line += '\n';
  line.append(static_cast<std::size_t>(ndjson::padding), ' ');
  all.look(line.data());
}

error nothing_sampled(const queue_table& of, const ndjson::sample& all) {
  const auto name = "queue " + of.how.queue;
  if (all.broken() == 0)
    return user_error("empty_source", "there is no message in " + name + " to infer the columns from",
                      "give the columns: types: { id: bigint }");
  return user_error("invalid_json",
                    "none of the first " + std::to_string(all.broken()) + " messages of " + name +
                        " is a JSON object; the first one is: " + shortened(all.first_broken(), 60),
                    "set format: csv, text or bytes");
}

}  // namespace

result<std::shared_ptr<arrow::Schema>> sample_queue(const queue_table& of, std::optional<std::int64_t> messages) {
  const auto most = std::clamp<std::int64_t>(messages.value_or(default_messages), 1, most_messages);
  auto how = of.how;
  how.prefetch = static_cast<std::uint16_t>(most);
  // Nothing is acknowledged: when the connection is closed, the broker puts them back where they were.
  rabbitmq::consumer from(of.where, std::move(how));
  ndjson::sample all;
  const auto until = std::chrono::steady_clock::now() + longest_wait;
  for (std::int64_t seen = 0; seen < most;) {
    const auto now = std::chrono::steady_clock::now();
    // What was in the queue at the start is enough.
    const bool enough = seen > 0 && seen >= static_cast<std::int64_t>(from.waiting_at_start());
    if (enough || now >= until) break;
    SLUICE_ASSIGN(auto taken, from.take(static_cast<std::size_t>(most - seen), most_bytes, until));
    seen += static_cast<std::int64_t>(taken.size());
    for (auto& one : taken) look_at(std::move(one.body), all);
  }
  if (all.records() == 0) return nothing_sampled(of, all);
  return all.schema();
}

}  // namespace sluice
