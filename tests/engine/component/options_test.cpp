#include "engine/component/options.hpp"
#include "engine/component/bounded_json.hpp"
#include "engine/component/json_pointer.hpp"

#include <catch2/catch.hpp>

#include <limits>

using sluice::options;
using sluice::parse_bounded_json;

TEST_CASE("a braced list of pairs is a map in the order written, any other one a list") {
  const options map = {{"b", 1}, {"a", {1, "two", nullptr}}, {"c", options::object()}};
  CHECK(map.is_object());
  CHECK(map.dump() == R"({"b":1,"a":[1,"two",null],"c":{}})");
  CHECK(options({1, 2}).dump() == "[1,2]");
  CHECK(options({{"a", 1}, {2, 3}}).dump() == R"([["a",1],[2,3]])");
  CHECK(options::array({{"a", 1}}).dump() == R"([["a",1]])");
  CHECK(options(std::vector<std::string>{"x", "y"}).dump() == R"(["x","y"])");
  CHECK(options(std::map<std::string, int>{{"x", 1}}).dump() == R"({"x":1})");
  CHECK(options().dump() == "null");
}

TEST_CASE("numbers keep how they came and compare by value") {
  const auto read = options::parse("[5,-5,5.0,1e300,18446744073709551615,-9223372036854775808,18446744073709551616]");
  CHECK(read.dump() == "[5,-5,5.0,1e+300,18446744073709551615,-9223372036854775808,1.8446744073709552e+19]");
  CHECK(read[0].is_number_unsigned());
  CHECK_FALSE(read[1].is_number_unsigned());
  CHECK(read[2].is_number_float());
  CHECK(read[0] == 5);
  CHECK(read[0] == 5.0);
  CHECK(read[1] == -5);
  CHECK(read[4] == std::numeric_limits<std::uint64_t>::max());
  CHECK_FALSE(read[4] == -1);
  CHECK(read[5].get<std::int64_t>() == std::numeric_limits<std::int64_t>::min());
  CHECK(options(0.1).dump() == "0.1");
  CHECK(options(std::numeric_limits<double>::infinity()).dump() == "null");
}

TEST_CASE("JSON text is read and written as it stands") {
  const std::string text = R"({"z":[true,false,null],"a":{"quote\"\\\u0001":"ä\n"},"e":[]})";
  CHECK(options::parse(text).dump() == text);
  CHECK(options::parse(R"({"a":[1,{"b":2}]})").dump(2) ==
        "{\n  \"a\": [\n    1,\n    {\n      \"b\": 2\n    }\n  ]\n}");
  CHECK(options::parse(R"({"a":1,"b":2,"a":3})").dump() == R"({"a":3,"b":2})");
  CHECK(options("a\xff").dump() == "\"a\xef\xbf\xbd\"");
  for (const auto* wrong : {"", "{", "[1,]", "{\"a\" 1}", "01", "nul", "1 2", "\"\\x\""}) {
    INFO(wrong);
    CHECK_FALSE(options::try_parse(wrong).has_value());
    CHECK_THROWS_AS((void)options::parse(wrong), options::exception);
  }
}

TEST_CASE("JSON that is nested too deeply is refused and not read to the end") {
  const auto nested = [](int levels) {
    return std::string(static_cast<std::size_t>(levels), '[') + std::string(static_cast<std::size_t>(levels), ']');
  };
  CHECK(options::parse(nested(options::deepest)).dump() == nested(options::deepest));
  CHECK_FALSE(options::try_parse(nested(options::deepest + 1)).has_value());
  CHECK_FALSE(options::try_parse(std::string(8'000'000, '[')).has_value());
  CHECK_FALSE(options::from_msgpack(std::string(100'000, '\x91')).has_value());
}

TEST_CASE("MessagePack gives back what was packed") {
  const options value = {{"list", {1, -1, 2.5, true, nullptr}},
                         {"bytes", options::binary({0, 255})},
                         {"map", {{"b", "x"}, {"a", options::array()}}}};
  const auto read = options::from_msgpack(value.to_msgpack());
  REQUIRE(read.has_value());
  CHECK(*read == value);
  CHECK(read->at("bytes").get_binary() == options::bytes_type{0, 255});
  const auto packed = value.to_msgpack();
  for (std::size_t size = 0; size < packed.size(); ++size)
    CHECK_FALSE(options::from_msgpack(std::string_view(packed).substr(0, size)).has_value());
}

TEST_CASE("what is not there or of another kind is an error that names both kinds") {
  const options map = {{"text", "x"}, {"number", 2}};
  CHECK_THROWS_WITH(map.at("other"), "key 'other' not found");
  CHECK_THROWS_WITH(map["other"], "key 'other' not found");
  CHECK_THROWS_WITH((void)map.at("text").get<int>(), "type must be number, but is string");
  CHECK_THROWS_WITH((void)map.at("number").get<std::string>(), "type must be string, but is number");
  CHECK_THROWS_WITH((void)map.get<std::vector<int>>(), "type must be array, but is object");
  CHECK_THROWS_AS((void)options(1).value("a", 2), options::exception);
  CHECK_THROWS_AS(options(1)["a"], options::exception);
  CHECK(map.value("text", "") == "x");
  CHECK(map.value("other", std::int64_t{7}) == 7);
  CHECK(map.find("other") == map.end());
  const options number = 1;
  CHECK(number.find("a") == number.end());
}

TEST_CASE("lists and maps are walked in their order") {
  options map;
  map["z"] = 1;
  map["a"].push_back("x");
  std::string seen;
  for (const auto& [key, value] : map.items()) seen += key + "=" + value.dump() + ";";
  CHECK(seen == "z=1;a=[\"x\"];");
  for (auto& value : map) value = value.dump();
  CHECK(map.dump() == R"({"z":"1","a":"[\"x\"]"})");
  CHECK(map.begin().key() == "z");
  CHECK(map.erase("z"));
  CHECK_FALSE(map.erase("z"));
  CHECK(map == options{{"a", "[\"x\"]"}});
  CHECK_FALSE(options{{"a", 1}, {"b", 2}} == options{{"b", 2}, {"a", 1}});
  CHECK(options().begin() == options().end());
}

TEST_CASE("a JSON pointer is taken apart as it was put together") {
  for (const auto& parts : {std::vector<std::string>{"types", "a/b~c"}, {"", "x"}, {}})
    CHECK(sluice::pointer_parts(sluice::pointer(parts)) == parts);
  CHECK(sluice::pointer_parts("types/a").empty());
  CHECK(sluice::pointer_parts("/a~2").empty());
}

TEST_CASE("JSON from outside is read up to a number of values, and numbers up to a length") {
  CHECK(parse_bounded_json(R"({"a":[1,{"b":null}],"c":"1e9"})", 6).value().dump() ==
        R"({"a":[1,{"b":null}],"c":"1e9"})");
  CHECK(parse_bounded_json(R"({"a":[1,{"b":null}],"c":"1e9"})", 5).problem().code == "too_many_values");
  CHECK(parse_bounded_json("[[],[]", 3).problem().code == "invalid_json");
  CHECK(parse_bounded_json("[[],[]", 2).problem().code == "too_many_values");
  const auto digits = "0." + std::string(998, '7');
  CHECK(parse_bounded_json("[" + digits + "]", 2).ok());
  CHECK(parse_bounded_json("[" + digits + "7]", 2).problem().code == "invalid_json");
  CHECK(parse_bounded_json("[\"\\\"" + digits + "7\",\"" + digits + "7\"]", 3).ok());
}
