#pragma once

#include "engine/component/interruption.hpp"
#include "engine/component/numbers_splits.hpp"
#include "engine/component/source.hpp"
#include "engine/component/takes_filter.hpp"
#include "engine/sources/kafka/kafka_table.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace sluice {

class row_filter;

/// Topics of Kafka: a split is a partition, a position the offset of the next message.
class kafka_topics : public source, public takes_filter, public numbers_splits {
 public:
  explicit kafka_topics(std::shared_ptr<const kafka_table> what) : what_(std::move(what)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return what_->columns.schema(); }
  status leave_out_unless(const std::string& condition, const std::string& unit, const run_context& context) override;

  /// Partitions, as they come: those of one call ordered by topic and number. What `start:` means is decided the first
  /// time; a partition that appears later is read from its begin.
  result<std::vector<split>> discover() override;
  status keep_numbers(const std::vector<split_progress>& before) override;
  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override;
  [[nodiscard]] bool bounded() const override { return what_->bounded; }
  /// With `until: now` it stops at a position: there may be more the next time.
  [[nodiscard]] bool ends_for_good() const override { return false; }
  [[nodiscard]] std::uint32_t splits_per_reader() const override { return 4096; }
  /// Commits the offsets of the group, for those who watch how far it is.
  status committed(std::uint64_t epoch, const std::vector<split_progress>& upto) override;
  void interrupt() noexcept override { stopped_.raise(); }

 private:
  status look();

  std::shared_ptr<const kafka_table> what_;
  std::shared_ptr<const row_filter> filter_;  ///< may be null
  interruption stopped_;
  std::mutex lock_;                        ///< of all below
  std::unique_ptr<kafka::client> client_;  ///< asks for partitions and commits offsets
  bool discovered_ = false;
  std::vector<split> splits_;
  std::map<kafka::topic_partition, std::uint32_t> known_;  ///< to the split
  std::map<std::uint32_t, kafka::topic_partition> kept_;   ///< numbers of an earlier run
  std::map<std::uint32_t, std::int64_t> committed_;        ///< by split
};

}  // namespace sluice
