// Autocast: the precision in which a part of a model is computed.
//
//   Variable y;
//   {
//     const Autocast scope(Precision::kBf16);
//     y = f(x);
//   }
//   y = Cast(y, x.dtype());  // what follows is f32 again
#ifndef ORBIT_ENGINE_AUTOCAST_H_
#define ORBIT_ENGINE_AUTOCAST_H_

#include <cstdint>
#include <string>

namespace orbit {

// How f32 is computed; f64 is not touched by any.
//   kF32   in single precision
//   kTf32  as kF32, but GPUs multiply matrices on tensor cores, with operands rounded to TF32 (10 bits)
//   kBf16  Linear, MatMul, LayerNorm, ScaledDotProductAttention and nn::TransformerEncoderLayer round what they are
//          given to bf16 (7 bits) and return bf16; other operations follow their operands, and one of bf16 and f32
//          operands returns bf16. Sums and statistics are f32. Parameters stay f32, and so do their gradients.
enum class Precision : uint8_t { kF32, kTf32, kBf16 };

const char* NameOf(Precision precision);            // "f32", "tf32", "bf16"
Precision ParsePrecision(const std::string& name);  // the inverse; throws Error

// While one is alive on this thread, operations are computed in its precision. Scopes nest. Backward() computes the
// gradient of an operation in the precision that the operation was computed in, whatever the scope it is called in.
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
