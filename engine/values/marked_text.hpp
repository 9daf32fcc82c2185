#pragma once

#include <arrow/type_fwd.h>

#include <memory>

namespace sluice {

/// The types of the language that Arrow holds as text, told apart by a mark (docs/adr/0048-types-of-text.md). Arrow
/// takes all of them for utf8: what only moves values needs to know nothing of it.
enum class text_mark {
  none,     ///< text, or no text at all
  json,     ///< valid JSON, as it was written
  uuid,     ///< in canonical form: 8-4-4-4-12 hexadecimal digits in lower case
  varchar,  ///< text of a limited number of characters
};

const std::shared_ptr<arrow::DataType>& json_type();
const std::shared_ptr<arrow::DataType>& uuid_type();
/// Text of at most `most` characters.
std::shared_ptr<arrow::DataType> varchar_type(int most);

text_mark mark_of(const arrow::DataType& type);
inline bool is_json_type(const arrow::DataType& type) { return mark_of(type) == text_mark::json; }
/// The most characters of a varchar; 0 for other types.
int most_characters(const arrow::DataType& type);
/// DataType::Equals that knows the marks, also inside of lists and structs.
bool same_type(const arrow::DataType& left, const arrow::DataType& right);

// Arrow's messages know no marks: schemas that travel in them carry them as metadata of their fields.

/// The schema with the marks of its types as metadata; itself where it has none.
std::shared_ptr<arrow::Schema> marks_to_metadata(const std::shared_ptr<arrow::Schema>& schema);
/// The way back.
std::shared_ptr<arrow::Schema> marks_from_metadata(const std::shared_ptr<arrow::Schema>& schema);

}  // namespace sluice
