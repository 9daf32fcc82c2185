#include "engine/formats/csv/remarks.hpp"

#include "engine/component/json_pointer.hpp"
#include "engine/error/names.hpp"
#include "engine/files/line_counter.hpp"
#include "engine/formats/csv/sniff.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice::csv {

namespace {

constexpr double usual_share = 0.8;

std::string shown(const std::string& value) { return "'" + shortened(value, 60) + "'"; }

std::string place_of(std::size_t number, std::int64_t offset, const std::vector<input_file>& files) {
  const auto& file = files[std::min(number, files.size() - 1)];
  const auto line = file.path == "-" ? 0 : line_counter(line_break::any).line_at(file, offset);
  return (line > 0 ? " at line " + std::to_string(line) : "") + " of " + file.name;
}

std::string null_values_with(const file_rules& rules, const std::vector<std::string>& words) {
  auto all = rules.nulls.tokens();
  for (const auto& word : words)
    if (std::find(all.begin(), all.end(), word) == all.end()) all.push_back(word);
  return "null_values: " + options(all).dump();
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

/// What the options of a source say of the dialect, for those who look for the rest.
options without_dialect(const options& own) {
  auto fixed = options::object();
  for (const auto* name : {"header", "skip_rows"})
    if (own.contains(name) && !own[name].is_null() && own[name] != options(true) && own[name] != options(0))
      fixed[name] = own[name];
  return fixed;
}

}  // namespace

error text_column_remark(const std::string& name, const typed::text_reason& why, const std::vector<input_file>& files,
                         const file_rules& rules) {
  const auto type = type_name(*why.likely);
  auto message = "column " + name + " is text because of " + shown(why.first.value) +
                 place_of(why.first.file, why.first.offset, files);
  std::string hint;
  if (why.odd == 0) {
    message += ": as " + type + " its values would be written differently than in the file";
    hint = types_line(name, type) + " reads them as " + type;
  } else {
    message += "; " + std::to_string(why.odd) + " of " + std::to_string(why.seen) + " values in the sample " +
               (why.odd == 1 ? "is" : "are") + " not " + type;
    if (why.only_null_words) {
      hint = "csv: { " + null_values_with(rules, why.null_words) + " } reads " + joined(why.null_words) + " as null";
    } else {
      hint = types_line(name, type) + " rejects such records";
      if (!why.null_words.empty()) hint += ", " + null_values_with(rules, why.null_words) + " reads the others as null";
    }
  }
  auto remark = user_error("text_column", message, hint);
  remark.path = pointer({"types", name});
  return remark;
}

error swallowed_remark(const many_lines& what, const std::vector<input_file>& files) {
  auto remark = user_error(
      "lines_in_quotes",
      "the record" + place_of(what.file, what.offset, files) +
          " contains lines that look like records: " + std::to_string(what.within) + " of them are in its quotes",
      "double the quote if it is part of the text; if the file does not use quotes, set csv: { quote: \"\" }");
  remark.path = "/csv";
  return remark;
}

std::string better_options(const input_file& file, const options& own) {
  const auto found = sniff_file(file, without_dialect(own));
  if (!found.ok() || found->share < usual_share) return {};
  auto better = options::object();
  for (const auto& [name, value] : found->own.items()) {
    if (name == "separator" && found->width < 2) continue;
    if (!own.contains(name) || own[name] != value) better[name] = value;
  }
  // A separator that was given by mistake for the usual one.
  if (found->width > 1 && !found->own.contains("separator") && own.contains("separator") && own["separator"] != ",")
    better["separator"] = ",";
  return options_text(better);
}

std::optional<error> dialect_remark(const input_file& file, const options& own, const std::string& reason) {
  const auto found = sniff_file(file, without_dialect(own));
  const auto better = better_options(file, own);
  if (!found.ok() || better.empty()) return {};
  auto message = file.name + ": " + reason;
  const auto used =
      own.contains("separator") && own["separator"].is_string() ? own["separator"].get<std::string>() : ",";
  auto other = found->own.contains("separator") ? found->own["separator"].get<std::string>() : ",";
  if (other == "\\t") other = "\t";
  if (other != used && found->width > 1)
    message +=
        "; the line " + shown(found->first_line) + " has " + std::to_string(count_of(found->first_line, other)) + " " +
        (other == "\t"  ? "tabs"
         : other == " " ? "blanks"
                        : other) +
        " and " +
        (count_of(found->first_line, used) == 0 ? "no " : std::to_string(count_of(found->first_line, used)) + " ") +
        used;
  auto remark = user_error("other_dialect", message, "these options probably fit: " + better);
  remark.path = "/csv";
  return remark;
}

std::optional<error> header_remark(const input_file& file, const options& own, const std::vector<std::string>& names) {
  // Most files have words there and are not looked at again.
  const auto like_number = [](const std::string& name) {
    return !name.empty() && (name[0] == '-' || name[0] == '+' || name[0] == '.' || (name[0] >= '0' && name[0] <= '9'));
  };
  if (!own.contains("header") || own["header"] != options(true) ||
      std::none_of(names.begin(), names.end(), like_number))
    return {};
  auto others = options::object();
  for (const auto& [name, value] : own.items())
    if (name != "header" && !value.is_null()) others[name] = value;
  const auto found = sniff_file(file, others);
  if (!found.ok() || found->share < usual_share || !found->own.contains("header")) return {};
  auto remark = user_error(
      "other_dialect",
      file.name +
          ": its first line looks like a record, but is read as the names of the columns: " + shown(found->first_line),
      "header: false makes it a record, header: [...] names the columns");
  remark.path = "/csv";
  return remark;
}

}  // namespace sluice::csv
