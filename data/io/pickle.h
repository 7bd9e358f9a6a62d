// A reader of Python pickles that executes nothing.
//
// It knows the opcodes of protocols 0 to 5 and builds a tree of plain values from them: numbers, strings, containers.
// What Python would construct by calling something stays an inert object, which keeps the name of what would be called,
// its arguments, state and items: nothing is refused until somebody needs what only the call would give. Tensors and
// arrays are such objects too: data/io/pickle_file.h makes tensors of them.
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

// A value; what it refers to belongs to its Pickle. A list, a dictionary or an object may contain itself.
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
    kReference,  // to what is kept outside of the pickle, such as a storage of PyTorch; arguments: what names it
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;
  double number = 0;
  std::string bytes;
  std::vector<PickleValue*> items;
  // Of an object; all but its type may be null.
  const PickleValue* type = nullptr;       // a global: its class, or the function that would make it
  const PickleValue* arguments = nullptr;  // a tuple: of the call
  const PickleValue* state = nullptr;      // mostly a dictionary of its attributes
  PickleValue* list = nullptr;             // a list: the items of a subclass of list
  PickleValue* dict = nullptr;             // a dictionary: those of a subclass of dict

  // The value under a key of this dictionary, of this object's items or of its attributes; null where there is none.
  const PickleValue* Find(std::string_view key) const;
  // The same; throws Error, naming the key, where there is none or where it is not of this kind.
  const PickleValue& At(std::string_view key, Kind kind) const;
  // This dictionary, or the items of an object that is one; null for anything else.
  const PickleValue* AsDict() const { return kind == Kind::kDict ? this : dict; }
  // Whether this is an object of this class, or made by this function: "module.name".
  bool Is(std::string_view name) const { return kind == Kind::kObject && type->bytes == name; }
};

std::string NameOf(PickleValue::Kind kind);
std::string Describe(const PickleValue& value);  // its kind, or what an object is of; for messages

class Pickle {
 public:
  // The pickle at the start of `contents`; `name` is for messages. Throws Error with the offset of what is malformed.
  // Memory and time are in proportion to the bytes read.
  Pickle(std::span<const std::byte> contents, const std::string& name);

  const PickleValue& root() const { return *root_; }
  // All values there are, in the order they were made.
  const std::deque<PickleValue>& values() const { return values_; }
  size_t bytes_read() const { return bytes_read_; }

 private:
  std::deque<PickleValue> values_;
  const PickleValue* root_ = nullptr;
  size_t bytes_read_ = 0;
};

}  // namespace orbit

#endif  // ORBIT_DATA_IO_PICKLE_H_
