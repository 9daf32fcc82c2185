# sluice_late_library(NAME LIBRARY PREFIX PACKAGE): the program calls the functions of the shared LIBRARY whose names match
# PREFIX, but loads it only when the first of them is called. Appends a generated source to `sluice_late_sources` and the
# library to `sluice_late_libraries`. GNU's linkers know no delayed loading; what is generated here is what they would do:
# each function is a jump through a slot that first leads to engine/clients/late_library.cpp (docs/adr/0001).
set(sluice_late_sources)
set(sluice_late_libraries)

function(sluice_late_library name library prefix package)
  get_filename_component(library ${library} REALPATH)
  execute_process(COMMAND ${CMAKE_NM} -D --defined-only ${library} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[ \n][TW] ${prefix}[A-Za-z0-9_]*" symbols "${symbols}")
  list(TRANSFORM symbols REPLACE "^.[TW] " "")
  list(REMOVE_DUPLICATES symbols)
  execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${library} OUTPUT_VARIABLE header COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCH "SONAME +([^\n ]+)" found "${header}")
  set(soname ${CMAKE_MATCH_1})
  if(NOT symbols OR NOT soname)
    message(FATAL_ERROR "${library} exports no function ${prefix}*")
  endif()

  set(number 0)
  set(stubs "")
  set(slots "")
  set(names "")
  foreach(symbol ${symbols})
    string(APPEND stubs ".hidden ${symbol}\n.globl ${symbol}\n.type ${symbol}, @function\n.p2align 4\n${symbol}:\n"
      "  jmp *8*${number}+sluice_late_slots_${name}(%rip)\n.Lfirst_${name}_${number}:\n  pushq $${number}\n  jmp .Lload_${name}\n"
      ".size ${symbol}, .-${symbol}\n")
    string(APPEND slots "  .quad .Lfirst_${name}_${number}\n")
    string(APPEND names "    \"${symbol}\",\n")
    math(EXPR number "${number} + 1")
  endforeach()
  set(source ${CMAKE_BINARY_DIR}/late/${name}.cpp)
  configure_file(${CMAKE_SOURCE_DIR}/cmake/late_library.cpp.in ${source} @ONLY)
  set_source_files_properties(${source} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  list(APPEND sluice_late_sources ${source})
  list(APPEND sluice_late_libraries ${library})
  get_filename_component(folder ${library} DIRECTORY)
  list(APPEND CMAKE_BUILD_RPATH ${folder})
  set(sluice_late_sources ${sluice_late_sources} PARENT_SCOPE)
  set(sluice_late_libraries ${sluice_late_libraries} PARENT_SCOPE)
  set(CMAKE_BUILD_RPATH ${CMAKE_BUILD_RPATH} PARENT_SCOPE)
endfunction()
