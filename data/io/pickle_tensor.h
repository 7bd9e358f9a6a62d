// Makes tensors from the objects by which pickles represent PyTorch tensors and NumPy arrays.
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

// Elements that tensors share. `owner`, if there is one, keeps them alive.
struct PickleStorage {
  io::Elements elements;
  std::shared_ptr<const void> owner;
};

// Finds the storage that a reference of the pickle points to.
using StorageFinder = std::function<PickleStorage(const PickleValue& reference)>;

// PyTorch's storages by class name ("torch.HalfStorage"): the bytes per element and, for plain numbers, the type.
// Returns nothing if the name is not a storage class. "torch.storage.UntypedStorage" consists of bytes.
struct StorageClass {
  size_t element_bytes;
  std::optional<io::ElementType> type;
};
std::optional<StorageClass> FindStorageClass(const std::string& name);

// Whether a value represents a tensor, an array or a NumPy scalar, which MakeTensor either makes or rejects by name.
bool IsTensor(const PickleValue& value);

// Makes a tensor. Strided views, including expanded and transposed ones, Fortran order, big-endian elements and the
// negative bit all result in ordinary tensors; for types see engine/io/elements.h. Throws Error saying what is wrong or
// unsupported: complex, quantised and sparse tensors, arrays of objects, or a value that is not a tensor.
Tensor MakeTensor(const PickleValue& value, const StorageFinder& find_storage, ByteBudget& budget);

}  // namespace orbit

#endif  // ORBIT_DATA_IO_PICKLE_TENSOR_H_
