#include "config/pipeline_reader.hpp"

#include "config/config_file.hpp"
#include "config/not_supported_yet.hpp"
#include "config/option_reader.hpp"
#include "config/retry_reader.hpp"
#include "config/unit_reader.hpp"
#include "engine/error/not_yet.hpp"
#include "engine/secrets/known_secrets.hpp"
#include "engine/values/quantities.hpp"
#include "engine/values/time_zone.hpp"

#include <arrow/scalar.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>

namespace sluice::config {

namespace {

constexpr int newest_version = 1;

const std::vector<std::string> sections = {"version",  "pipeline",  "owner",    "tags",        "description",
                                           "include",  "params",    "run",      "connections", "defaults",
                                           "extract",  "transform", "load",     "rejects",     "schedule",
                                           "channels", "notify",    "silences", "tests"};

bool is_pipeline_name(const std::string& name) {
  return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-';
  });
}

std::string name_from_file(const document& source) {
  std::string name;
  for (const unsigned char c : std::filesystem::path(source.file()).stem().string()) {
    if (std::isalnum(c) != 0)
      name += static_cast<char>(std::tolower(c));
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "pipeline" : name;
}

class pipeline_reader {
 public:
  pipeline_reader(const document& source, connections& known, diagnostics& faults)
      : source_(source), in_{source, faults}, connections_(known) {}

  pipeline read() {
    const auto& root = source_.root();
    read_version(root.find("version"));
    for (const auto& [key, value] : root.entries) read_section(key, value);
    if (const auto* section = root.find("connections")) connections_.read(in_, *section);
    if (root.find("pipeline") == nullptr) made_.name = name_from_file(source_);
    read_units(root);
    return std::move(made_);
  }

 private:
  void read_version(const node* version) {
    if (version == nullptr) return;
    const auto number = read_integer(in_, *version, "version", 1);
    if (number && *number > newest_version)
      in_.fault(*version, "newer_version",
                "the pipeline uses version " + std::to_string(*number) +
                    " of the language, but this program supports version " + std::to_string(newest_version),
                "install a newer version of sluice, or write version: " + std::to_string(newest_version));
  }

  void read_section(const node& key, const node& value) {
    if (find_unsupported(place_of_form::pipeline, key.text) != nullptr) {
      in_.fault(key, "not_supported_yet", key.text + " is not supported yet", not_yet_hint(key.text));
    } else if (key.text == "pipeline") {
      if (auto name = read_text(in_, value, "pipeline")) made_.name = *std::move(name);
      if (value.is_scalar() && !is_pipeline_name(made_.name))
        in_.fault(value, "invalid_name", "a pipeline's name may contain a-z, 0-9 and -, found " + describe(value),
                  "pipeline: daily-revenue");
    } else if (key.text == "owner") {
      if (auto text = read_text(in_, value, "owner")) made_.owner = *std::move(text);
    } else if (key.text == "description") {
      if (auto text = read_text(in_, value, "description")) made_.description = *std::move(text);
    } else if (key.text == "tags") {
      if (auto tags = read_texts(in_, value, "tags")) made_.tags = *std::move(tags);
    } else if (key.text == "run") {
      read_run(value);
    } else if (key.text == "rejects") {
      read_rejects(value);
    } else if (std::find(sections.begin(), sections.end(), key.text) == sections.end()) {
      if (value.is_map()) add_unread_section();
      const bool source = key.text == "sources" || key.text == "source" || key.text == "inputs";
      const bool sink = key.text == "sinks" || key.text == "sink" || key.text == "outputs";
      if (source || sink)
        in_.fault(key, "unknown_key", "a pipeline has no key " + key.text,
                  std::string("did you mean `") + (source ? "extract" : "load") + "`?");
      else
        in_.unknown_key(key, "a pipeline", sections);
    }
  }

  void read_run(const node& value) {
    if (value.is_null() || value.broken) return;
    if (!value.is_map()) {
      in_.fault(value, "invalid_value", "run must be a map, found " + describe(value));
      return;
    }
    for (const auto& [key, held] : value.entries) {
      if (find_unsupported(place_of_form::run, key.text) != nullptr) {
        in_.fault(key, "not_supported_yet", "run." + key.text + " is not supported yet", not_yet_hint(key.text));
      } else if (key.text == "memory") {
        made_.memory_bytes = read_quantity(held, "run.memory", parse_size);
      } else if (key.text == "timeout") {
        made_.timeout_microseconds = read_quantity(held, "run.timeout", parse_duration);
      } else if (key.text == "checkpoint") {
        made_.checkpoint_microseconds = read_quantity(held, "run.checkpoint", parse_duration);
      } else if (key.text == "retry") {
        if (held.is_null() || held.broken) continue;
        read_retry(in_, held, made_.retry.emplace());
      } else if (key.text == "overlap") {
        (void)read_choice(in_, held, "run.overlap", {"skip", "queue", "cancel"});
      } else if (key.text == "timezone") {
        const auto text = read_text(in_, held, "run.timezone");
        if (text)
          if (const auto zone = zone_clock::find(*text); !zone.ok())
            in_.fault(held, zone.problem().code, zone.problem().message, zone.problem().hint);
        if (text) made_.timezone = *text;
      } else {
        in_.unknown_key(key, "run", {"memory", "timezone", "timeout", "checkpoint", "retry", "overlap"});
      }
    }
  }

  template <class Parse>
  std::optional<std::int64_t> read_quantity(const node& value, const std::string& what, Parse parse) {
    const auto text = read_text(in_, value, what);
    if (!text) return {};
    auto parsed = parse(*text);
    if (parsed.ok() && *parsed > 0) return *parsed;
    if (parsed.ok())
      in_.fault(value, "invalid_value", what + " must be above zero, found " + describe(value));
    else
      in_.fault_from(value, std::move(parsed).problem());
    return {};
  }

  void read_rejects(const node& value) {
    if (value.is_null() || value.broken) return;
    if (!value.is_map()) {
      in_.fault(value, "invalid_value", "rejects must be a map, found " + describe(value),
                "rejects: { allow: 100, fail_above: \"1%\" }");
      return;
    }
    for (const auto& [key, held] : value.entries) {
      if (key.text == "allow") {
        made_.rejects.allow = read_integer(in_, held, "rejects.allow", 0).value_or(0);
      } else if (key.text == "fail_above") {
        made_.rejects.fail_above = read_share(held);
      } else if (key.text == "per") {
        made_.rejects.per_microseconds = read_quantity(held, "rejects.per", parse_duration);
      } else {
        in_.unknown_key(key, "rejects", {"allow", "fail_above", "per"});
      }
    }
  }

  std::optional<double> read_share(const node& value) {
    const auto text = read_text(in_, value, "rejects.fail_above");
    if (!text) return {};
    const bool percent = text->ends_with('%');
    const auto* end = text->data() + text->size() - (percent ? 1 : 0);
    double share = 0;
    const auto [stop, problem] = std::from_chars(text->data(), end, share);
    if (percent) share /= 100;
    if (problem == std::errc() && stop == end && share >= 0 && share <= 1) return share;
    in_.fault(value, "invalid_value", "rejects.fail_above must be a percentage of the rows, found " + describe(value),
              "fail_above: \"1%\", or 0.01");
    return {};
  }

  void read_units(const node& root) {
    unit_reader reader(source_, in_.faults, root.find("defaults"), connections_);
    std::map<std::string, std::size_t> places;
    bool any = false;
    for (const auto& [role, name] :
         {std::pair{unit_role::extract, "extract"}, std::pair{unit_role::transform, "transform"},
          std::pair{unit_role::load, "load"}}) {
      const auto* section = root.find(name);
      if (section != nullptr && section->broken) add_unread_section();
      if (section == nullptr || section->is_null() || section->broken) continue;
      if (!section->is_map()) {
        in_.fault(*section, "invalid_value", std::string(name) + " must be a map of units, found " + describe(*section),
                  std::string(name) + ": { orders: { ... } }, each unit after its name");
        add_unread_section();
        continue;
      }
      for (const auto& [key, value] : section->entries) {
        any = true;
        const auto [first, added] = places.emplace(key.text, key.begin);
        if (!added)
          in_.fault(
              key, "duplicate_unit",
              "there are two units named " + key.text + ", the first in " + source_.beside(first->second, key.begin),
              "rename one of them");
        auto unit = reader.read(role, key, value);
        if (added) made_.units.push_back(std::move(unit));
      }
    }
    if (!any && made_.units.empty())
      in_.fault(root, "missing_key", "the pipeline has no units",
                "it needs extract: and load:, each with at least one unit");
  }

  /// Its units are not known: see resolve_units.
  void add_unread_section() {
    unit_definition unit;
    unit.faulty = true;
    made_.units.push_back(std::move(unit));
  }

  const document& source_;
  reading in_;
  connections& connections_;
  pipeline made_;
};

}  // namespace

