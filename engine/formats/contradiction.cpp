#include "engine/formats/contradiction.hpp"

namespace sluice {

namespace {

std::string with_commas(std::uint64_t number) {
  auto text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

std::string as_key(const std::string& name) {
  const bool plain =
      !name.empty() &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
  return plain ? name : "\"" + name + "\"";
}

}  // namespace

error contradicts_type(const contradiction& what) {
  // A type with a comma would end the entry in a flow map.
  const auto wider = what.wider.find(',') == std::string::npos ? what.wider : "\"" + what.wider + "\"";
  const auto remedy = "types: { " + as_key(what.key) + ": " + wider + " }";
  auto message = "column " + what.column + " inferred " + what.type;
  if (what.sampled_rows > 0) message += " from " + with_commas(static_cast<std::uint64_t>(what.sampled_rows)) + " rows";
  message += "; value '" + what.value.substr(0, 80) + "'";
  if (what.line > 0) message += " at line " + with_commas(what.line);
  message += " of " + what.file + " " + what.nature + ": " + remedy;
  return user_error("contradicts_type", message,
                    "write " + remedy + " beside the component; with the given type " + what.type +
                        " instead, values that are none go to the rejects");
}

}  // namespace sluice
