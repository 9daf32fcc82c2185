// What librdkafka alone takes for the job S1: the floor that `benchmarks/streams/run.py` compares Sluice with.
//   bare_loop load BROKER TOPIC COUNT            order events of some 190 bytes, over 4 partitions; their time is `ts`
//   bare_loop transform BROKER FROM TO COUNT     keeps qty > 2, writes country in capitals, adds total; finds its
//   fields
//                                                by looking for their names, without parsing the object
//   bare_loop send BROKER TOPIC RATE SECONDS     so many events a second, whose id is the time in us when they are sent
//   bare_loop receive BROKER TOPIC COUNT         reads so many that come from now on; their age by percentiles
// Prints one JSON object with messages, seconds and CPU seconds.
#include <librdkafka/rdkafka.h>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int partitions = 4;

using settings = std::initializer_list<std::pair<const char*, const char*>>;

rd_kafka_t* client(rd_kafka_type_t kind, settings all) {
  auto* conf = rd_kafka_conf_new();
  char why[512];
  for (const auto& [name, value] : all)
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) {
      std::fprintf(stderr, "%s\n", why);
      std::exit(2);
    }
  return rd_kafka_new(kind, conf, why, sizeof why);
}

rd_kafka_t* producer(const char* broker, const char* linger = "5") {
  return client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", broker},
                                    {"linger.ms", linger},
                                    {"batch.size", "1000000"},
                                    {"queue.buffering.max.messages", "1000000"},
                                    {"queue.buffering.max.kbytes", "400000"},
                                    {"acks", "1"}});
}

std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::int64_t now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::int64_t time_of(std::int64_t i) { return 1'700'000'000'000 + i * 2; }

int make_event(char* out, std::size_t size, std::int64_t i, std::int64_t id, int qty) {
  static const char* const countries[] = {"de", "fr", "us", "gb", "it", "es", "pl", "nl", "se", "jp"};
  const auto h = mixed(static_cast<std::uint64_t>(i) * 7 + 1);
  const auto cents = 100 + (h >> 20) % 20000;
  return std::snprintf(
      out, size,
      R"({"id":%lld,"ts":%lld,"customer":"customer-%016llx%016llx@mail.warehouse-07.division.example.test",)"
      R"("country":"%s","sku":"SKU-%08llu-%04llx","qty":%d,"price":%d.%02d})",
      static_cast<long long>(id), static_cast<long long>(time_of(i)), static_cast<unsigned long long>(h),
      static_cast<unsigned long long>(mixed(h)), countries[h % 10], static_cast<unsigned long long>(h % 100000000),
      static_cast<unsigned long long>(h >> 48), qty, static_cast<int>(cents / 100), static_cast<int>(cents % 100));
}

void send(rd_kafka_t* by, rd_kafka_topic_t* to, int partition, const char* text, int size) {
  while (rd_kafka_produce(to, partition, RD_KAFKA_MSG_F_COPY, const_cast<char*>(text), static_cast<std::size_t>(size),
                          nullptr, 0, nullptr) != 0)
    rd_kafka_poll(by, 5);
}

char* behind(const char* text, std::size_t size, const char* name) {
  auto* found = static_cast<char*>(memmem(text, size, name, std::strlen(name)));
  return found == nullptr ? nullptr : found + std::strlen(name);
}

