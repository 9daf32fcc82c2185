#include "engine/sinks/history/history_fields.hpp"

namespace sluice::history {

std::string history_description() {
  return "`mode: merge` with `merge: { delete_when: \"_deleted\", update: [a, b] }` adds rows, sets the columns of "
         "`update` "
         "(default: all) in the row of their key, and removes the row of their key where `delete_when` is true. If "
         "`delete_when` is only a column, that column is not loaded. Of several rows with the same key the last one "
         "counts.\n\n"
         "`mode: scd2` with `scd2: { tracked: [name, city], at: \"$day\", gone: close, surrogate: sk }` keeps the "
         "history. A version is valid from `valid_from` until before `valid_to` (null: it is current, `is_current`). A "
         "change of a tracked column (default: all but the key) at the time `at` ends the version that holds then and "
         "begins another one. A change that comes late is inserted between its neighbours. Other columns are "
         "overwritten "
         "in the version that holds. Loading an extract again changes nothing. `gone: close` ends the versions of keys "
         "that are not in the extract; `at` may then not depend on columns. `surrogate` is the hash of key and "
         "valid_from, as the transform surrogate_key computes it.\n\n"
         "For both modes the table needs a unique index: on the key for merge, on the key and `valid_from` for scd2. "
         "Other constraints of the table are checked by the commit only.\n\n";
}

}  // namespace sluice::history
