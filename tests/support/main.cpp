#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

// The tests of a layer are one program; ctest runs it once for each file of tests: `test_engine --file PATH`, or for
// a whole folder `--file tests/engine/wire/`, as often as wanted.

namespace {

/// The test as Catch2 takes it on its command line, where some characters stand for something.
std::string exactly(const std::string& name) {
  std::string text = "\"";
  for (const char c : name) {
    if (std::strchr("\\\",[", c) != nullptr) text += '\\';
    text += c;
  }
  return text + "\"";
}

/// True for the file itself, and for any file in a folder, which ends with a slash. Compilers give full paths.
bool is_in(const std::string& file, const std::string& wanted) {
  const auto path = "/" + file;
  return wanted.ends_with('/') ? path.find("/" + wanted) != std::string::npos : path.ends_with("/" + wanted);
}

/// The tests of one file or folder, hidden ones aside.
std::vector<std::string> tests_of(const std::string& wanted) {
  std::vector<std::string> names;
  for (const auto& test : Catch::getRegistryHub().getTestCaseRegistry().getAllTests())
    if (!test.isHidden() && is_in(test.lineInfo.file, wanted)) names.push_back(exactly(test.name));
  return names;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<const char*> arguments;
  std::vector<std::string> files;
  for (int i = 0; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--file" && i + 1 < argc)
      files.emplace_back(argv[++i]);
    else
      arguments.push_back(argv[i]);
  }
  Catch::Session session;
  if (const int wrong = session.applyCommandLine(static_cast<int>(arguments.size()), arguments.data()); wrong != 0)
    return wrong;
  std::string chosen;
  for (const auto& file : files) {
    const auto names = tests_of(file);
    if (names.empty()) {
      std::cerr << "no tests in " << file << "\n";
      return 1;
    }
    for (const auto& name : names) chosen += (chosen.empty() ? "" : ",") + name;
  }
  if (!chosen.empty()) session.configData().testsOrTags.push_back(chosen);
  return session.run();
}
