#include "app/tests/pipeline_tests.hpp"

#include "config/reading.hpp"
#include "engine/component/options.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sluice::app {

namespace {

constexpr std::string_view test_ending = ".test.yaml";

std::optional<std::string> text_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return {};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool is_number(const std::string& text) {
  const auto digits = text.find_first_of("0123456789");
  if (text.empty() || digits == std::string::npos) return false;
  const auto parsed = options::try_parse(text);
  return parsed && parsed->is_number();
}

/// Reads one list of tests.
class reader {
 public:
  reader(const config::document& source, diagnostics& faults) : in_{source, faults} {}

  std::vector<pipeline_test> read(const config::node& list) {
    std::vector<pipeline_test> made;
    if (!list.is_sequence()) {
      in_.fault(list, "invalid_value", "tests must be a list, found " + config::describe(list),
                "tests:\n  - name: paid\n    given: { orders: [{ id: 1 }] }\n    expect: { paid: [{ id: 1 }] }");
      return made;
    }
    for (const auto& item : list.items) {
      if (!item.is_map()) {
        in_.fault(item, "invalid_value",
                  "a test must be a map with name, given and expect, found " + config::describe(item));
        continue;
      }
      made.push_back(one(item));
    }
    return made;
  }

 private:
  pipeline_test one(const config::node& item) {
    pipeline_test made;
    made.at = &item;
    for (const auto& [key, value] : item.entries) {
      if (key.text == "name") {
        made.name = config::read_text(in_, value, "name").value_or("");
      } else if (key.text == "now") {
        made.now = config::read_text(in_, value, "now").value_or("");
      } else if (key.text == "params") {
        if (!is_map(value, "params")) continue;
        for (const auto& [name, held] : value.entries)
          if (auto text = config::read_text(in_, held, "params." + name.text))
            made.params[name.text] = *std::move(text);
      } else if (key.text == "given") {
        if (!is_map(value, "given")) continue;
        for (const auto& [name, held] : value.entries) made.given.emplace_back(name.text, rows(name, held));
      } else if (key.text == "expect") {
        if (!is_map(value, "expect")) continue;
        for (const auto& [name, held] : value.entries) {
          if (name.text == "rejects" && (held.is_map() || held.is_null()))
            read_rejects(held, made);
          else
            made.expect.emplace_back(name.text, rows(name, held));
        }
      } else {
        in_.unknown_key(key, "a test", {"name", "params", "now", "given", "expect"});
      }
    }
    if (made.name.empty()) in_.fault(item, "missing_key", "the test has no name", "name: what it shows");
    if (made.expect.empty() && made.rejects.empty())
      in_.fault(item, "missing_key", "the test expects nothing",
                "expect: { by_country: [{ orders: 1 }], rejects: { orders: 1 } }");
    return made;
  }

  bool is_map(const config::node& value, const std::string& what) {
    if (value.is_map()) return true;
    in_.fault(value, "invalid_value", what + " must be a map, found " + config::describe(value));
    return false;
  }

  test_rows rows(const config::node& name, const config::node& value) {
    test_rows made;
    made.at = &name;
    if (value.is_sequence()) {
      made.rows = &value;
      for (const auto& row : value.items)
        if (!row.is_map())
          in_.fault(row, "invalid_value", "a row must be a map of columns, found " + config::describe(row),
                    "[{ id: 1, country: DE }]");
    } else if (const auto* file = value.find("file"); value.is_map() && file != nullptr && value.entries.size() == 1) {
      made.file = config::read_text(in_, *file, "file").value_or("");
    } else {
      in_.fault(
          value.is_null() ? name : value, "invalid_value",
          "the rows of " + name.text + " must be a list of maps or { file: PATH }, found " + config::describe(value),
          name.text + ": [{ id: 1, country: DE }], or [] for none");
    }
    return made;
  }

  void read_rejects(const config::node& value, pipeline_test& into) {
    for (const auto& [name, held] : value.entries)
      if (const auto count = config::read_integer(in_, held, "rejects." + name.text, 0))
        into.rejects[name.text] = *count;
  }

  config::reading in_;
};

void read_file(const std::string& pipeline, const std::string& path, bool whole, std::vector<test_file>& into,
               diagnostics& faults) {
  const auto text = text_of_file(path);
  if (!text) return;
  diagnostics own;
  test_file made;
  made.pipeline = pipeline;
  made.path = path;
  made.source = config::document::parse(*text, path, own);
  if (!whole) own.clear();  // a run of the pipeline reports them
  faults.insert(faults.end(), own.begin(), own.end());
  const auto* list = made.source->root().find("tests");
  if (list == nullptr) {
    if (whole && own.empty())
      faults.push_back(
          made.source->fault(made.source->root(), "missing_key", "the file has no tests", "tests:\n  - name: ..."));
    return;
  }
  made.tests = reader(*made.source, faults).read(*list);
  into.push_back(std::move(made));
}

std::string tests_beside(const std::string& pipeline) {
  auto path = std::filesystem::path(pipeline);
  return (path.parent_path() / path.stem()).string() + std::string(test_ending);
}

}  // namespace

std::vector<test_file> read_tests(const std::string& path, diagnostics& faults) {
  std::vector<test_file> made;
  auto pipeline = path;
  if (path.ends_with(test_ending)) {
    pipeline = path.substr(0, path.size() - test_ending.size()) + ".yaml";
    if (!std::filesystem::exists(pipeline)) {
      faults.push_back(user_error("file_not_found", "there is no pipeline " + pipeline + " for the tests in " + path,
                                  "tests in NAME.test.yaml are those of NAME.yaml beside it"));
      return made;
    }
  } else {
    read_file(pipeline, pipeline, false, made, faults);
  }
  const auto beside = tests_beside(pipeline);
  std::error_code ignored;
  if (std::filesystem::exists(beside, ignored)) read_file(pipeline, beside, true, made, faults);
  return made;
}

std::vector<std::string> tested_pipelines(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code problem;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           folder, std::filesystem::directory_options::skip_permission_denied, problem)) {
    const auto path = entry.path().lexically_normal().string();
    if (!entry.is_regular_file() || path.ends_with(test_ending) || !(path.ends_with(".yaml") || path.ends_with(".yml")))
      continue;
    const auto text = text_of_file(path);
    const bool own = text && (text->starts_with("tests:") || text->find("\ntests:") != std::string::npos);
    if (own || std::filesystem::exists(tests_beside(path))) found.push_back(path);
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string json_of(const config::node& value) {
  std::string made;
  if (value.is_null()) return "null";
  if (value.is_scalar()) {
    if (!value.quoted && (value.text == "true" || value.text == "false" || is_number(value.text))) return value.text;
    if (!value.quoted && (value.text == "null" || value.text == "~")) return "null";
    return options(value.text).dump();
  }
  if (value.is_sequence()) {
    for (const auto& item : value.items) made += (made.empty() ? "" : ",") + json_of(item);
    return "[" + made + "]";
  }
  for (const auto& [key, held] : value.entries)
    made += (made.empty() ? "" : ",") + options(key.text).dump() + ":" + json_of(held);
  return "{" + made + "}";
}

}  // namespace sluice::app
