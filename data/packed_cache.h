// A cache of arrays that take long to make: parsed molecules, simulated trajectories.
//
// A file of the cache is a safetensors file with a checksum. It is mapped into memory and read in place, so that
// several processes share one copy, and it is written as a whole or not at all, so that several may make it at once.
#ifndef ORBIT_DATA_PACKED_CACHE_H_
#define ORBIT_DATA_PACKED_CACHE_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "engine/io/mapped_file.h"
#include "engine/tensor_map.h"

namespace orbit {

// Arrays by name, in a file that is mapped or, where it cannot be kept, in memory. Copies share them.
class PackedArrays {
 public:
  explicit PackedArrays(TensorMap tensors);
  // Throws Error for a file that is damaged or was not made in the way `version`.
  PackedArrays(const std::string& path, const std::string& version);

  // The elements of an array, as long as this object or a copy of it. Throws Error if there is no such array, or its
  // elements are not of type T.
  template <class T>
  std::span<const T> Get(const std::string& name) const {
    const Array& array = Find(name);
    Check(array.dtype == kDTypeOf<T>, "the array ", name, " is of ", NameOf(array.dtype), ", not ",
          NameOf(kDTypeOf<T>));
    return {static_cast<const T*>(array.data), static_cast<size_t>(NumElements(array.shape))};
  }
  Tensor Copy(const std::string& name) const;

 private:
  struct Array {
    DType dtype;
    Shape shape;
    const void* data;
  };
  const Array& Find(const std::string& name) const;

  std::shared_ptr<const io::MappedFile> file_;
  TensorMap tensors_;
  std::map<std::string, Array> arrays_;
};

// What tells a file of the cache from others.
struct PackedKey {
  std::string name;          // of the file, with what the arrays depend on
  std::string digest = {};   // of what they are made from, if that is much: its SHA-256 (data/io/sha256.h)
  std::string version = {};  // of the way they are made
};

// The arrays of the cache (kernels/cache_directory.h) or, where it does not have them, those that `make` returns, which
// are then kept. A file that is damaged or of another version is reported on stderr and made anew. If the cache cannot
// be written, that is reported, and the arrays are returned nevertheless.
PackedArrays LoadPacked(const PackedKey& key, const std::function<TensorMap()>& make);

}  // namespace orbit

#endif  // ORBIT_DATA_PACKED_CACHE_H_
