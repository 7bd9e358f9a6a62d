// Arrays of bf16 as arrays of floats, for kernels that compute on whole arrays in float.
#ifndef ORBIT_KERNELS_CPU_FLOATS_H_
#define ORBIT_KERNELS_CPU_FLOATS_H_

#include <cstdint>
#include <memory>

#include "kernels/bfloat16.h"
#include "kernels/parallel.h"

namespace orbit::kernels {

class Floats {
 public:
  // Uninitialised.
  explicit Floats(int64_t size) : size_(size), data_(std::make_unique_for_overwrite<float[]>(size)) {}
  Floats(int64_t size, const BFloat16* x) : Floats(size) {
    ForRanges([&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) data_[i] = ToFloat(x[i]);
    });
  }

  float* data() const { return data_.get(); }
  void RoundTo(BFloat16* y) const {
    ForRanges([&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) y[i] = ToBFloat16(data_[i]);
    });
  }

 private:
  template <class F>
  void ForRanges(F&& f) const {
    ParallelFor(size_, 1 << 14, f);
  }

  int64_t size_;
  std::unique_ptr<float[]> data_;
};

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CPU_FLOATS_H_
