# librdkafka: the library of the pinned wheel that `./dev setup` unpacked into .deps/kafka, else Debian's, which is
# older; the C headers are Debian's in both cases (the library keeps its binary interface). Sets SLUICE_KAFKA_LIBRARY.
set(SLUICE_KAFKA_ROOT ${CMAKE_SOURCE_DIR}/.deps/kafka CACHE PATH "Unpacked confluent-kafka wheel")
find_path(SLUICE_KAFKA_HEADERS librdkafka/rdkafka.h)
file(GLOB kafka_library ${SLUICE_KAFKA_ROOT}/confluent_kafka.libs/librdkafka*.so*)
if(NOT kafka_library)
  find_library(SLUICE_KAFKA_DEBIAN rdkafka)
  set(kafka_library ${SLUICE_KAFKA_DEBIAN})
endif()
if(NOT SLUICE_KAFKA_HEADERS OR NOT kafka_library)
  message(FATAL_ERROR "No librdkafka found: run ./dev setup")
endif()
set(SLUICE_KAFKA_LIBRARY ${kafka_library})
set(SluiceKafka_FOUND TRUE)
