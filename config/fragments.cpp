#include "config/fragments.hpp"

#include "config/reading.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <vector>

namespace sluice::config {

namespace {

/// In YAML such a line always begins a document, whatever stands around it: no text of a pipeline can contain it.
constexpr std::string_view separator = "--- # file: ";

/// What each pipeline has for itself.
constexpr std::array<std::string_view, 3> own_sections = {"pipeline", "schedule", "tests"};

struct whole_text {
  std::string pipeline;
  std::map<std::string, std::string> fragments;  ///< by their names
};

whole_text split(const std::string& text) {
  whole_text made;
  auto* into = &made.pipeline;
  for (std::size_t at = 0; at < text.size();) {
    auto end = text.find('\n', at);
    end = end == std::string::npos ? text.size() : end + 1;
    auto line = std::string_view(text).substr(at, end - at);
    at = end;
    if (!line.starts_with(separator)) {
      *into += line;
      continue;
    }
    line.remove_prefix(separator.size());
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    into = &made.fragments[std::string(line)];
  }
  return made;
}

/// Puts the entries of `later` behind those of `into`. Sections of both become one; what can't be is left to be
/// reported as a duplicate key.
void append(node& into, node later) {
  const auto before = into.entries.size();
  std::set<std::size_t> joined;
  for (auto& entry : later.entries) {
    std::size_t at = 0;
    while (at < before && into.entries[at].key.text != entry.key.text) ++at;
    const bool new_here = at == before || !joined.insert(at).second;
    auto* earlier = new_here ? nullptr : &into.entries[at].value;
    if (earlier != nullptr && earlier->is_map() && entry.value.is_map()) {
      earlier->flow = earlier->flow || entry.value.flow;
      std::move(entry.value.entries.begin(), entry.value.entries.end(), std::back_inserter(earlier->entries));
    } else if (earlier != nullptr && earlier->is_sequence() && entry.value.is_sequence()) {
      earlier->flow = earlier->flow || entry.value.flow;
      std::move(entry.value.items.begin(), entry.value.items.end(), std::back_inserter(earlier->items));
    } else if (earlier != nullptr && earlier->is_null()) {
      into.entries[at] = std::move(entry);
    } else if (earlier == nullptr ||
               (!entry.value.is_null() && (entry.key.text != "version" || entry.value.text != earlier->text))) {
      into.entries.push_back(std::move(entry));
    }
  }
}

class includer {
 public:
  includer(document& made, whole_text& given, const fragment_reader& read, diagnostics& faults)
      : made_(made), given_(given), read_(read), faults_(faults), in_{made, faults} {
    open_.push_back(std::filesystem::path(made.file()).filename().string());
  }

  /// The map with what its `include:` names, which is taken out of it.
  node with_fragments(node map) {
    std::vector<node> names;
    for (const auto& [key, value] : map.entries) {
      if (key.text != "include" || value.is_null()) continue;
      if (value.is_sequence())
        names.insert(names.end(), value.items.begin(), value.items.end());
      else
        names.push_back(value);
    }
    std::erase_if(map.entries, [](const auto& entry) { return entry.key.text == "include"; });
    if (names.empty()) return map;
    auto whole = map;
    whole.entries.clear();
    for (const auto& one : names)
      if (auto fragment = read(one)) append(whole, *std::move(fragment));
    append(whole, std::move(map));
    return whole;
  }

 private:
  std::optional<node> read(const node& written) {
    if (!written.is_scalar() || written.text.empty()) {
      in_.fault(written, "invalid_value",
                "include must be the path of a file or a list of paths, found " + describe(written),
                "include: [shared/connections.yaml]");
      return {};
    }
    if (!written.placeholders.empty()) {
      in_.fault(written, "invalid_substitution", "the path of an included file can't contain references",
                "params and variables are known only when all files are read; write the path itself");
      return {};
    }
    const auto folder = std::filesystem::path(open_.back()).parent_path();
    const auto name = (folder / written.text).lexically_normal().string();
    if (const auto circle = std::find(open_.begin(), open_.end(), name); circle != open_.end()) {
      std::string way;
      for (auto at = circle; at != open_.end(); ++at) way += *at + " includes ";
      in_.fault(written, "include_cycle", "files include each other in a circle: " + way + name,
                "remove one of these includes; what both files need can be in a third one");
      return {};
    }
    if (!done_.insert(name).second) return {};
    const auto path = (std::filesystem::path(made_.file()).parent_path() / name).lexically_normal().string();
    auto text = text_of(written, name, path);
    if (!text) return {};
    auto fragment = made_.add(*std::move(text), path, std::string(separator) + name, faults_);
    if (!fragment) return {};
    check_sections(*fragment);
    open_.push_back(name);
    auto whole = with_fragments(*std::move(fragment));
    open_.pop_back();
    return whole;
  }

  std::optional<std::string> text_of(const node& written, const std::string& name, const std::string& path) {
    if (const auto found = given_.fragments.find(name); found != given_.fragments.end())
      return std::move(found->second);
    if (!read_) {
      in_.fault(
          written, "include_not_found", "the included file " + name + " was not sent with the pipeline",
          "sluice submit and sluice deploy send it; in a request to the API, append it to the text after a line " +
              std::string(separator) + name);
      return {};
    }
    auto text = read_(path);
    if (text.ok()) return *std::move(text);
    in_.fault(written, "include_not_found", text.problem().message, "the path starts at the folder of this file");
    return {};
  }

  /// Takes out what a fragment has for itself, and what it can't have.
  void check_sections(node& fragment) {
    std::erase_if(fragment.entries, [&](const auto& entry) {
      const auto& key = entry.key;
      if (std::find(own_sections.begin(), own_sections.end(), key.text) == own_sections.end())
        return key.text == "description";
      in_.fault(key, "unknown_key", "a file that others include can't have " + key.text,
                "each pipeline has its own; put it into the file of the pipeline");
      return true;
    });
  }

  document& made_;
  whole_text& given_;
  const fragment_reader& read_;
  diagnostics& faults_;
  reading in_;
  std::vector<std::string> open_;  ///< the files that are being read, from the pipeline's on
  std::set<std::string> done_;
};

}  // namespace

std::shared_ptr<document> parse_pipeline(const std::string& text, const std::string& file, const fragment_reader& read,
                                         diagnostics& faults) {
  auto given = split(text);
  auto made = document::parse(std::move(given.pipeline), file, faults);
  if (made->root().is_map()) made->set_root(includer(*made, given, read, faults).with_fragments(made->root()));
  return made;
}

}  // namespace sluice::config
