// Tensors of PyTorch and arrays of NumPy, made from what pickles say of them.
#ifndef ORBIT_DATA_IO_PICKLE_TENSOR_H_
#define ORBIT_DATA_IO_PICKLE_TENSOR_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "data/io/byte_budget.h"
#include "data/io/pickle.h"
#include "engine/io/elements.h"

namespace orbit {

// Elements that tensors share; `owner`, where there is one, keeps them.
struct PickleStorage {
  io::Elements elements;
  std::shared_ptr<const void> owner;
};

// Finds the storage that a reference of the pickle leads to.
using StorageFinder = std::function<PickleStorage(const PickleValue& reference)>;

// PyTorch's storages by the name of their class ("torch.HalfStorage"): bytes of an element, and its type where it is a
// plain number. Nothing for a class that is none. "torch.storage.UntypedStorage" is of bytes.
struct StorageClass {
  size_t element_bytes;
  std::optional<io::ElementType> type;
};
std::optional<StorageClass> FindStorageClass(const std::string& name);

// Whether a value stands for a tensor, an array or a NumPy scalar: one that MakeTensor makes or refuses by name.
bool IsTensor(const PickleValue& value);

// Views by strides, expanded and transposed ones too, Fortran's order, big-endian elements and the negative bit come
// out as plain tensors; types as in engine/io/elements.h. Throws Error that says what is wrong or unknown: complex,
// quantised and sparse tensors, arrays of objects, or a value that is no tensor at all.
Tensor MakeTensor(const PickleValue& value, const StorageFinder& find_storage, ByteBudget& budget);

}  // namespace orbit

#endif  // ORBIT_DATA_IO_PICKLE_TENSOR_H_
