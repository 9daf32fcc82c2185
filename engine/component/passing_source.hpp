#pragma once

#include "engine/component/source.hpp"

#include <memory>
#include <utility>

namespace sluice {

/// A reader that changes what another one gives; `next` is left to it.
class passing_reader : public split_reader {
 public:
  explicit passing_reader(std::unique_ptr<split_reader> inner) : inner_(std::move(inner)) {}
  void interrupt() noexcept override { inner_->interrupt(); }

 protected:
  std::unique_ptr<split_reader> inner_;
};

/// A source that changes what the readers of another one give; `open` is left to it. Its readers serve one split.
class passing_source : public source {
 public:
  explicit passing_source(std::unique_ptr<source> inner) : inner_(std::move(inner)) {}

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return inner_->schema(); }
  result<std::vector<split>> discover() override { return inner_->discover(); }
  [[nodiscard]] bool bounded() const override { return inner_->bounded(); }
  [[nodiscard]] bool ends_for_good() const override { return inner_->ends_for_good(); }
  [[nodiscard]] bool replayable() const override { return inner_->replayable(); }
  std::uint64_t line_of(const split& piece, std::uint64_t offset) override { return inner_->line_of(piece, offset); }
  status committed(std::uint64_t epoch, const std::vector<split_progress>& upto) override {
    return inner_->committed(epoch, upto);
  }
  void interrupt() noexcept override { inner_->interrupt(); }

 protected:
  std::unique_ptr<source> inner_;
};

}  // namespace sluice
