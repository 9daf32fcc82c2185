#include "engine/formats/ndjson/record_shape.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice::ndjson {

result<std::vector<typed::column>> record_shape::make_columns() const {
  std::vector<typed::column> made;
  for (const int index : columns.wanted()) {
    const auto& field = records.schema->field(index);
    const auto given = records.given.find(field->name());
    SLUICE_ASSIGN(auto one,
                  typed::make_column(field->name(), field->name(), field->type(), given != records.given.end()));
    if (given != records.given.end()) one.take_forms(given->second);
    made.push_back(std::move(one));
  }
  return made;
}

key_table record_shape::make_keys() const {
  key_table keys;
  const auto& wanted = columns.wanted();
  const int count = fields < 0 ? records.schema->num_fields() : fields;
  for (int i = 0; i < count; ++i) {
    const auto found = std::lower_bound(wanted.begin(), wanted.end(), i);
    const bool is_wanted = found != wanted.end() && *found == i;
    const auto& field = *records.schema->field(i);
    // What nobody reads is looked into all the same: for keys that come twice or are unknown.
    keys.add(field.name(), is_wanted ? static_cast<int>(found - wanted.begin()) : -1,
             keys_inside(*field.type(), ignore_unknown));
  }
  keys.ignore_unknown = ignore_unknown;
  keys.index();
  return keys;
}

}  // namespace sluice::ndjson
