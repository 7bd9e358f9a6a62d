// Implementations that have another one beside them, which gives the same up to rounding: each can be left out, or
// taken, by name, so that one that fails on some GPU does not keep everything from running there.
//
//   ORBIT_WITHOUT=attention_tensor_core,cublaslt    leaves out what is used otherwise
//   ORBIT_WITH=cublaslt_epilogues                   uses what is left out otherwise
#ifndef ORBIT_KERNELS_ALTERNATIVES_H_
#define ORBIT_KERNELS_ALTERNATIVES_H_

namespace orbit::kernels {

enum class Alternative {
  kAttentionTensorCore,     // attention_tensor_core: of bf16 or TF32 operands; else in single precision
  kTransformerLayerOnChip,  // transformer_layer_on_chip: small layers as one kernel; else product by product
  kCublasLt,                // cublaslt: matrix products by the library; else by a plain kernel, far slower
  // cublaslt_epilogues: bias gradients of float products, and GELU under Precision kTf32 and kBf16 in its approximation
  // by tanh, as parts of the product; else kernels of their own and the exact GELU. Not used unless asked for, until
  // tests/kernels/cuda/linear_test.cc has run on the GPU in question.
  kCublasLtEpilogues,
  // attention_wgmma: the forward of bf16 heads of 64 channels by warpgroups, on compute capability 9.0 alone; else as
  // attention_tensor_core. Not used unless asked for, until it has been seen to gain on a GPU.
  kAttentionWgmma,
  // timed_matmul: of cuBLASLt's algorithms for a product the fastest, measured once and kept (cuda/cublas.h); else the
  // one that its heuristic takes for that. Not used unless asked for, until it has been seen to gain on a GPU.
  kTimedMatmul,
};

// Throws Error for an unknown name in the environment.
bool IsUsed(Alternative alternative);
void SetUsed(Alternative alternative, bool used);  // of the process

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_ALTERNATIVES_H_
