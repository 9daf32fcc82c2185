#include "engine/files/foreign_formats.hpp"

#include <algorithm>

namespace sluice {

namespace {

struct magic {
  std::size_t at;
  std::string_view bytes;
  const char* name;
  const char* hint;
  const char* component = "";
};

using namespace std::string_view_literals;

constexpr const char* no_data = "give the path of a data file";
constexpr const char* convert = "export its tables as CSV or Parquet with the program that created it";
constexpr const char* unpack =
    "decompress it first, or compress it with gzip, zstd, lz4 or bz2, which Sluice reads directly";

constexpr magic magics[] = {
    {0, "PAR1"sv, "a Parquet file", "read it with parquet: { path: ... }", "parquet"},
    {0, "ARROW1"sv, "an Arrow file", "read it with ipc: { path: ... }", "ipc"},
    {0, "ORC"sv, "an ORC file", "convert it to Parquet first, for example with pyarrow or DuckDB"},
    {0, "Obj\x01"sv, "an Avro file", "convert it to Parquet or NDJSON first, for example with fastavro or DuckDB"},
    {0, "SQLite format 3\0"sv, "a SQLite database",
     "export its table first: sqlite3 -csv -header FILE 'select * from t'"},
    {8, "DUCK"sv, "a DuckDB database", "export its table first: duckdb FILE -c \"copy t to 't.parquet'\""},
    {0, "%PDF-"sv, "a PDF document", "export the table as CSV with the program that created it"},
    {0, "{\\rtf"sv, "an RTF document", "export the table as CSV with the program that created it"},
    {0, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, "an old Excel or Office file (.xls)",
     "save the sheet as CSV UTF-8, or: libreoffice --headless --convert-to csv FILE"},
    {0,
     "\xFD"
     "7zXZ\0"sv,
     "compressed with xz", unpack},
    {0, "7z\xBC\xAF\x27\x1C"sv, "a 7z archive", unpack},
    {0, "Rar!\x1A\x07"sv, "a RAR archive", unpack},
    {0, "\x1F\x9D"sv, "compressed with compress (.Z)", unpack},
    {0, "LZIP"sv, "compressed with lzip", unpack},
    {0, "\xFF\x06\0\0sNaPpY"sv, "compressed with snappy", unpack},
    {257, "ustar"sv, "a tar archive", "unpack it first: tar -xf FILE"},
    {0, "\x89PNG\r\n\x1A\n"sv, "a PNG image", no_data},
    {0, "\xFF\xD8\xFF"sv, "a JPEG image", no_data},
    {0, "GIF8"sv, "a GIF image", no_data},
    {0, "II*\0"sv, "a TIFF image", no_data},
    {0, "MM\0*"sv, "a TIFF image", no_data},
    {8, "WEBP"sv, "a WebP image", no_data},
    {4, "ftyp"sv, "a video or HEIC image", no_data},
    {8, "WAVE"sv, "a sound file", no_data},
    {0, "ID3\x03"sv, "a sound file", no_data},
    {0, "OggS\0"sv, "a sound or video file", no_data},
    {0, "\x89HDF\r\n\x1A\n"sv, "an HDF5 file", convert},
    {0, "CDF\x01"sv, "a NetCDF file", convert},
    {0, "\x93NUMPY"sv, "a NumPy array", convert},
    {0, "RDX2\n"sv, "an R data file", convert},
    {0, "RDX3\n"sv, "an R data file", convert},
    {0, "$FL2"sv, "an SPSS file", convert},
    {0, "<stata_dta>"sv, "a Stata file", convert},
    {0, "\x80\x04\x95"sv, "a Python pickle", convert},
    {0, "PGDMP"sv, "a dump of PostgreSQL", "restore it, and export the tables as CSV"},
    {0,
     "\x7F"
     "ELF"sv,
     "a program", no_data},
    {0, "\xCA\xFE\xBA\xBE"sv, "a program", no_data},
    {0, "wOF2"sv, "a font", no_data},
};

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// What is in a zip archive, by the names at its begin.
foreign_format zip_of(std::string_view first) {
  const std::string sheet = "save the sheet as CSV UTF-8, or: libreoffice --headless --convert-to csv FILE";
  if (has(first, "xl/")) return {"an Excel workbook (.xlsx)", sheet};
  if (has(first, "opendocument.spreadsheet")) return {"an OpenDocument spreadsheet (.ods)", sheet};
  if (has(first, "word/")) return {"a Word document", convert};
  if (has(first, "[Content_Types].xml")) return {"an Excel workbook or another Office file", sheet};
  return {"a zip archive", "unpack it first: unzip FILE"};
}

bool same_word(std::string_view text, std::string_view word) {
  if (text.size() < word.size()) return false;
  return std::equal(word.begin(), word.end(), text.begin(),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b); });
}

}  // namespace

std::optional<foreign_format> known_format(std::string_view first) {
  if (first.starts_with("PK\x03\x04") || first.starts_with("PK\x05\x06")) return zip_of(first);
  for (const auto& known : magics) {
    if (first.size() < known.at + known.bytes.size() || first.substr(known.at, known.bytes.size()) != known.bytes)
      continue;
    // A magic number of letters alone may begin a text as well: binary files have other bytes soon.
    const bool letters =
        std::all_of(known.bytes.begin(), known.bytes.end(), [](char c) { return c >= ' ' && c <= '~'; });
    const auto near = first.substr(0, 4096);
    const bool binary = std::any_of(near.begin(), near.end(), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f';
    });
    if (letters && !binary && !known.bytes.starts_with("%PDF") && !known.bytes.starts_with("{\\rtf") &&
        !known.bytes.starts_with("<stata"))
      continue;
    return foreign_format{known.name, known.hint, known.component};
  }
  auto text = first.starts_with("\xEF\xBB\xBF") ? first.substr(3) : first;
  while (!text.empty() && (text[0] == ' ' || text[0] == '\n' || text[0] == '\r' || text[0] == '\t'))
    text.remove_prefix(1);
  if (same_word(text, "<!doctype html") || same_word(text, "<html"))
    return foreign_format{"an HTML page", "probably a web page or a login page was saved instead of the data"};
  if (same_word(text, "<?xml")) return foreign_format{"an XML document", "convert it to CSV or NDJSON first"};
  return {};
}

std::optional<error> not_wanted_format(const std::string& file, std::string_view first, const std::string& wanted) {
  const auto found = known_format(first);
  if (!found) return {};
  // One that is cut off or damaged is for its own reader to tell.
  if ((found->component == "parquet" && wanted == "Parquet") || (found->component == "ipc" && wanted == "Arrow"))
    return {};
  return user_error("foreign_file", file + " is " + found->name + ", not " + wanted, found->hint);
}

}  // namespace sluice
