# Headers of others that most files of a layer include, parsed once. Headers of this project are never among them: an
# edit of one would build everything again. Only what is cheap to have is: templates that such a header leaves to be
# instantiated are instantiated in every file (nlohmann/json.hpp: 1.2 s a file). docs/adr has the figures.
# Every file includes what it needs all the same: SLUICE_PCH=OFF builds too, and clang-tidy reads that build.
set(standard_headers <algorithm> <array> <atomic> <cctype> <cerrno> <charconv> <chrono> <cmath> <condition_variable>
  <cstdint> <cstring> <deque> <filesystem> <functional> <limits> <map> <memory> <mutex> <numeric> <optional> <set> <span>
  <sstream> <string> <string_view> <thread> <tuple> <unordered_map> <utility> <variant> <vector>)
set(headers_of_engine ${standard_headers} <arrow/array.h> <arrow/record_batch.h> <arrow/scalar.h> <arrow/type.h>)
set(headers_of_config ${standard_headers})
set(headers_of_actors ${standard_headers} <arrow/type_fwd.h> <caf/all.hpp>)
set(headers_of_test_engine ${standard_headers} <arrow/api.h> <catch2/catch.hpp>)
set(headers_of_test_config ${standard_headers} <catch2/catch.hpp>)
# These take the headers that another target has precompiled.
set(headers_from_app sluice_config)
set(headers_from_cluster sluice_actors)
set(headers_from_test_actors test_config)
set(headers_from_test_cluster test_config)
set(headers_from_test_app test_config)

# sluice_precompile(TARGET NAME): what is listed above for NAME, where g++ compiles.
function(sluice_precompile target name)
  if(NOT SLUICE_PCH OR SLUICE_FUZZ OR NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    return()
  endif()
  if(DEFINED headers_from_${name})
    target_precompile_headers(${target} REUSE_FROM ${headers_from_${name}})
  else()
    target_precompile_headers(${target} PRIVATE ${headers_of_${name}})
  endif()
  target_compile_options(${target} PRIVATE -fpch-preprocess)  # ccache needs it
endfunction()
