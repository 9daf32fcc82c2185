#include "engine/operators/joins/spilled_join.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <utility>

namespace sluice::joins {

namespace {

// A chunk of the right has at least so many bytes, whatever others hold: else its left passes by too often.
constexpr std::int64_t least_chunk = 256 * 1024;

}  // namespace

void spilled_join::add(partitions& from, int level, std::int64_t right_rows) {
  for (auto& one : from.all()) {
    if (!one.spilled) continue;
    task made{.right = std::move(one.lists[partitions::right]),
              .left = std::move(one.lists[partitions::left]),
              .level = level + 1};
    if (made.right.rows == 0 && made.left.rows == 0) continue;
    // Where nearly all rows stayed together, they will do so again.
    made.can_split = made.level < partitions::deepest && made.right.rows <= right_rows - right_rows / 8;
    tasks_.push_back(std::move(made));
  }
}

std::size_t spilled_join::columns_of(partitions::side which) const {
  return which == partitions::right ? what_->kept.size() : static_cast<std::size_t>(what_->inputs[0]->num_fields());
}

std::int64_t spilled_join::needed(std::int64_t rows, std::int64_t bytes) const {
  return bytes + row_index::most_bytes(rows) + rows / 8;
}

result<bool> spilled_join::step(emitter& out) {
  switch (stage_) {
    case stage::choose:
      return choose();
    case stage::split_right:
      SLUICE_TRY(split(now_.right, partitions::right, stage::split_left));
      return true;
    case stage::split_left:
      SLUICE_TRY(split(now_.left, partitions::left, stage::choose));
      return true;
    case stage::load:
      SLUICE_TRY(load());
      return true;
    case stage::prepare: {
      SLUICE_ASSIGN(const bool more, chunk_->prepare());
      if (!more) {
        stage_ = stage::match;
        output_->begin_pass();
      }
      return true;
    }
    case stage::match:
      SLUICE_TRY(match(out));
      return true;
    case stage::unmatched:
      SLUICE_TRY(end_chunk(out));
      return true;
  }
  return false;
}

// How the next partition is joined.
result<bool> spilled_join::choose() {
  chunk_.reset();
  if (tasks_.empty()) {
    memory_->take(0);
    memory::return_freed_memory();
    return false;
  }
  now_ = std::move(tasks_.back());
  tasks_.pop_back();
  block_ = right_block_ = 0;
  memory_->take(0);
  memory::return_freed_memory();
  const bool fits = memory_->try_resize(needed(now_.right.rows, now_.right.bytes));
  if (now_.left.rows == 0 && !what_->keeps_right()) {
    for (const auto& block : now_.right.blocks) file_->drop(block);
  } else if (!fits && now_.can_split && now_.right.blocks.size() > 1) {
    children_ = std::make_unique<partitions>(*layout_, *file_, now_.level);
    children_->spill_all();
    stage_ = stage::split_right;
  } else {
    first_chunk_ = true;
    states_.assign(now_.left.blocks.size(), {});
    stage_ = stage::load;
  }
  return true;
}

status spilled_join::split(spilled_list& from, partitions::side which, stage next) {
  if (block_ < from.blocks.size()) {
    const auto& block = from.blocks[block_++];
    SLUICE_ASSIGN(const auto rows, read_rows(*file_, *layout_, block, columns_of(which)));
    file_->drop(block);
    SLUICE_TRY(children_->add(which, rows));
    while (!memory_->try_resize(children_->bytes())) {
      SLUICE_ASSIGN(const bool relieved, children_->relieve());
      if (!relieved) break;
    }
    return {};
  }
  SLUICE_TRY(children_->flush());
  block_ = 0;
  stage_ = next;
  if (next == stage::choose) {
    add(*children_, now_.level, now_.right.rows);
    children_.reset();
  }
  return {};
}

// Brings one more block of the right into the present chunk, as long as there is room.
status spilled_join::load() {
  if (!chunk_) chunk_ = std::make_unique<build_side>(*what_, *layout_);
  if (right_block_ < now_.right.blocks.size()) {
    const auto& block = now_.right.blocks[right_block_];
    const auto with_block = needed(chunk_->rows() + block.rows, chunk_->bytes() + block.memory_bytes);
    const bool granted = memory_->try_resize(with_block);
    if (granted || chunk_->rows() == 0 || with_block <= least_chunk) {
      if (!granted) memory_->take(with_block);
      SLUICE_ASSIGN(auto rows, read_rows(*file_, *layout_, block, columns_of(partitions::right)));
      file_->drop(block);
      ++right_block_;
      return chunk_->add(std::move(rows));
    }
  }
  memory_->take(chunk_->bytes_prepared());
  block_ = 0;
  stage_ = stage::prepare;
  return {};
}

// One piece of the output of the present chunk with one block of the left.
status spilled_join::match(emitter& out) {
  if (!matching_) {
    if (block_ == now_.left.blocks.size()) {
      SLUICE_TRY(output_->end_pass());
      unmatched_block_ = 0;
      stage_ = stage::unmatched;
      return {};
    }
    const bool last = right_block_ == now_.right.blocks.size();
    const auto& block = now_.left.blocks[block_];
    SLUICE_ASSIGN(left_, read_rows(*file_, *layout_, block, columns_of(partitions::left)));
    if (last) file_->drop(block);
    auto& states = states_[block_++];
    if (first_chunk_) states.assign(static_cast<std::size_t>(left_.keys.rows), left_state::unmatched);
    matcher_->begin(left_, *chunk_, states, last);
  }
  SLUICE_ASSIGN(matching_, matcher_->next(out));
  SLUICE_TRY(output_->give(left_, *chunk_, *matcher_, out));
  if (!matching_ && right_block_ == now_.right.blocks.size()) states_[block_ - 1] = {};
  return {};
}

// Gives the rows of the chunk that had no match, a block a call; then the next chunk, or the next partition, has its
// turn.
status spilled_join::end_chunk(emitter& out) {
  if (what_->keeps_right() && unmatched_block_ < chunk_->blocks())
    return output_->give_unmatched(*chunk_, unmatched_block_++, out);
  chunk_.reset();
  left_ = {};
  first_chunk_ = false;
  stage_ = right_block_ < now_.right.blocks.size() ? stage::load : stage::choose;
  return {};
}

}  // namespace sluice::joins
