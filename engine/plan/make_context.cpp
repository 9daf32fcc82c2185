#include "engine/plan/make_context.hpp"

#include "engine/memory/manager.hpp"
#include "engine/secrets/reveal.hpp"
#include "engine/values/uuid.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>

namespace sluice {

namespace {

std::int64_t machine_memory() {
  const auto physical = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  std::int64_t limit = 0;
  std::ifstream file("/sys/fs/cgroup/memory.max");  // holds "max" where there is no limit
  if (file >> limit && limit > 0) return std::min(limit, physical);
  return physical;
}

}  // namespace

std::shared_ptr<run_context> make_run_context(const pipeline& of, const run_place& place) {
  using namespace std::chrono;
  auto context = std::make_shared<run_context>();
  context->run_id = place.run_id;
  context->pipeline = of.name;
  context->now_microseconds = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  context->seed = random_bits();
  context->timezone = of.timezone;
  context->base_folder = place.base_folder;
  context->spill_folder = place.spill_folder;
  context->params = of.params;
  context->memory = std::make_shared<memory::manager>(of.memory_bytes.value_or(machine_memory() / 2));
  context->secret = node_secrets();
  return context;
}

}  // namespace sluice
