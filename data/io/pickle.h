// A reader of Python pickles that executes nothing.
//
// It knows the opcodes of protocols 0 to 5 and builds a tree of plain values: numbers, strings, containers. What Python
// would construct by calling something remains an inert object with the name of the callable, its arguments, state and
// items. So nothing is rejected until the result of a call is needed. Tensors and arrays are such objects, too;
// data/io/pickle_file.h turns them into tensors.
#ifndef ORBIT_DATA_IO_PICKLE_H_
#define ORBIT_DATA_IO_PICKLE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/error.h"

namespace orbit {

// A value. The values it points to belong to its Pickle. Lists, dictionaries and objects may contain themselves.
struct PickleValue {
  enum class Kind : uint8_t {
    kNone,
    kBool,       // integer
    kInt,        // integer
    kBigInt,     // beyond 64 bits; bytes: two's complement, little endian
    kFloat,      // number
    kString,     // bytes, UTF-8
    kBytes,      // bytes
    kTuple,      // items
    kList,       // items
    kSet,        // items
    kDict,       // items: key, value, key, value, ...
    kGlobal,     // bytes: "module.name"
    kObject,     // type, arguments, state, list, dict
    kReference,  // to data outside the pickle, such as a PyTorch storage; arguments: its identifier
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;
  double number = 0;
  std::string bytes;
  std::vector<PickleValue*> items;
  // For objects. All but `type` may be null.
  const PickleValue* type = nullptr;       // a global: the class, or the function that would make the object
  const PickleValue* arguments = nullptr;  // a tuple: the arguments of the call
  const PickleValue* state = nullptr;      // usually a dictionary of attributes
  PickleValue* list = nullptr;             // a list: the items of an object of a subclass of list
  PickleValue* dict = nullptr;             // a dictionary: the items of an object of a subclass of dict

  // The value for a key of this dictionary, of this object's items or of its attributes; null if there is none.
  const PickleValue* Find(std::string_view key) const;
  // Find that throws Error, with the key, if there is no value or it has another kind.
  const PickleValue& At(std::string_view key, Kind kind) const;
  // This dictionary, or the items of an object of a subclass of dict; null for anything else.
  const PickleValue* AsDict() const { return kind == Kind::kDict ? this : dict; }
  // Whether this is an object of the class `name` or made by the function `name`, as "module.name".
  bool Is(std::string_view name) const { return kind == Kind::kObject && type->bytes == name; }
};

std::string NameOf(PickleValue::Kind kind);
std::string Describe(const PickleValue& value);  // its kind or, for objects, its class; for messages

class Pickle {
 public:
  // Reads the pickle at the start of `contents`; `name` is for messages. Throws Error with the offset of malformed
  // data. Memory and time are proportional to the bytes read.
  Pickle(std::span<const std::byte> contents, const std::string& name);

  const PickleValue& root() const { return *root_; }
  // All values, in the order in which they were made.
  const std::deque<PickleValue>& values() const { return values_; }
  size_t bytes_read() const { return bytes_read_; }

 private:
  std::deque<PickleValue> values_;
  const PickleValue* root_ = nullptr;
  size_t bytes_read_ = 0;
};

}  // namespace orbit

#endif  // ORBIT_DATA_IO_PICKLE_H_
