#include "engine/tensor.h"

#include <atomic>
#include <limits>
#include <utility>

#include "engine/dispatch.h"
#include "kernels/elementwise.h"

namespace orbit {

struct Tensor::Storage {
  Storage(Device device, size_t bytes) : device(device), bytes(bytes), data(Allocate(device, bytes)) {}
  ~Storage() { Deallocate(device, data); }
  Storage(const Storage&) = delete;

  Device device;
  size_t bytes;
  void* data;
  const int64_t number = next_number++;
  std::atomic<int64_t> changes = 0;
  static inline std::atomic<int64_t> next_number = 1;
};

namespace {

// Calls f with a value of the element type.
template <class F>
void WithType(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kF32:
      return f(float{});
    case DType::kBF16:
      return f(BFloat16{});
    case DType::kF64:
      return f(double{});
    case DType::kI32:
      return f(int32_t{});
    case DType::kI64:
      return f(int64_t{});
    case DType::kU8:
      return f(uint8_t{});
  }
}

template <class To, class From>
To Convert(From value) {
  if constexpr (std::is_same_v<To, From>)
    return value;
  else if constexpr (std::is_same_v<From, BFloat16>)
    return Convert<To>(ToFloat(value));
  else if constexpr (std::is_same_v<To, BFloat16>)
    return ToBFloat16(static_cast<float>(value));
  else
    return static_cast<To>(value);
}

}  // namespace

std::string ToString(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

int64_t NumElements(const Shape& shape) {
  int64_t size = 1;
  for (int64_t dim : shape) {
    Check(dim >= 0, "negative size in shape ", ToString(shape));
    Check(!__builtin_mul_overflow(size, dim, &size) && size <= std::numeric_limits<int64_t>::max() / 8, "shape ",
          ToString(shape), " has too many elements");
  }
  return size;
}

Tensor Tensor::Empty(const Shape& shape, DType dtype, Device device) {
  Tensor tensor;
  tensor.size_ = NumElements(shape);
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  tensor.storage_ = std::make_shared<Storage>(device, tensor.size_ * SizeOf(dtype));
  return tensor;
}

Tensor Tensor::Zeros(const Shape& shape, DType dtype, Device device) {
  Tensor tensor = Empty(shape, dtype, device);
  tensor.Zero();
  return tensor;
}

Tensor Tensor::Full(const Shape& shape, double value, DType dtype, Device device) {
  Tensor tensor = Empty(shape, dtype, device);
  WithType(dtype, [&](auto zero) {
    const auto element = Convert<decltype(zero)>(value);
    Fill(device, tensor.raw(), &element, sizeof(element), static_cast<size_t>(tensor.size()));
  });
  return tensor;
}

template <class T>
Tensor Tensor::From(const std::vector<T>& values, const Shape& shape, Device device) {
  Check(static_cast<int64_t>(values.size()) == NumElements(shape), values.size(), " values for a tensor of shape ",
        ToString(shape));
  Tensor tensor = Empty(shape, kDTypeOf<T>, device);
  CopyBytes(device, tensor.raw(), Device{}, values.data(), tensor.bytes());
  return tensor;
}

int64_t Tensor::dim(int64_t axis) const {
  const int64_t i = axis < 0 ? axis + rank() : axis;
  Check(i >= 0 && i < rank(), "axis ", axis, " of tensor ", Describe());
  return shape_[i];
}

Device Tensor::device() const { return storage_ ? storage_->device : Device{}; }

void* Tensor::Address() const {
  return storage_ ? static_cast<char*>(storage_->data) + offset_ * SizeOf(dtype_) : nullptr;
}

void* Tensor::raw() const {
  if (storage_) storage_->changes.fetch_add(1, std::memory_order_relaxed);
  return Address();
}

Tensor::Version Tensor::version() const {
  return {.storage = storage_->number, .place = offset_, .changes = storage_->changes.load(std::memory_order_relaxed)};
}

Tensor Tensor::Reshape(Shape shape) const {
  int64_t known = 1, inferred = -1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != -1) {
      known *= shape[i];
    } else {
      Check(inferred < 0, "more than one size to infer in shape ", ToString(shape));
      inferred = static_cast<int64_t>(i);
    }
  }
  if (inferred >= 0) {
    Check(known > 0 && size_ % known == 0, "cannot reshape ", Describe(), " to ", ToString(shape));
    shape[inferred] = size_ / known;
  }
  Check(NumElements(shape) == size_, "cannot reshape ", Describe(), " to ", ToString(shape));
  Tensor view = *this;
  view.shape_ = std::move(shape);
  return view;
}

