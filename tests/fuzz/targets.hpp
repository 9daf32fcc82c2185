#pragma once

#include <cstddef>
#include <cstdint>

/// What the fuzzers call, each with any bytes: nothing may crash, hang, or break a promise (then they abort). Also run
/// over the kept corpora by the ordinary tests.
namespace sluice::fuzz {

/// Any CSV in any dialect: read in one piece and in small splits, with the same rows and rejects.
void csv_reader(const std::uint8_t* data, std::size_t size);
/// Any NDJSON, in the same ways.
void ndjson_reader(const std::uint8_t* data, std::size_t size);
/// Any text as an expression over columns of all types: it is parsed and typed, its canonical text as well.
void expression_parser(const std::uint8_t* data, std::size_t size);
/// Any bytes as a frame, with its own checksum and with the right one: what comes out is valid.
void wire_decoder(const std::uint8_t* data, std::size_t size);

}  // namespace sluice::fuzz
