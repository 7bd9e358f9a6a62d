// GradientReducer: adds the gradients of all ranks while the backward that computes them is still under way.
//
//   GradientReducer reducer(parameters, communicator);
//   for (...) {
//     ...                  // backward of all micro-batches but the last
//     reducer.Begin();
//     loss.Backward();     // starts the reduction of each bucket of gradients as soon as the last of them is known
//     reducer.Finish();    // grad() of every parameter is now the sum over the ranks
//   }
//
// Li et al.: PyTorch Distributed: Experiences on Accelerating Data Parallel Training, VLDB 2020. The first step reduces
// after its backward and learns in which order gradients come; buckets are filled in that order from then on.
#ifndef ORBIT_ENGINE_TRAINING_GRADIENT_REDUCER_H_
#define ORBIT_ENGINE_TRAINING_GRADIENT_REDUCER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/distributed/communicator.h"
#include "engine/variable.h"

namespace orbit {

struct ReductionOptions {
  int64_t bucket_bytes = int64_t{4} << 20;  // at most; small models have a few buckets, too
  // bf16: gradients are rounded to bf16 before the sum, which is in f32, and once after it
  // (engine/distributed/communicator.h). That sends half of the bytes.
  bool bf16 = false;
};

class GradientReducer {
 public:
  // The parameters are of one dtype on one device. The communicator must outlive the reducer, which sets the
  // parameters' hooks (Variable::OnGradient).
  GradientReducer(std::vector<NamedVariable> parameters, Communicator& ranks, ReductionOptions options = {});
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  // The next Backward() completes the gradients. It must be the same on all ranks: the same operations in the same
  // order, with other operations of the communicator at the same places among them.
  void Begin();
  // Waits for the sums. A parameter without a gradient on this rank gets that of the others; one that had none on any
  // rank in the first step has none later: throws Error if it gets one. Gradients share memory that the next step
  // overwrites.
  void Finish();

 private:
  // Consecutive parameters, in the order in which their gradients come.
  struct Bucket {
    std::vector<size_t> parameters;
    Tensor flat;                // their gradients, one after the other
    std::vector<Tensor> views;  // the same by parameter
    int64_t missing = 0;        // gradients of this step that are not known yet
    Tensor on_wire;             // what is reduced: `flat`, or its bf16 copy
    Work work;
  };

  void Receive(size_t parameter);
  void MakeBuckets();
  // Copies the gradient, or zeros, to its bucket.
  void Fill(Bucket& bucket, size_t place);
  // Starts the reduction of all buckets that are complete and of those before them.
  void StartComplete();

  std::vector<NamedVariable> parameters_;
  Communicator& ranks_;
  const ReductionOptions options_;
  bool active_ = false;        // between Begin and Finish
  std::vector<size_t> order_;  // in which gradients came in the first step
  std::vector<Bucket> buckets_;
  std::vector<std::pair<int64_t, size_t>> places_;  // bucket and place in it by parameter; bucket -1: no gradient
  std::vector<bool> received_;                      // by parameter
  size_t started_ = 0;                              // buckets whose reduction has been started
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_TRAINING_GRADIENT_REDUCER_H_
