#include "engine/memory/spill_file.hpp"

#include "tests/support/collector.hpp"
#include "tests/support/components.hpp"

#include <arrow/compute/api_vector.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

using namespace sluice;
using namespace sluice::testing;
using memory::spill_file;

namespace {

struct place {
  test::temporary_folder folder;
  run_context context = test_context();
  place() { context.spill_folder = folder.file("run"); }
};

batch numbers(std::int64_t count) {
  arrow::Int64Builder builder;
  for (std::int64_t n = 0; n < count; ++n) (void)builder.Append(n * 0x9e3779b97f4a7c15);
  return batch_of(schema_of("n bigint"), {builder.Finish().ValueOrDie()});
}

}  // namespace

TEST_CASE("what was spilled comes back as it was, in any order and any number of times") {
  place at;
  spill_file file(at.context, "u");
  auto first = test::as_batch(test::every_type());
  first.order = {
      .split = 3, .sequence = (std::uint64_t{1} << 33) + 4, .chunk = 5, .last_chunk = false, .last_in_split = true};
  first.epoch = 6;
  const auto second =
      with_positions(rows("id bigint, name text", R"([[1, "a"], [2, null]])"), (1U << 31) + 1, std::int64_t{1} << 40);
  const auto a = must(file.write(first));
  const auto b = must(file.write(second));
  const auto c = must(file.write(second.slice(1, 1)));
  CHECK(a.rows == first.rows());
  const auto read_b = must(file.read(b));
  CHECK(read_b.data->Equals(*second.data));
  REQUIRE(read_b.positions);
  CHECK(read_b.positions->Equals(*second.positions));
  CHECK(position_at(*read_b.positions, 1) == position{0, (1U << 31) + 1, (std::int64_t{1} << 40) + 1});
  for (int turn = 0; turn < 2; ++turn) {
    const auto read_a = must(file.read(a));
    CHECK(read_a.data->Equals(*first.data));
    CHECK(read_a.data->schema()->Equals(*first.data->schema(), true));
    CHECK(read_a.positions == nullptr);
    CHECK(read_a.order == first.order);
    CHECK(read_a.epoch == 6);
  }
  CHECK(must(file.read(c)).data->Equals(*second.data->Slice(1)));
  file.drop(b);
  CHECK(must(file.read(a)).data->Equals(*first.data));
}

TEST_CASE("dictionaries, slices and lists are spilled with what belongs to them") {
  place at;
  spill_file file(at.context, "u");
  const auto plain = rows("t text, l bigint[]", R"([["a", [1]], ["b", [2, 3]], ["a", []], [null, null]])");
  const auto dictionary = arrow::compute::DictionaryEncode(plain.data->column(0)).ValueOrDie().make_array();
  const auto schema =
      arrow::schema({arrow::field("t", dictionary->type()), arrow::field("l", plain.data->column(1)->type())});
  const auto in = batch_of(schema, {dictionary, plain.data->column(1)}).slice(1, 3);
  const auto back = must(file.read(must(file.write(in))));
  CHECK(back.data->Equals(*in.data));
  CHECK(back.data->ValidateFull().ok());
}

TEST_CASE("nothing of a spill file is ever seen in the folder") {
  place at;
  {
    spill_file unused(at.context, "u");
    spill_file file(at.context, "u");
    CHECK(at.folder.names().empty());
    (void)must(file.write(numbers(10)));
    CHECK(at.folder.names().empty());
  }
  CHECK(at.folder.names().empty());
  std::vector<std::thread> instances;
  std::atomic<int> made = 0;
  for (int i = 0; i < 8; ++i)
    instances.emplace_back([&] {
      for (int turn = 0; turn < 20; ++turn) {
        spill_file file(at.context, "u");
        if (file.write(numbers(10)).ok()) ++made;
      }
    });
  for (auto& one : instances) one.join();
  CHECK(made == 160);
  CHECK(at.folder.names().empty());
}

TEST_CASE("a damaged spill file is noticed") {
  place at;
  spill_file file(at.context, "aggregate_all");
  const auto block = must(file.write(numbers(1000)));
  const auto next = must(file.write(numbers(1000)));
  char byte = 0;
  REQUIRE(::pread(file.descriptor(), &byte, 1, block.bytes / 2) == 1);
  byte = static_cast<char>(byte ^ 4);
  REQUIRE(::pwrite(file.descriptor(), &byte, 1, block.bytes / 2) == 1);
  const auto read = file.read(block);
  REQUIRE_FALSE(read.ok());
  CHECK(read.problem().code == "spill_damaged");
  CHECK(read.problem().message.find("aggregate_all") != std::string::npos);
  CHECK(read.problem().message.find(at.context.spill_folder) != std::string::npos);
  CHECK(file.read(next).ok());
  REQUIRE(::ftruncate(file.descriptor(), next.offset + 10) == 0);
  CHECK(file.read(next).problem().code == "spill_damaged");
}

TEST_CASE("a spill folder with no room left is named, and left empty") {
  place at;
  rlimit before = {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {.rlim_cur = 100'000, .rlim_max = before.rlim_max};
  {
    spill_file file(at.context, "sort_all");
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto fits = file.write(numbers(1000));
    const auto failed = file.write(numbers(100'000));
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, handler);
    CHECK(fits.ok());
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.problem().code == "spill_failed");
    CHECK(failed.problem().to_blame == blame::external);
    CHECK(failed.problem().where == "unit sort_all");
    CHECK(failed.problem().message.find(at.context.spill_folder) != std::string::npos);
    CHECK(failed.problem().hint.find("--spill") != std::string::npos);
  }
  CHECK(at.folder.names().empty());
}

TEST_CASE("a spill folder that can't be made is the run's error") {
  place at;
  at.context.spill_folder = at.folder.write("file", "x") + "/run";
  spill_file file(at.context, "u");
  const auto made = file.write(numbers(1));
  REQUIRE_FALSE(made.ok());
  CHECK(made.problem().code == "spill_failed");
  CHECK(at.folder.names() == std::vector<std::string>{"file"});
}

TEST_CASE("what spilling needs itself is counted, beyond the limit too, and given back") {
  place at;
  at.context.memory = std::make_shared<memory::manager>(1000);
  spill_file file(at.context, "u");
  const auto block = must(file.write(numbers(10'000)));
  CHECK(block.memory_bytes == 80'000);
  CHECK(at.context.memory->peak() >= 80'000);
  CHECK(at.context.memory->reserved() == 0);
  memory::reservation mine(at.context.memory, "u");
  CHECK(mine.try_resize(1000));
  CHECK_FALSE(mine.try_resize(1001));
  CHECK(mine.bytes() == 1000);
  mine.take(5000);
  CHECK(at.context.memory->reserved() == 5000);
  CHECK(mine.try_resize(10));
  CHECK(at.context.memory->reserved() == 10);
}
