#include "data/io/pickled_graphs.h"

#include <algorithm>

namespace orbit {
namespace {

using Kind = PickleValue::Kind;

// The rows [begin, end) of an axis.
Tensor Slice(const Tensor& whole, int64_t axis, int64_t begin, int64_t end) {
  Shape shape = whole.shape();
  const Shape strides = io::RowMajorStrides(shape);
  shape[axis] = end - begin;
  constexpr io::ElementType kTypes[] = {io::ElementType::kF32, io::ElementType::kBF16, io::ElementType::kF64,
                                        io::ElementType::kI32, io::ElementType::kI64,  io::ElementType::kU8};
  const std::span bytes(static_cast<const std::byte*>(whole.raw()), static_cast<size_t>(whole.bytes()));
  return io::Gather({bytes, kTypes[static_cast<size_t>(whole.dtype())]}, begin * strides[axis], shape, strides);
}

}  // namespace

PickledGraphs::PickledGraphs(const std::string& path, std::vector<std::string> names_in_tuples)
    : file_(path), names_in_tuples_(std::move(names_in_tuples)) {
  const PickleValue& root = file_.root();
  const auto is_list = [](const PickleValue* item) { return item->kind == Kind::kList; };
  const bool has_lists = !root.items.empty() && std::ranges::all_of(root.items, is_list);
  if (root.kind == Kind::kList || (root.kind == Kind::kTuple && has_lists)) {
    const auto append = [&](const PickleValue& list) {
      for (const PickleValue* item : list.items) graphs_.push_back(item);
      list_sizes_.push_back(static_cast<int64_t>(list.items.size()));
    };
    if (has_lists)
      for (const PickleValue* list : root.items) append(*list);
    else
      append(root);
    size_ = static_cast<int64_t>(graphs_.size());
    return;
  }
  if (root.kind == Kind::kTuple && (root.items.size() == 2 || root.items.size() == 3))
    slices_ = root.items[1]->AsDict();
  Check(slices_ != nullptr, path, " holds a ", Describe(root),
        ", not a list of graphs, nor (data, slices) as in PyTorch Geometric's processed/data.pt");
  // The number of graphs follows from the slices of any attribute that is not empty.
  for (size_t i = 1; i < slices_->items.size() && size_ == 0; i += 2)
    if (IsTensor(*slices_->items[i])) size_ = std::max<int64_t>(0, file_.ToTensor(*slices_->items[i]).size() - 1);
  list_sizes_ = {size_};
}

// Version 1 keeps attributes in the object itself, version 2 in the mapping of its store.
const PickleValue& PickledGraphs::Find(const PickleValue& data, const std::string& name) const {
  if (data.kind == Kind::kTuple) {
    const auto place = std::find(names_in_tuples_.begin(), names_in_tuples_.end(), name) - names_in_tuples_.begin();
    Check(data.items.size() == names_in_tuples_.size() && place < std::ssize(data.items), "a tuple of ",
          data.items.size(), " has no '", name, "'");
    return *data.items[place];
  }
  const PickleValue* store = data.Find("_store");
  const PickleValue* mapping = store == nullptr ? nullptr : store->Find("_mapping");
  const PickleValue* found = (mapping == nullptr ? data : *mapping).Find(name);
  Check(found != nullptr, "a ", Describe(data), " has no '", name, "'");
  return *found;
}

Tensor PickledGraphs::ToTensor(const PickleValue& value, const std::string& name) const {
  Check(IsTensor(value), "'", name, "' is a ", Describe(value), ", not a tensor or an array");
  try {
    return file_.ToTensor(value);
  } catch (const Error& error) {
    Fail("'", name, "': ", error.what());
  }
}

Tensor PickledGraphs::Attribute(int64_t graph, const std::string& name) const {
  Check(graph >= 0 && graph < size_, "graph ", graph, " of ", size_);
  const PickleValue& root = file_.root();
  if (slices_ == nullptr) return ToTensor(Find(*graphs_[graph], name), name);
  Collated& collated = collated_[name];
  if (!collated.values.defined()) {
    collated.values = ToTensor(Find(*root.items[0], name), name);
    const PickleValue* slices = slices_->Find(name);
    Check(slices != nullptr, "'", name, "' has no slices");
    collated.begins = ToTensor(*slices, "slices of " + name).ToVector<int64_t>();
  }
  const Tensor& values = collated.values;
  const std::vector<int64_t>& begins = collated.begins;
  // As in PyTorch Geometric, attributes that refer to nodes are concatenated along the last axis, all others along the
  // first.
  const bool indices = name.find("index") != std::string::npos || name.find("face") != std::string::npos;
  const int64_t axis = indices ? values.rank() - 1 : 0;
  Check(values.rank() > 0 && static_cast<int64_t>(begins.size()) == size_ + 1 && begins[graph] >= 0 &&
            begins[graph] <= begins[graph + 1] && begins[graph + 1] <= values.dim(axis),
        "'", name, "' ", values.Describe(), " has slices that do not fit ", size_, " graphs");
  return Slice(values, axis, begins[graph], begins[graph + 1]);
}

}  // namespace orbit
