#include "config/not_supported_yet.hpp"

namespace sluice::config {

const std::vector<unsupported_form>& unsupported_forms() {
  using enum place_of_form;
  static const std::vector<unsupported_form> forms = {
      {unit, "timeout", "", "10m"},
  };
  return forms;
}

const unsupported_form* find_unsupported(place_of_form place, const std::string& key, const std::string& value) {
  for (const auto& form : unsupported_forms())
    if (form.place == place && form.key == key && (form.value.empty() || form.value == value)) return &form;
  return nullptr;
}

}  // namespace sluice::config
