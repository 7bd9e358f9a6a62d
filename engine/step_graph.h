// StepGraph: a training step that costs the host one launch instead of one for each of its kernels.
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
// The first steps run operation by operation, so that memory is cached and algorithms are chosen; the next one is
// captured (engine/capture.h); from then on a step is: the inputs copied to where the captured work reads them, and its
// launch. The results are the same, bit for bit, as those of steps that run operation by operation.
//
// For that, all that changes from one step to the next comes through `inputs`, `generator`, or what is in the device's
// memory anyway, parameters and the optimiser's state; the same operations are done on the same shapes; the step does
// not wait for the device and makes nothing on the host that the device then reads. What breaks the last two is refused
// (engine/capture.h); a number of the host that changes is not noticed: it stays what it was. What a step changes on
// the host it changes by OnLaunch. Tensors that it reads are changed in place, never replaced.
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
  // Does a step. It takes the inputs where they are: on the host when it runs operation by operation, on the device
  // when it is captured.
  using Step = std::function<std::vector<Tensor>(const std::vector<Tensor>& inputs, Generator& generator)>;

  static constexpr int kWarmUp = 2;  // steps before the one that is captured

  // Steps are captured on `device`, where it captures; without `capture` they always run operation by operation.
  StepGraph(Device device, bool capture, Step step);

  // The step's results, on the device and valid until the next call. Inputs of other shapes, and a generator of another
  // seed, make it start again with a warm-up. Random numbers of the step come from `generator`, which moves on.
  std::vector<Tensor> Run(const std::vector<Tensor>& inputs, Generator& generator);

  // Kernels, fills and copies of the captured step; 0 before there is one.
  int64_t size() const { return work_ ? work_->size() : 0; }

 private:
  bool Fits(const std::vector<Tensor>& inputs, const Generator& generator) const;
  void Reset(const std::vector<Tensor>& inputs, const Generator& generator);
  void Capture();

  const Device device_;
  const bool capture_;
  const Step step_;
  int warm_ = 0;                 // steps since the inputs had other shapes
  std::vector<Tensor> inputs_;   // on the device; what captured work reads
  Tensor base_;                  // of the random streams of a step, i64 [1] on the device
  uint64_t seed_ = 0;            // of the generator
  uint64_t streams_ = 0;         // of a step
  std::vector<Tensor> results_;  // what captured work writes
  std::unique_ptr<CapturedWork> work_;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_STEP_GRAPH_H_
