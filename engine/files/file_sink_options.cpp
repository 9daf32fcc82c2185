#include "engine/files/file_sink_options.hpp"

#include "engine/files/file_target.hpp"

namespace sluice {

field_spec target_path_field(const std::string& example) {
  return {.name = "path",
          .form = shape::text,
          .help = "the file to write (" + example + "), or `-` for standard output; missing folders are created",
          .required = true};
}

field_spec compression_field(std::vector<std::string> choices, const std::string& preset, const std::string& help) {
  return {
      .name = "compression", .form = shape::text, .help = help, .default_value = preset, .choices = std::move(choices)};
}

write_target stated_file(const options& own) {
  using kind = write_target::kind;
  const auto path = own.is_string() ? own.get<std::string>() : text_option(own, "path", "");
  const auto what = path == "-" ? kind::standard_output : path.ends_with('/') ? kind::folder : kind::file;
  return {.what = what, .path = path, .option = own.is_string() ? "" : "/path"};
}

std::string text_option(const options& own, const char* name, const std::string& preset) {
  if (!own.is_object() || !own.contains(name) || !own[name].is_string()) return preset;
  return own[name].get<std::string>();
}

error option_fault(const std::string& component, const std::string& option, error what) {
  what.path = "/" + component + (option.empty() ? "" : "/" + option);
  return what;
}

std::string target_path(const sink_request& request, const std::string& component, diagnostics& faults) {
  // What stands behind the component's name may be the path itself.
  const auto path = request.own.is_string() ? request.own.get<std::string>() : text_option(request.own, "path", "");
  if (path.empty()) {
    faults.push_back(option_fault(
        component, "path",
        user_error("missing_path", component + " needs the path of a file to write", "path: out/report." + component)));
  }
  if (const auto mode = parse_file_mode(request.mode); !mode.ok()) faults.push_back(mode.problem());
  if (!request.key.empty()) {
    auto problem = user_error("unexpected_key", "a file sink can't use key", "remove key:");
    problem.path = "/key";
    faults.push_back(std::move(problem));
  }
  return path;
}

}  // namespace sluice
