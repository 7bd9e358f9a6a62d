// StepGraph: a training step that costs the host a single launch instead of one per kernel.
//
//   StepGraph step(device, /*capture=*/true,
//                  [&](const std::vector<Tensor>& inputs, Generator& generator) -> std::vector<Tensor> {
//     optimizer.ZeroGrad();
//     const Variable loss = Loss(inputs[0], generator);
//     loss.Backward();
//     optimizer.Update(inputs[1], {}, 0);
//     return {loss.value()};
//   });
//   for (...) losses = step.Run({examples, optimizer.Rates(learning_rate)}, generator);
//
// The first steps run operation by operation, so that memory is cached and algorithms are chosen. The next step is
// captured (engine/capture.h). From then on a step copies its inputs to where the captured work reads them, and
// launches it. The results are bit for bit those of steps that run operation by operation.
//
// A step must meet these conditions. Everything that changes from one step to the next comes through `inputs`,
// `generator`, or device memory that the step updates in place, such as parameters and the optimiser's state. Every
// step runs the same operations on the same shapes. It neither waits for the device nor creates data on the host that
// the device then reads; both throw Error (engine/capture.h). A host number that changes, however, is not
// noticed: the captured value stays in use. Changes of host state go through OnLaunch. Tensors that the step reads are
// changed in place, never replaced.
#ifndef ORBIT_ENGINE_STEP_GRAPH_H_
#define ORBIT_ENGINE_STEP_GRAPH_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/capture.h"
#include "engine/random.h"
#include "engine/tensor.h"

namespace orbit {

class StepGraph {
 public:
  // A step. Its inputs are on the host when it runs operation by operation, and on the device when it is captured.
  using Step = std::function<std::vector<Tensor>(const std::vector<Tensor>& inputs, Generator& generator)>;

  static constexpr int kWarmUp = 2;  // steps before the one that is captured

  // Steps are captured if `capture` is set and `device` can capture; otherwise they always run operation by operation.
  StepGraph(Device device, bool capture, Step step);

  // Runs a step, whose random numbers come from `generator`, which advances. Returns the results, on the device and
  // valid until the next call. Inputs of other shapes, or a generator with another seed, restart the warm-up.
  std::vector<Tensor> Run(const std::vector<Tensor>& inputs, Generator& generator);

  // The number of kernels, fills and copies of the captured step; 0 before the capture.
  int64_t size() const { return work_ ? work_->size() : 0; }

 private:
  bool Fits(const std::vector<Tensor>& inputs, const Generator& generator) const;
  void Reset(const std::vector<Tensor>& inputs, const Generator& generator);
  void Capture();

  const Device device_;
  const bool capture_;
  const Step step_;
  int warm_ = 0;                 // steps since the inputs' shapes changed
  std::vector<Tensor> inputs_;   // on the device; captured work reads them
  Tensor base_;                  // base of a step's random streams, i64 [1] on the device
  uint64_t seed_ = 0;            // the generator's seed
  uint64_t streams_ = 0;         // random streams per step
  std::vector<Tensor> results_;  // captured work writes them
  std::unique_ptr<CapturedWork> work_;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_STEP_GRAPH_H_
