#include "app/project.hpp"

#include "config/fragments.hpp"
#include "config/load.hpp"
#include "engine/error/names.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace sluice::app {

namespace {

bool is_yaml(const std::string& path) {
  return (path.ends_with(".yaml") || path.ends_with(".yml")) && !path.ends_with(".test.yaml");
}

/// Nothing for a file that is no pipeline: none of the sections that every pipeline has.
std::optional<project_member> member_of(const std::string& path, bool named) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  diagnostics ignored;  // checking the pipeline reports them
  const auto source = config::parse_pipeline(text.str(), path, config::read_fragment_file, ignored);
  const auto& root = source->root();
  project_member made{.file = path, .includes = source->added(), .name = {}, .owner = {}, .tags = {}, .params = {}};
  const bool pipeline = root.find("extract") != nullptr || root.find("load") != nullptr;
  // A pipeline with a broken text must not be passed over.
  const bool broken = !ignored.empty() && text.str().find("extract:") != std::string::npos;
  if (!pipeline && !named && !broken) return {};
  if (const auto* name = root.find("pipeline"); name != nullptr && name->is_scalar()) {
    made.name = name->text;
    made.line = source->locate_byte(name->begin).line;  // that of the pipeline's file: others can't have a name
  }
  if (const auto* owner = root.find("owner"); owner != nullptr && owner->is_scalar()) made.owner = owner->text;
  if (const auto* tags = root.find("tags"); tags != nullptr) {
    if (tags->is_scalar()) made.tags.push_back(tags->text);
    for (const auto& one : tags->items) made.tags.push_back(one.text);
  }
  if (const auto* params = root.find("params"); params != nullptr)
    for (const auto& [key, value] : params->entries) made.params.push_back(key.text);
  return made;
}

/// * stands for any text.
bool fits(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  const auto rest = pattern.substr(star + 1);
  for (auto at = star; at <= text.size(); ++at)
    if (fits(rest, text.substr(at))) return true;
  return false;
}

bool is_selected(const project_member& one, const std::vector<std::string>& select) {
  return select.empty() || std::any_of(select.begin(), select.end(), [&](const std::string& rule) {
           if (rule.starts_with("tag:"))
             return std::any_of(one.tags.begin(), one.tags.end(),
                                [&](const auto& tag) { return fits(rule.substr(4), tag); });
           if (rule.starts_with("owner:")) return fits(rule.substr(6), one.owner);
           if (rule.starts_with("path:")) return one.file.find(rule.substr(5)) != std::string::npos;
           return fits(rule, one.name);
         });
}

}  // namespace

result<std::vector<project_member>> find_members(const std::vector<std::string>& paths,
                                                 const std::vector<std::string>& select) {
  std::vector<project_member> made;
  std::set<std::string> seen;
  std::set<std::string> named;
  std::error_code problem;
  for (const auto& path : paths) {
    if (!std::filesystem::exists(path, problem)) return from_errno(ENOENT, "read " + path);
    std::vector<std::string> files;
    const bool folder = std::filesystem::is_directory(path, problem);
    if (!folder) files.push_back(path);
    if (!folder) named.insert(path);
    if (folder)
      for (const auto& entry : std::filesystem::recursive_directory_iterator(
               path, std::filesystem::directory_options::skip_permission_denied, problem))
        if (entry.is_regular_file() && is_yaml(entry.path().string()))
          files.push_back(entry.path().lexically_normal().string());
    std::sort(files.begin(), files.end());
    for (const auto& file : files)
      if (seen.insert(file).second)
        if (auto member = member_of(file, !folder)) made.push_back(*std::move(member));
  }
  std::set<std::string> included;
  for (const auto& one : made) included.insert(one.includes.begin(), one.includes.end());
  std::erase_if(made, [&](const auto& one) { return included.contains(one.file) && !named.contains(one.file); });
  if (made.empty())
    return user_error("no_pipelines", "there are no pipelines in " + joined(paths),
                      "a pipeline is a .yaml file with extract: and load:");
  std::vector<std::string> known;
  for (const auto& one : made) {
    known.push_back(one.name);
    for (const auto& tag : one.tags) known.push_back("tag:" + tag);
  }
  std::erase_if(made, [&](const auto& one) { return !is_selected(one, select); });
  if (made.empty()) {
    const auto near = nearest_name(select.front(), known);
    return user_error(
        "no_pipelines", "no pipeline fits --select " + joined(select),
        near.empty() ? "write a name (with *), tag:NAME, owner:NAME or path:TEXT" : "did you mean " + near + "?");
  }
  return made;
}

option_spec select_option(std::vector<std::string>& into) {
  return {.names = {"--select"},
          .value = "WHICH",
          .help = "only these pipelines of a folder: NAME (with *), tag:NAME, owner:NAME or path:TEXT; can be repeated",
          .target = &into};
}

}  // namespace sluice::app
