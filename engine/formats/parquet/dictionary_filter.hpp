#pragma once

#include "engine/columns/row_filter.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// Leaves out rows of a Parquet file by looking at the dictionaries of their texts, before the texts are made: each
/// value of a dictionary is looked at once, and rows by its number.
class dictionary_filter {
 public:
  /// `names`: the file's columns that `filter.columns()` are.
  dictionary_filter(const row_filter& filter, const std::vector<std::string>& names);

  /// Whether rows as the file has them stay; those that the dictionaries say nothing of do. Empty: all stay, or nothing
  /// can be said. The rest of the condition is still to be looked at.
  result<std::shared_ptr<arrow::BooleanArray>> keep(const arrow::RecordBatch& rows);

 private:
  enum class verdict : std::uint8_t { stays, goes, fails };
  struct part {
    std::string column;
    row_filter::text_part what;
    std::shared_ptr<arrow::Array> dictionary = {};  ///< that the verdicts are about
    std::vector<verdict> verdicts = {};
  };
  /// The numbers of a part's texts, with verdicts that are up to date; null where it is not of that form.
  result<const arrow::DictionaryArray*> look_up(part& of, const arrow::RecordBatch& rows);

  std::vector<part> parts_;
};

}  // namespace sluice
