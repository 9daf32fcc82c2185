#include "engine/wire/frame.hpp"

#include "tests/engine/wire/sample_batches.hpp"

#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

using namespace sluice;

// Not a test of its own: wire_python_test.py runs it to get frames and, as the truth, the same batches as Arrow files.
TEST_CASE("dump frames for other languages", "[.][dump_frames]") {
  const auto* folder = std::getenv("SLUICE_DUMP_FOLDER");
  REQUIRE(folder != nullptr);
  auto samples = test::sample_batches();
  samples.push_back({"split", test::wide_batch(60000, 100)});
  samples.push_back({"fragments", test::wide_batch(1, 9 * 1024 * 1024)});
  const std::pair<wire::codec, const char*> codecs[] = {
      {wire::codec::none, "none"}, {wire::codec::lz4, "lz4"}, {wire::codec::zstd, "zstd"}};
  for (const auto& sample : samples) {
    for (const auto& [codec, name] : codecs) {
      const auto base = std::string(folder) + "/" + sample.name + "." + name;
      const wire::header head{
          .run = "0192f0c1-7f3e-7000-8000-000000000001", .edge = 1, .from = 2, .to = 3, .attempt = 4, .sequence = 10};
      const auto frames = wire::encode({head, sample.rows}, codec);
      REQUIRE(frames.ok());
      for (std::size_t i = 0; i < frames->size(); ++i)
        std::ofstream(base + "." + std::to_string(i) + ".frame", std::ios::binary) << (*frames)[i];
      const auto file = arrow::io::FileOutputStream::Open(base + ".arrow").ValueOrDie();
      const auto writer = arrow::ipc::MakeFileWriter(file, sample.rows.data->schema()).ValueOrDie();
      REQUIRE(writer->WriteRecordBatch(*sample.rows.data).ok());
      REQUIRE(writer->Close().ok());
    }
  }
}