Tensor Tensor::Rows(int64_t begin, int64_t end) const {
  Check(rank() > 0 && 0 <= begin && begin <= end && end <= shape_[0], "rows ", begin, " to ", end, " of ", Describe());
  Tensor view = *this;
  view.shape_[0] = end - begin;
  view.size_ = NumElements(view.shape_);
  if (shape_[0] > 0) view.offset_ += begin * (size_ / shape_[0]);
  return view;
}

Tensor Tensor::Clone() const {
  if (!defined()) return {};
  Tensor copy = Empty(shape_, dtype_, device());
  copy.CopyFrom(*this);
  return copy;
}

Tensor Tensor::To(Device device) const {
  if (!defined() || device == this->device()) return *this;
  Tensor copy = Empty(shape_, dtype_, device);
  copy.CopyFrom(*this);
  return copy;
}

Tensor Tensor::To(DType dtype) const {
  if (!defined() || dtype == dtype_) return *this;
  if (IsFloating(dtype) && (IsFloating(dtype_) || dtype_ == DType::kU8)) {
    Tensor result = Empty(shape_, dtype, device());
    result.ConvertFrom(*this);
    return result;
  }
  const Tensor source = To(Device{});
  Tensor result = Empty(shape_, dtype);
  WithType(dtype_, [&](auto from) {
    WithType(dtype, [&](auto to) {
      const auto* x = source.data<const decltype(from)>();
      auto* y = result.data<decltype(to)>();
      for (int64_t i = 0; i < size_; ++i) y[i] = Convert<decltype(to)>(x[i]);
    });
  });
  return result.To(device());
}

void Tensor::CopyFrom(const Tensor& source) const {
  Check(source.shape_ == shape_ && source.dtype_ == dtype_, "cannot copy ", source.Describe(), " to ", Describe());
  CopyBytes(device(), raw(), source.device(), source.Address(), bytes());
}

void Tensor::ConvertFrom(const Tensor& source) const {
  Check(source.shape_ == shape_ && source.dtype_ != dtype_ && source.device() == device() && IsFloating(dtype_) &&
            (IsFloating(source.dtype_) || source.dtype_ == DType::kU8),
        "cannot convert ", source.Describe(), " to ", Describe());
  DispatchDevice("Cast", device(), [&](auto device) {
    WithType(source.dtype_, [&]<class From>(From) {
      WithType(dtype_, [&]<class To>(To) {
        constexpr DType from = kDTypeOf<From>, to = kDTypeOf<To>;
        if constexpr (from != to && IsFloating(to) && (IsFloating(from) || from == DType::kU8))
          kernels::Convert(device, size_, source.data<const From>(), data<To>());
      });
    });
  });
}

void Tensor::Zero() const { FillZero(device(), raw(), bytes()); }

template <class T>
std::vector<T> Tensor::ToVector() const {
  const Tensor host = To(Device{}).To(kDTypeOf<T>);
  return std::vector<T>(host.data<const T>(), host.data<const T>() + size_);
}

double Tensor::Item() const {
  Check(size_ == 1, "Item() of ", Describe());
  return ToVector<double>()[0];
}

std::string Tensor::Describe() const {
  if (!defined()) return "undefined";
  return std::string(NameOf(dtype_)) + " " + ToString(shape_) + " on " + NameOf(device());
}

#define ORBIT_INSTANTIATE(T)                                                    \
  template Tensor Tensor::From<T>(const std::vector<T>&, const Shape&, Device); \
  template std::vector<T> Tensor::ToVector<T>() const;
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(int32_t)
ORBIT_INSTANTIATE(int64_t)
ORBIT_INSTANTIATE(uint8_t)
#undef ORBIT_INSTANTIATE

}  // namespace orbit
