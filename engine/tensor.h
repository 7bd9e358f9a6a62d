// Tensor: a dense, row-major array of numbers on a device.
//
// A Tensor is a handle: copies share storage, as do the views made by Reshape and Rows. Tensors are always contiguous;
// operations that reorder elements copy. Nothing here records gradients: see engine/variable.h.
#ifndef ORBIT_ENGINE_TENSOR_H_
#define ORBIT_ENGINE_TENSOR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/device.h"
#include "engine/dtype.h"
#include "kernels/error.h"

namespace orbit {

using Shape = std::vector<int64_t>;

std::string ToString(const Shape& shape);  // "[2, 3]"
int64_t NumElements(const Shape& shape);   // 1 for a scalar []; throws Error for a negative size or an overflow

class Tensor {
 public:
  Tensor() = default;  // undefined: holds nothing

  static Tensor Empty(const Shape& shape, DType dtype = DType::kF32, Device device = {});
  static Tensor Zeros(const Shape& shape, DType dtype = DType::kF32, Device device = {});
  static Tensor Full(const Shape& shape, double value, DType dtype = DType::kF32, Device device = {});
  static Tensor EmptyLike(const Tensor& like) { return Empty(like.shape(), like.dtype(), like.device()); }
  static Tensor ZerosLike(const Tensor& like) { return Zeros(like.shape(), like.dtype(), like.device()); }
  // Copies host values; T is one of the element types. Throws Error unless there are as many values as the shape has
  // elements.
  template <class T>
  static Tensor From(const std::vector<T>& values, const Shape& shape, Device device = {});

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  int64_t rank() const { return static_cast<int64_t>(shape_.size()); }
  int64_t dim(int64_t axis) const;  // a negative axis counts from the end; throws Error if out of range
  int64_t size() const { return size_; }
  int64_t bytes() const { return size_ * static_cast<int64_t>(SizeOf(dtype_)); }
  DType dtype() const { return dtype_; }
  Device device() const;

  // The first element's address on the tensor's device. Throws Error unless T is the element type. The address of a
  // type that is not const is one to write to, and counts as a change of the storage.
  template <class T>
  T* data() const {
    constexpr DType dtype = kDTypeOf<std::remove_const_t<T>>;
    Check(defined() && dtype_ == dtype, "tensor ", Describe(), " used as ", NameOf(dtype));
    return static_cast<T*>(std::is_const_v<T> ? Address() : raw());
  }
  // The same, or null where the tensor is undefined.
  template <class T>
  T* data_or_null() const {
    return defined() ? data<T>() : nullptr;
  }
  void* raw() const;  // counts as a change, too

  // What tells whether elements may have changed: the same storage, place in it, and number of changes.
  struct Version {
    int64_t storage = 0, place = 0, changes = 0;

    bool operator==(const Version&) const = default;
  };
  // Of a defined tensor. Not counted are writes through an address that was asked for before, and captured work
  // (engine/capture.h).
  Version version() const;

  // A view of the same elements with another shape. One size may be -1 and is inferred.
  Tensor Reshape(Shape shape) const;
  // A view of rows [begin, end) of the first axis.
  Tensor Rows(int64_t begin, int64_t end) const;

  Tensor Clone() const;
  Tensor To(Device device) const;  // this tensor itself where nothing changes
  // This tensor itself where nothing changes; rounds to nearest, truncates to integers. To floating types from these or
  // u8 it runs on the tensor's device; others go by way of the host.
  Tensor To(DType dtype) const;
  void CopyFrom(const Tensor& source) const;  // same shape and dtype, any devices
  // The same between two floating dtypes, or from u8 to one, on one device.
  void ConvertFrom(const Tensor& source) const;
  void Zero() const;

  // All elements on the host, converted to T (float, double, int32_t, int64_t or uint8_t).
  template <class T>
  std::vector<T> ToVector() const;
  double Item() const;  // the value of a tensor with one element

  // Whether no other handle shares the storage, so that its contents may be overwritten.
  bool exclusive() const { return storage_.use_count() == 1; }
  bool SharesStorageWith(const Tensor& other) const { return storage_ == other.storage_; }

  std::string Describe() const;  // "f32 [2, 3] on cpu", for messages

 private:
  struct Storage;
  void* Address() const;

  std::shared_ptr<Storage> storage_;
  int64_t offset_ = 0;  // in elements
  int64_t size_ = 0;
  Shape shape_;
  DType dtype_ = DType::kF32;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_TENSOR_H_