void load(const char* broker, const char* topic, std::int64_t count) {
  auto* by = producer(broker);
  auto* to = rd_kafka_topic_new(by, topic, nullptr);
  char text[1024];
  for (std::int64_t i = 0; i < count; ++i) {
    const int size =
        make_event(text, sizeof text, i, i, static_cast<int>(1 + mixed(static_cast<std::uint64_t>(i)) % 5));
    while (rd_kafka_producev(by, RD_KAFKA_V_RKT(to), RD_KAFKA_V_PARTITION(static_cast<std::int32_t>(i % partitions)),
                             RD_KAFKA_V_VALUE(text, static_cast<std::size_t>(size)),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_TIMESTAMP(time_of(i)),
                             RD_KAFKA_V_END) != RD_KAFKA_RESP_ERR_NO_ERROR)
      rd_kafka_poll(by, 5);
    if (i % 4096 == 0) rd_kafka_poll(by, 0);
  }
  rd_kafka_flush(by, 60'000);
}

void transform(const char* broker, const char* from, const char* into, std::int64_t count) {
  auto* reading = client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", broker},
                                             {"group.id", "bare-loop"},
                                             {"enable.auto.commit", "false"},
                                             {"isolation.level", "read_committed"},
                                             {"queued.min.messages", "1000000"},
                                             {"queued.max.messages.kbytes", "400000"},
                                             {"fetch.message.max.bytes", "4000000"}});
  rd_kafka_poll_set_consumer(reading);
  auto* list = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; ++i) rd_kafka_topic_partition_list_add(list, from, i)->offset = 0;
  rd_kafka_assign(reading, list);
  auto* queue = rd_kafka_queue_get_consumer(reading);
  auto* by = producer(broker);
  auto* to = rd_kafka_topic_new(by, into, nullptr);
  std::vector<rd_kafka_message_t*> messages(10'000);
  char text[1024];
  for (std::int64_t got = 0; got < count;) {
    const auto came = rd_kafka_consume_batch_queue(queue, 500, messages.data(), messages.size());
    for (ssize_t i = 0; i < came; ++i) {
      auto* const one = messages[static_cast<std::size_t>(i)];
      const auto* const value = static_cast<const char*>(one->payload);
      if (one->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        ++got;
        const int qty = std::atoi(behind(value, one->len, "\"qty\":"));
        if (qty > 2) {
          const double price = std::strtod(behind(value, one->len, "\"price\":"), nullptr);
          std::memcpy(text, value, one->len - 1);
          auto* const country = behind(text, one->len - 1, "\"country\":\"");
          country[0] = static_cast<char>(country[0] & ~32);
          country[1] = static_cast<char>(country[1] & ~32);
          const auto size = static_cast<int>(one->len) - 1;
          const int more = std::snprintf(text + size, 64, ",\"total\":%.2f}", qty * price);
          send(by, to, one->partition, text, size + more);
        }
      }
      rd_kafka_message_destroy(one);
    }
    rd_kafka_poll(by, 0);
  }
  rd_kafka_flush(by, 60'000);
}

/// `count` a second; each passes the filter of S1.
void send_at(const char* broker, const char* topic, std::int64_t rate, std::int64_t seconds) {
  auto* by = producer(broker, "0");
  auto* to = rd_kafka_topic_new(by, topic, nullptr);
  char text[1024];
  const auto begun = now_us();
  for (std::int64_t i = 0; i < rate * seconds; ++i) {
    const auto due = begun + i * 1'000'000 / rate;
    while (now_us() < due) std::this_thread::sleep_for(std::chrono::microseconds(due - now_us()));
    send(by, to, static_cast<int>(i % partitions), text, make_event(text, sizeof text, i, now_us(), 3));
    rd_kafka_poll(by, 0);
  }
  rd_kafka_flush(by, 10'000);
}

/// Reads from the end on. The first two seconds' worth does not count: everybody connects then.
void receive(const char* broker, const char* topic, std::size_t count) {
  auto* reading = client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", broker},
                                             {"group.id", "bare-loop"},
                                             {"enable.auto.commit", "false"},
                                             {"isolation.level", "read_committed"},
                                             {"fetch.wait.max.ms", "5"}});
  rd_kafka_poll_set_consumer(reading);
  auto* list = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; ++i) rd_kafka_topic_partition_list_add(list, topic, i)->offset = 0;
  rd_kafka_assign(reading, list);
  std::vector<std::int64_t> ages;
  const auto give_up = now_us() + 120'000'000;
  while (ages.size() < count && now_us() < give_up) {
    auto* const one = rd_kafka_consumer_poll(reading, 100);
    if (one == nullptr) continue;
    const auto* const id = one->err == RD_KAFKA_RESP_ERR_NO_ERROR
                               ? behind(static_cast<char*>(one->payload), one->len, "\"id\":")
                               : nullptr;
    if (id != nullptr) ages.push_back(now_us() - std::atoll(id));
    rd_kafka_message_destroy(one);
  }
  ages.erase(ages.begin(), ages.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(ages.size(), 2000)));
  std::sort(ages.begin(), ages.end());
  const auto at = [&](double part) {
    if (ages.empty()) return -1.0;
    const auto index = static_cast<std::size_t>(static_cast<double>(ages.size() - 1) * part);
    return static_cast<double>(ages[index]) / 1e3;
  };
  std::printf("{\"counted\": %zu, \"p50_ms\": %.2f, \"p90_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f}\n",
              ages.size(), at(0.5), at(0.9), at(0.99), at(1));
  std::fflush(stdout);
  std::_Exit(0);
}

}  // namespace

int main(int count, char** words) {
  const std::string what = count > 1 ? words[1] : "";
  const auto begun = std::chrono::steady_clock::now();
  std::int64_t messages = 0;
  if (what == "load" && count == 5) {
    load(words[2], words[3], messages = std::atoll(words[4]));
  } else if (what == "transform" && count == 6) {
    transform(words[2], words[3], words[4], messages = std::atoll(words[5]));
  } else if (what == "send" && count == 6) {
    send_at(words[2], words[3], std::atoll(words[4]), std::atoll(words[5]));
    messages = std::atoll(words[4]) * std::atoll(words[5]);
  } else if (what == "receive" && count == 5) {
    receive(words[2], words[3], static_cast<std::size_t>(std::atoll(words[4])));
  } else {
    std::fprintf(stderr, "bare_loop load BROKER TOPIC COUNT | transform BROKER FROM TO COUNT\n");
    return 64;
  }
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& of) {
    return static_cast<double>(of.tv_sec) + static_cast<double>(of.tv_usec) / 1e6;
  };
  std::printf("{\"messages\": %lld, \"seconds\": %.3f, \"cpu\": %.3f}\n", static_cast<long long>(messages),
              std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count(),
              seconds(used.ru_utime) + seconds(used.ru_stime));
  std::fflush(stdout);
  std::_Exit(0);  // the clients' threads need not be waited for
}
