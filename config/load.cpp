#include "config/load.hpp"

#include "config/config_file.hpp"
#include "config/fragments.hpp"
#include "config/notify_reader.hpp"
#include "config/other_inputs.hpp"
#include "config/pipeline_reader.hpp"
#include "config/schedule_reader.hpp"

#include <arrow/scalar.h>
#include <sys/stat.h>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string_view>
#include <tuple>

namespace sluice::config {

namespace {

result<std::string> read_file(const std::string& path, const std::string& what = "the pipeline ") {
  const auto doing = "read " + what + path;
  std::ostringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return from_errno(errno, doing);
  if (S_ISDIR(about.st_mode)) return from_errno(EISDIR, doing);
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return from_errno(errno == 0 ? EIO : errno, doing);
  if (about.st_size > 0) text << in.rdbuf();
  if (in.bad() || text.bad()) return from_errno(EIO, doing);
  return text.str();
}

/// Sorts faults by their place: those without one first, then those of `file`, then those of other files.
void put_in_order(diagnostics& faults, std::size_t from, const std::string& file) {
  const auto place = [&](const error& of) {
    const auto group = of.at.line == 0 ? 0 : of.at.file == file ? 1 : 2;
    return std::tuple(group, group == 2 ? std::string_view(of.at.file) : std::string_view(), of.at.line, of.at.column);
  };
  std::stable_sort(faults.begin() + static_cast<std::ptrdiff_t>(from), faults.end(),
                   [&](const error& a, const error& b) { return place(a) < place(b); });
}

std::optional<loaded> load(const std::string& text, const std::string& file, const fragment_reader& read_fragment,
                           const load_options& given, diagnostics& faults, std::shared_ptr<const document>* source) {
  const auto before = faults.size();
  auto with = given;
  if (!with.environment) with.environment = process_environment;
  const auto parsed = parse_pipeline(text, file, read_fragment, faults);
  if (source != nullptr) *source = parsed;
  if (!parsed->root().is_map()) return {};
  std::set<std::string> computed;
  connections known;
  auto definition = read_pipeline(*parsed, with, faults, known, computed);
  add_other_inputs(definition, faults);
  // Rules may name params.
  auto subscriptions = read_notifications({*parsed, faults}, definition, known, given.base_folder);
  auto scheduled = read_schedule({*parsed, faults}, definition);
  put_in_order(faults, before, file);
  loaded made{std::move(definition), parsed, std::move(subscriptions), std::move(scheduled), {}};
  for (const auto& name : computed) made.computed[name] = made.definition.params.at(name)->ToString();
  return made;
}

}  // namespace

std::optional<std::string> process_environment(const std::string& name) {
  if (const char* value = std::getenv(name.c_str())) return std::string(value);
  return {};
}

result<config_text> read_config(const std::string& path, const std::string& what) {
  auto text = read_file(path, "the " + what + " ");
  if (text.ok()) return config_text{.file = path, .text = std::move(*text)};
  auto problem = std::move(text).problem();
  problem.to_blame = blame::user;
  return problem;
}

void check_config(const config_text& given, diagnostics& faults) {
  connections unused;
  read_config_file(given, process_environment, unused, faults);
}

result<std::string> read_fragment_file(const std::string& path) { return read_file(path, "the included file "); }

std::optional<loaded> load_pipeline(const std::string& path, const load_options& given, diagnostics& faults,
                                    std::shared_ptr<const document>* source) {
  auto text = read_file(path);
  if (!text.ok()) {
    auto problem = std::move(text).problem();
    problem.to_blame = blame::user;
    faults.push_back(std::move(problem));
    return {};
  }
  return load(*text, path == "-" ? "<stdin>" : path, read_fragment_file, given, faults, source);
}

std::optional<loaded> load_pipeline_text(const std::string& text, const std::string& file, const load_options& given,
                                         diagnostics& faults, std::shared_ptr<const document>* source) {
  return load(text, file, {}, given, faults, source);
}

void resolve_locations(const document& source, diagnostics& faults) {
  for (auto& fault : faults)
    if (fault.at.line == 0 && !fault.path.empty()) fault.at = source.locate(fault.path, fault.offset);
  put_in_order(faults, 0, source.file());
}

}  // namespace sluice::config
