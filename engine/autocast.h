// Autocast: sets the precision in which a part of a model is computed.
//
//   Variable y;
//   {
//     const Autocast scope(Precision::kBf16);
//     y = f(x);
//   }
//   y = Cast(y, x.dtype());  // what follows is f32 again
#ifndef ORBIT_ENGINE_AUTOCAST_H_
#define ORBIT_ENGINE_AUTOCAST_H_

#include <string>

#include "kernels/device.h"

namespace orbit {

// What a Precision (kernels/device.h) means for operations on f32; f64 is not touched by any.
//   kF32   They are computed in single precision.
//   kTf32  The same, but GPUs multiply matrices on tensor cores, with operands rounded to TF32.
//   kBf16  Linear, MatMul, LayerNorm and ScaledDotProductAttention round what they are given to bf16 and return bf16.
//          Other operations follow their operands; one of bf16 and f32 operands returns bf16. Sums and statistics are
//          f32. Parameters stay f32, and so do their gradients.
//          Where a GPU computes a small TransformerEncoderLayer in one kernel, the result stays f32.

const char* NameOf(Precision precision);            // "f32", "tf32", "bf16"
Precision ParsePrecision(const std::string& name);  // the inverse; throws Error

// A scope in which this thread's operations are computed in the given precision. Scopes nest. Backward() computes the
// gradient of an operation in the precision of the operation, in whatever scope it is called.
class Autocast {
 public:
  explicit Autocast(Precision precision);
  ~Autocast();
  Autocast(const Autocast&) = delete;

  static Precision current();  // kF32 outside of any scope

 private:
  Precision previous_;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_AUTOCAST_H_
