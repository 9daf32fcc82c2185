#pragma once

#include "tests/support/temporary_folder.hpp"

#include <string>

namespace sluice::store::testing {

/// An empty Store's place: a SQLite file or, where SLUICE_TEST_STORE names a PostgreSQL database, that database, whose
/// Store is removed first. So the same tests run over both (tests/services/store_test.py).
class fresh_store {
 public:
  fresh_store();
  [[nodiscard]] const std::string& place() const { return place_; }

 private:
  sluice::test::temporary_folder folder_;
  std::string place_;
};

}  // namespace sluice::store::testing
