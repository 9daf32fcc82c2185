#pragma once

#include <string>
#include <vector>

namespace sluice::config {

/// Where in a pipeline a form of the language stands.
enum class place_of_form { pipeline, run, unit, extract, transform, load, option };

/// A form that the language knows and this version can't run. The reader refuses it with `not_supported_yet`, the
/// tests walk the list; it shrinks as forms are built.
struct unsupported_form {
  place_of_form place;
  std::string key;
  std::string value;    ///< only this value of the key; empty: any
  std::string example;  ///< what stands behind the key, in YAML's flow style
};

const std::vector<unsupported_form>& unsupported_forms();

/// Finds the entry for a key, and for its value where the entry has one.
const unsupported_form* find_unsupported(place_of_form place, const std::string& key, const std::string& value = {});

}  // namespace sluice::config
