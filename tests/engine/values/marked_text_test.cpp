#include "engine/values/marked_text.hpp"
#include "engine/values/map_type.hpp"
#include "engine/values/types.hpp"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/api.h>
#include <catch2/catch.hpp>

using namespace sluice;

TEST_CASE("types of text have names that are read again, and are told apart though Arrow does not") {
  for (const std::string name : {"json", "uuid", "varchar(20)", "text", "json[]", "map(text, json)",
                                 "struct(a json, b varchar(3)[])", "map(integer, map(text, uuid))"}) {
    INFO(name);
    const auto type = parse_type(name);
    REQUIRE(type.ok());
    CHECK(type_name(**type) == name);
    CHECK(same_type(**type, **parse_type(name)));
  }
  CHECK(json_type()->Equals(*arrow::utf8()));
  CHECK_FALSE(same_type(*json_type(), *arrow::utf8()));
  CHECK_FALSE(same_type(*arrow::list(json_type()), *arrow::list(arrow::utf8())));
  CHECK_FALSE(same_type(*varchar_type(3), *varchar_type(4)));
  CHECK(type_name(**parse_type("jsonb")) == "json");
  CHECK(type_name(**parse_type("numeric")) == "decimal(38,9)");
  CHECK_FALSE(parse_type("varchar(0)").ok());
  CHECK_FALSE(parse_type("map(text)").ok());
}

TEST_CASE("marks survive Arrow's messages, also inside of lists, structs and maps") {
  const auto schema =
      arrow::schema({arrow::field("j", json_type()), arrow::field("u", arrow::list(uuid_type())),
                     arrow::field("s", arrow::struct_({arrow::field("v", varchar_type(7))})),
                     arrow::field("m", map_type(arrow::utf8(), json_type())), arrow::field("t", arrow::utf8())});
  const auto bytes = arrow::ipc::SerializeSchema(*marks_to_metadata(schema)).ValueOrDie();
  arrow::io::BufferReader in(bytes);
  arrow::ipc::DictionaryMemo memo;
  const auto back = marks_from_metadata(arrow::ipc::ReadSchema(&in, &memo).ValueOrDie());
  CHECK(schema_text(*back) == schema_text(*schema));
  CHECK(is_map_type(*back->field(3)->type()));
  CHECK(back->field(0)->metadata() == nullptr);
  const auto plain = arrow::schema({arrow::field("t", arrow::utf8())});
  CHECK(marks_to_metadata(plain) == plain);
}
