# Arrow C++ with compute and Parquet: an installed package first, else the pinned pyarrow wheel that `./dev setup`
# unpacked into .deps/arrow. Targets: SluiceArrow::compute, SluiceArrow::parquet.
find_package(Arrow 26 QUIET)
find_package(ArrowCompute 26 QUIET)
find_package(Parquet 26 QUIET)
if(Arrow_FOUND AND ArrowCompute_FOUND AND Parquet_FOUND)
  add_library(SluiceArrow::compute INTERFACE IMPORTED)
  target_link_libraries(SluiceArrow::compute INTERFACE ArrowCompute::arrow_compute_shared Arrow::arrow_shared)
  add_library(SluiceArrow::parquet INTERFACE IMPORTED)
  target_link_libraries(SluiceArrow::parquet INTERFACE Parquet::parquet_shared)
  set(SluiceArrow_FOUND TRUE)
  return()
endif()

set(SLUICE_ARROW_ROOT ${CMAKE_SOURCE_DIR}/.deps/arrow/pyarrow CACHE PATH "Unpacked pyarrow wheel")
file(GLOB arrow_core ${SLUICE_ARROW_ROOT}/libarrow.so.*)
file(GLOB arrow_compute ${SLUICE_ARROW_ROOT}/libarrow_compute.so.*)
file(GLOB arrow_parquet ${SLUICE_ARROW_ROOT}/libparquet.so.*)
if(NOT arrow_core OR NOT arrow_compute OR NOT arrow_parquet)
  message(FATAL_ERROR "No Arrow C++ 26 found: run ./dev setup")
endif()
foreach(part core compute parquet)
  add_library(SluiceArrow::lib_${part} SHARED IMPORTED)
  set_target_properties(SluiceArrow::lib_${part} PROPERTIES
    IMPORTED_LOCATION ${arrow_${part}}
    INTERFACE_INCLUDE_DIRECTORIES ${SLUICE_ARROW_ROOT}/include
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${SLUICE_ARROW_ROOT}/include)
endforeach()
add_library(SluiceArrow::compute INTERFACE IMPORTED)
target_link_libraries(SluiceArrow::compute INTERFACE SluiceArrow::lib_compute SluiceArrow::lib_core)
add_library(SluiceArrow::parquet INTERFACE IMPORTED)
target_link_libraries(SluiceArrow::parquet INTERFACE SluiceArrow::lib_parquet SluiceArrow::lib_core)
set(SluiceArrow_FOUND TRUE)
