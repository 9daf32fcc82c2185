# Writes the files of a folder as a C++ source: cmake -DFOLDER=web -DOUT=page_files.cpp -P EmbedFiles.cmake
# Each becomes an entry of page_files() (cluster/http/page.hpp), named by its hash for the browser's cache.
file(GLOB names RELATIVE ${FOLDER} ${FOLDER}/*)
list(SORT names)
set(arrays "")
set(entries "")
set(number 0)
foreach(name ${names})
  get_filename_component(ending ${name} LAST_EXT)
  if(ending STREQUAL ".html")
    set(type "text/html; charset=utf-8")
  elseif(ending STREQUAL ".css")
    set(type "text/css; charset=utf-8")
  elseif(ending STREQUAL ".js")
    set(type "text/javascript; charset=utf-8")
  elseif(ending STREQUAL ".svg")
    set(type "image/svg+xml")
  else()
    message(FATAL_ERROR "${FOLDER}/${name}: no content type is known for ${ending}")
  endif()
  file(READ ${FOLDER}/${name} bytes HEX)
  file(SHA256 ${FOLDER}/${name} hash)
  string(SUBSTRING ${hash} 0 32 hash)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "constexpr unsigned char file_${number}[] = {${bytes}};\n")
  string(APPEND entries
    "    {.path = \"${name}\", .content_type = \"${type}\", .etag = \"\\\"${hash}\\\"\", .body = text_of(file_${number})},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "// Made from ${FOLDER} by cmake/EmbedFiles.cmake.
#include \"cluster/http/page.hpp\"

namespace sluice::cluster {

namespace {

template <std::size_t size>
std::string_view text_of(const unsigned char (&bytes)[size]) {
  return {reinterpret_cast<const char*>(bytes), size};
}

${arrays}
}  // namespace

const std::vector<page_file>& page_files() {
  static const std::vector<page_file> all = {
${entries}  };
  return all;
}

}  // namespace sluice::cluster
")
