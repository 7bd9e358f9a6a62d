#include "engine/step_graph.h"

#include <utility>

#include "engine/profiling.h"

namespace orbit {

StepGraph::StepGraph(Device device, bool capture, Step step)
    : device_(device), capture_(capture && CanCapture(device)), step_(std::move(step)) {}

std::vector<Tensor> StepGraph::Run(const std::vector<Tensor>& inputs, Generator& generator) {
  if (!capture_) return step_(inputs, generator);
  Check(generator.rows().total == 0, "a captured step takes a generator for the whole batch, not one for some rows");
  if (!Fits(inputs, generator)) Reset(inputs, generator);
  if (warm_ < kWarmUp) {
    ++warm_;
    return step_(inputs, generator);
  }
  if (!work_) Capture();
  const ProfileRange range("graph");
  for (size_t i = 0; i < inputs.size(); ++i) inputs_[i].CopyFrom(inputs[i]);
  base_.CopyFrom(Tensor::From<int64_t>({static_cast<int64_t>(generator.stream())}, {1}));
  work_->Launch();
  generator.Skip(streams_);
  return results_;
}

bool StepGraph::Fits(const std::vector<Tensor>& inputs, const Generator& generator) const {
  if (!base_.defined() || inputs.size() != inputs_.size() || generator.seed() != seed_) return false;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].shape() != inputs_[i].shape() || inputs[i].dtype() != inputs_[i].dtype()) return false;
  return true;
}

void StepGraph::Reset(const std::vector<Tensor>& inputs, const Generator& generator) {
  results_.clear();
  work_.reset();
  warm_ = 0;
  seed_ = generator.seed();
  base_ = Tensor::Zeros({1}, DType::kI64, device_);
  inputs_.clear();
  for (const Tensor& input : inputs) inputs_.push_back(Tensor::Empty(input.shape(), input.dtype(), device_));
}

void StepGraph::Capture() {
  const ProfileRange range("capture");
  Generator generator(seed_, base_);
  work_ = std::make_unique<CapturedWork>(device_, [&] { results_ = step_(inputs_, generator); });
  streams_ = generator.stream();
}

}  // namespace orbit
