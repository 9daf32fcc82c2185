#include "engine/runs/record.hpp"

#include "engine/plan/make_context.hpp"
#include "engine/secrets/known_secrets.hpp"
#include "engine/secrets/reveal.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

namespace sluice {

std::string fingerprint_of(const pipeline& what, const options& params) {
  const auto text = what.text + '\0' + params.dump();
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

store::run_record make_record(const plan& of, const run_context& context, const options& params,
                              const run_address& home) {
  const auto& what = of.definition;
  store::run_record record;
  record.id = context.run_id;
  record.pipeline = what.name;
  record.owner = what.owner;
  record.tags = what.tags;
  record.text = what.text;
  record.params = params;
  record.fingerprint = fingerprint_of(what, params);
  record.plan = plan_to_bytes(of);
  record.context = {{"now", context.now_microseconds},
                    {"seed", context.seed},
                    {"base_folder", secrets::hide(context.base_folder)},
                    {"spill_folder", secrets::hide(context.spill_folder)}};
  for (const auto& unit : of.units)
    if (!unit.continues.empty()) record.context["continues"] = unit.continues;
  record.pid = ::getpid();
  record.pid_started = store::process_start(record.pid);
  record.node = home.node;
  record.endpoint = home.endpoint;
  record.term = home.term;
  return record;
}

result<recorded_run> read_record(const store::run_record& record) {
  if (record.plan.empty() || !record.context.is_object())
    return external_error(
        "run_unreadable", "the record of run " + record.id + " does not say how it was planned",
        "it was written by an older version of sluice: check for hidden .part files beside its targets");
  SLUICE_ASSIGN(auto what, plan_from_bytes(record.plan));
  auto context = make_run_context(what.definition, {.run_id = record.id, .base_folder = {}, .spill_folder = {}});
  context->base_folder = revealed_or_kept(record.context.value("base_folder", ""), *context);
  context->spill_folder = revealed_or_kept(record.context.value("spill_folder", ""), *context);
  context->now_microseconds = record.context.value("now", context->now_microseconds);
  context->seed = record.context.value("seed", context->seed);
  return recorded_run{std::make_shared<const plan>(std::move(what)), std::move(context)};
}

}  // namespace sluice
