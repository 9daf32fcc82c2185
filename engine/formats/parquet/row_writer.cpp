#include "engine/formats/parquet/row_writer.hpp"

#include "engine/formats/parquet/arrow_file.hpp"
#include "engine/formats/parquet/column_file.hpp"

#include <arrow/type.h>
#include <parquet/arrow/schema.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

namespace sluice::parquet_writing {

bool can_encode(const arrow::Schema& schema, const ::parquet::WriterProperties& properties) {
  std::shared_ptr<::parquet::SchemaDescriptor> columns;
  if (!::parquet::arrow::ToParquetSchema(&schema, properties, &columns).ok() ||
      columns->num_columns() != schema.num_fields())
    return false;
  for (int i = 0; i < schema.num_fields(); ++i)
    if (!can_encode(*schema.field(i)->type(), *columns->Column(i))) return false;
  return true;
}

result<std::unique_ptr<row_writer>> make_row_writer(std::shared_ptr<arrow::Schema> schema, file_rules rules,
                                                    file_target_stream& to) {
  // Our encoders write pages as they are.
  if (rules.properties->file_encryption_properties() != nullptr)
    return make_arrow_file(std::move(schema), std::move(rules), to);
  SLUICE_ASSIGN(auto made, column_file::make(schema, rules, to));
  if (made) return std::unique_ptr<row_writer>(std::move(made));
  return make_arrow_file(std::move(schema), std::move(rules), to);
}

}  // namespace sluice::parquet_writing
