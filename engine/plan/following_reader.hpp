#pragma once

#include "engine/component/interruption.hpp"
#include "engine/files/follow/followed_files.hpp"
#include "engine/files/follow/growing_records.hpp"
#include "engine/plan/following_source.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

/// What all readers of a followed source share.
struct following {
  planned_unit unit;
  file_search search;
  make_piece make;
  std::unique_ptr<source> whole;             ///< of no file; says what the columns are
  const growing_records* records = nullptr;  ///< the same
  std::shared_ptr<followed_files> files;
};

/// Reads followed files in turn, each piece by piece.
class following_reader : public split_reader {
 public:
  explicit following_reader(std::shared_ptr<const following> what) : what_(std::move(what)) {}

  status add(const split& piece, const std::string& position) override;
  result<read_step> next() override;
  /// Only waiting takes long here.
  void interrupt() noexcept override { stop_.raise(); }

 private:
  using clock = std::chrono::steady_clock;
  /// A file that is read, and the piece of it that is under way.
  struct one_file {
    split piece;
    std::shared_ptr<followed_file> file;  ///< null: nothing is left to read
    followed_mark at;
    std::unique_ptr<source> from = {};  ///< of the piece
    std::vector<split> splits = {};     ///< of `from`
    std::unique_ptr<split_reader> reader = {};
    bool told = false;  ///< its position is known to who reads it
    bool last = false;  ///< the piece is the last one: the file was removed
    clock::time_point look_at = {};
    clock::duration pause = {};
  };

  [[nodiscard]] bool in_piece(const one_file& of) const { return of.at.end > of.at.begin; }
  result<bool> look(one_file& of);
  result<std::int64_t> find_end(const one_file& of, std::int64_t size) const;
  status begin_piece(one_file& of, std::int64_t end);
  status open_piece(one_file& of);
  result<read_step> read(std::size_t at);
  result<read_step> read_piece(std::size_t at);
  status place(read_step& step, const one_file& of) const;
  status name_file(read_step& step, const one_file& of) const;
  status end_piece(one_file& of);
  read_step nothing_new(one_file& of);
  read_step end_of(std::size_t at);
  [[nodiscard]] clock::time_point next_look(clock::time_point latest) const;

  std::shared_ptr<const following> what_;
  interruption stop_;
  std::vector<std::unique_ptr<one_file>> files_;
  std::size_t turn_ = 0;    ///< the file that was read last
  std::size_t silent_ = 0;  ///< the file of which nothing new was told last
};

}  // namespace sluice
