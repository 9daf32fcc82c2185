#include "engine/error/not_yet.hpp"

#include "engine/error/words.hpp"
#include "engine/version.hpp"

#include <algorithm>

namespace sluice {

const std::vector<missing_feature>& missing_features() {
  static const std::vector<missing_feature> all = {
      // Running again and again
      {"timeout", "", "run: { timeout: 2h } limits the whole run"},
      // Systems
      {"databases", "mysql mariadb", "exchange CSV files with the database by its own tool"},
      {"queues", "nats mqtt redis", "write the messages to NDJSON files with the system's own client, and read those"},
      {"http", "", "curl URL | sluice run p.yaml, with an ndjson source of path: \"-\""},
      {"s3", "", "copy the files with the AWS client, or mount the bucket"},
      {"lake-tables", "delta iceberg", "write Parquet files"},
      {"other-formats", "avro orc xml fixed_width excel", "convert to CSV, NDJSON or Parquet first"},
      {"process", "", "let the program read and write files, in a run before and a run after it"},
      {"when-down", "when_down",
       "without it a target that can't be reached fails the run; the postgres sink has when_down"},
      // Transforms and expressions
      {"window-transform", "window", "compute it in derive or select: row_number() over (partition by k order by at)"},
      {"explode", "", "unnest makes a row of each element of a list"},
      {"sessionize", "", "derive it with lag(at) over (partition by k order by at), then a running sum of the gaps"},
      {"lookup", "enrich", "write a join with how: left"},
      {"functions-of-other-dialects", "", "use the functions that sluice functions lists"},
      {"secret-commands", "", "give the secret in SLUICE_SECRET_NAME, or in the file /run/secrets/NAME"},
      // Tools
      {"probe", "", "sluice validate reads the sources and does not touch the targets; sluice run does"},
      // Clusters
      {"several-controllers", "",
       "start it without --join and with the same --state postgresql://...: it waits until the other one has ended"},
  };
  return all;
}

const missing_feature* find_missing(std::string_view name) {
  const auto& all = missing_features();
  auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.key == name; });
  if (found == all.end())
    found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return is_word_of(name, one.names); });
  return found == all.end() ? nullptr : &*found;
}

std::string not_yet_hint(std::string_view name, std::string_view detour) {
  const auto* found = find_missing(name);
  std::string hint = std::string("not available in ") + version();
  if (detour.empty() && found != nullptr) detour = found->detour;
  if (!detour.empty()) hint += "; until then: " + std::string(detour);
  if (found != nullptr) hint += " (docs/not-yet.md#" + std::string(found->key) + ")";
  return hint;
}

error not_supported_yet(std::string_view what, std::string_view name, std::string_view detour) {
  return user_error("not_supported_yet", std::string(what) + " is not supported yet", not_yet_hint(name, detour));
}

}  // namespace sluice
