#pragma once

#include "engine/expression/functions/support.hpp"

#include <cstdint>
#include <memory>

namespace sluice::expression {

// What functions of lists have in common. Elements are known by their place in one array that holds those of all rows.

/// The lists of an operand. `elements` are those of all rows, and begin with the first row's first one.
class lists_of {
 public:
  explicit lists_of(const operand& of);
  [[nodiscard]] bool is_null(std::int64_t row) const { return lists_->IsNull(at(row)); }
  [[nodiscard]] std::int64_t length(std::int64_t row) const { return lists_->value_length(at(row)); }
  [[nodiscard]] std::int64_t begin(std::int64_t row) const { return lists_->value_offset(at(row)) - first_; }
  [[nodiscard]] std::int64_t end(std::int64_t row) const { return begin(row) + length(row); }
  [[nodiscard]] const array_ptr& elements() const { return elements_; }

 private:
  [[nodiscard]] std::int64_t at(std::int64_t row) const { return constant_ ? 0 : row; }
  std::shared_ptr<arrow::ListArray> lists_;
  array_ptr elements_;
  std::int64_t first_;
  bool constant_;
};

/// Says whether two values of two arrays of one type are the same; nulls are the same as nulls, NaN as NaN.
class same_elements {
 public:
  same_elements(array_ptr left, array_ptr right);
  [[nodiscard]] bool operator()(std::int64_t left, std::int64_t right) const;
  /// The same, but false where a side is null.
  [[nodiscard]] bool equal(std::int64_t left, std::int64_t right) const {
    return left_->IsValid(left) && right_->IsValid(right) && compare_(*this, left, right);
  }

 private:
  using comparer = bool (*)(const same_elements&, std::int64_t, std::int64_t);
  static comparer comparer_for(const arrow::DataType& type);
  array_ptr left_;
  array_ptr right_;
  const std::uint8_t* left_bytes_ = nullptr;
  const std::uint8_t* right_bytes_ = nullptr;
  std::size_t width_ = 0;
  comparer compare_;
};

/// Builds a column of lists from elements picked out of others.
class list_picker {
 public:
  explicit list_picker(std::int64_t rows);
  void pick(std::int64_t element) { picks_.push_back(element); }
  void pick_null() { picks_.push_back(-1); }
  void end_row(bool valid = true);
  /// `from` holds the picked elements.
  result<array_ptr> finish(const type_ptr& list, const array_ptr& from);

 private:
  std::vector<std::int64_t> picks_;
  std::vector<std::int32_t> offsets_;
  buffer_ptr valid_;
  bool any_null_ = false;
};

/// The elements of two arrays behind each other; those of the second begin at the length of the first.
result<array_ptr> joined_elements(const array_ptr& first, const array_ptr& second);

/// The type of the elements of a list.
inline const type_ptr& element_type(const arrow::DataType& list) { return list.field(0)->type(); }
inline bool is_list(const node_ptr& of) { return of->type->id() == arrow::Type::LIST; }

/// The arguments `list` and `element` of a function, brought to a list and an element of one type; empty where a fault
/// was added.
std::vector<node_ptr> list_and_element(binder& b, const call_site& site, std::size_t list = 0, std::size_t element = 1);
/// The arguments 0 and 1 as lists of one type; empty where a fault was added.
std::vector<node_ptr> two_lists(binder& b, const call_site& site);

/// Lists are equal where their elements are, nulls counting as equal; null for other comparisons.
kernel list_comparison_kernel(comparison op);

/// list || list, list || element, element || list; null where no side is a list.
node_ptr bind_list_join(binder& b, const call_site& site);

}  // namespace sluice::expression
