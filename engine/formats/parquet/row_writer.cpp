#include "engine/formats/parquet/row_writer.hpp"

#include "engine/formats/parquet/arrow_file.hpp"
#include "engine/formats/parquet/column_file.hpp"

namespace sluice::parquet_writing {

result<std::unique_ptr<row_writer>> make_row_writer(std::shared_ptr<arrow::Schema> schema, file_rules rules,
                                                    file_target_stream& to) {
  SLUICE_ASSIGN(auto made, column_file::make(schema, rules, to));
  if (made) return std::unique_ptr<row_writer>(std::move(made));
  return make_arrow_file(std::move(schema), std::move(rules), to);
}

}  // namespace sluice::parquet_writing