std::string pipeline_name(const document& source) {
  const auto* name = source.root().is_map() ? source.root().find("pipeline") : nullptr;
  return name != nullptr && name->is_scalar() && is_pipeline_name(name->text) ? name->text : name_from_file(source);
}

pipeline read_pipeline(document& source, const load_options& given, diagnostics& faults, connections& known,
                       std::set<std::string>& computed) {
  // Only a file itself may refer to a secret: what comes from outside and does is marked, so that it is refused.
  const auto guarded = [](const environment_lookup& from) {
    return [&from](const std::string& name) {
      auto found = from(name);
      if (found && secrets::has_reference(*found)) found->insert(0, 1, placeholder_begin);
      return found;
    };
  };
  const auto environment = guarded(given.environment);
  source.fill("params", {environment}, faults);
  auto params = read_params(source, source.root().find("params"), given, faults);
  const auto value_of = [&](const std::string& name) -> std::optional<std::string> {
    if (const auto found = params.text.find(name); found != params.text.end()) return found->second;
    return environment(name);
  };
  source.fill("", {value_of, [&](const std::string& name) { return params.without_value.contains(name); }}, faults);
  for (const auto& each : given.configs)
    read_config_file(each, guarded(each.environment ? each.environment : given.environment), known, faults);
  auto made = pipeline_reader(source, known, faults).read();
  made.params = std::move(params.typed);
  computed = std::move(params.computed);
  made.file = source.file();
  made.text = source.text();
  return made;
}

}  // namespace sluice::config
