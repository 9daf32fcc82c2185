#pragma once

#include "engine/error/error.hpp"
#include "engine/formats/csv/chunk_reader.hpp"
#include "engine/formats/csv/reader.hpp"

#include <cstdint>
#include <string_view>

/// Records that go on and on: mostly a quote opened them that nobody closed, or that closes by chance far behind. Each
/// takes many records of the file into one, so that no count of rejects would show what is lost: they fail the source.
namespace sluice::csv {

/// A record larger than this is not read.
inline constexpr std::int64_t largest_record = 256 * 1024 * 1024;

/// Finds how far the record that starts at `record` goes, reading block by block: nothing is kept.
result<record_extent> find_extent(const fetch& from, const dialect& rules, std::int64_t record);
/// The same for a record whose bytes are at hand.
record_extent extent_of(std::string_view bytes, const dialect& rules, std::int64_t record);

/// The error for it: unclosed_quote, or record_too_large.
error runaway_record(const record_extent& what, const read_plan& plan, const split& piece, const reader_questions& ask);

/// How many lines behind the first one of a record, each read by itself, are whole records with `fields` fields.
std::uint64_t records_within(std::string_view record, const dialect& rules, std::size_t fields);
/// So many may be lost with one reject; more fail the source.
inline constexpr std::uint64_t most_records_within = 10;
/// The error runaway_quote for a record (at `offset` in the split) that does not fit and holds so many others.
error runaway_quote(const rejected_record& record, std::uint64_t within, const read_plan& plan, const split& piece,
                    const reader_questions& ask);

}  // namespace sluice::csv
