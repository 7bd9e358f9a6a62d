// A reader of Python pickles that executes nothing.
//
// It knows the opcodes of protocols 0 to 5 and builds plain values from them: numbers, strings, containers, NumPy
// arrays and PyTorch tensors, and for objects of any class their name and attributes. What would call anything else is
// refused by name.
#ifndef ORBIT_DATA_IO_PICKLE_H_
#define ORBIT_DATA_IO_PICKLE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor.h"

namespace orbit {

// A value; what it refers to belongs to its Pickle.
struct PickleValue {
  enum class Kind : uint8_t {
    kNone,
    kBool,     // integer
    kInt,      // integer
    kBigInt,   // beyond 64 bits; bytes: two's complement, little endian
    kFloat,    // number
    kString,   // bytes, UTF-8
    kBytes,    // bytes
    kTuple,    // items
    kList,     // items
    kSet,      // items
    kDict,     // items: key, value, key, value, ...
    kGlobal,   // bytes: "module.name"
    kObject,   // bytes: the class; state: its attributes, or null; items: arguments of its constructor
    kStorage,  // tensor [elements], of PyTorch
    kTensor,   // tensor
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;
  double number = 0;
  std::string bytes;
  std::vector<PickleValue*> items;
  PickleValue* state = nullptr;
  Tensor tensor;

  // The value under a key of this dictionary, or of this object's attributes; null where there is none.
  const PickleValue* Find(std::string_view key) const;
  // The same; throws Error, naming the key, where there is none or where it is not of this kind.
  const PickleValue& At(std::string_view key, Kind kind) const;
};

std::string NameOf(PickleValue::Kind kind);

// PyTorch's storages, which pickles refer to from outside: the tensor [count] of this dtype under this key.
using StorageLoader = std::function<Tensor(const std::string& key, DType dtype, int64_t count)>;

class Pickle {
 public:
  // The pickle at the start of `contents`; `name` is for messages. Throws Error with the offset of what is malformed or
  // refused. Memory is in proportion to the bytes read. A file may nest files of torch.save.
  Pickle(std::span<const std::byte> contents, const std::string& name, const StorageLoader& storages = {});
  ~Pickle();
  Pickle(Pickle&&) noexcept;
  Pickle& operator=(Pickle&&) noexcept;

  const PickleValue& root() const { return *root_; }
  size_t bytes_read() const { return bytes_read_; }

 private:
  friend class PickleMachine;
  std::deque<PickleValue> values_;
  const PickleValue* root_ = nullptr;
  size_t bytes_read_ = 0;
};

}  // namespace orbit

#endif  // ORBIT_DATA_IO_PICKLE_H_
