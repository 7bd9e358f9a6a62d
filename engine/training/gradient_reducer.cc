#include "engine/training/gradient_reducer.h"

#include <algorithm>
#include <utility>

namespace orbit {
namespace {

constexpr int64_t kFewestBuckets = 4;  // so that there is something to reduce during the backward

}  // namespace

GradientReducer::GradientReducer(std::vector<NamedVariable> parameters, Communicator& ranks, ReductionOptions options)
    : parameters_(std::move(parameters)), ranks_(ranks), options_(options), received_(parameters_.size()) {
  Check(!parameters_.empty() && options_.bucket_bytes > 0, "the reduction of ", parameters_.size(),
        " gradients in buckets of ", options_.bucket_bytes, " bytes");
  for (size_t i = 0; i < parameters_.size(); ++i)
    parameters_[i].variable.OnGradient([this, i](const Variable&) { Receive(i); });
}

GradientReducer::~GradientReducer() {
  for (const NamedVariable& parameter : parameters_) parameter.variable.OnGradient({});
}

void GradientReducer::Begin() {
  active_ = true;
  started_ = 0;
  received_.assign(parameters_.size(), false);
  for (Bucket& bucket : buckets_) bucket.missing = std::ssize(bucket.parameters);
}

void GradientReducer::Receive(size_t parameter) {
  if (!active_) return;
  received_[parameter] = true;
  if (buckets_.empty()) {
    order_.push_back(parameter);
    return;
  }
  const auto [b, place] = places_[parameter];
  Check(b >= 0, "the parameter ", parameters_[parameter].name,
        " has a gradient, which it had on no rank in the first step");
  Bucket& bucket = buckets_[b];
  Fill(bucket, place);
  --bucket.missing;
  StartComplete();
}

void GradientReducer::Fill(Bucket& bucket, size_t place) {
  const Tensor& gradient = parameters_[bucket.parameters[place]].variable.grad();
  if (gradient.defined())
    bucket.views[place].CopyFrom(gradient);
  else
    bucket.views[place].Zero();
}

void GradientReducer::StartComplete() {
  for (; started_ < buckets_.size() && buckets_[started_].missing == 0; ++started_) {
    Bucket& bucket = buckets_[started_];
    bucket.on_wire = options_.bf16 ? bucket.flat.To(DType::kBF16) : bucket.flat;
    bucket.work = ranks_.AllReduce(bucket.on_wire);
  }
}

void GradientReducer::Finish() {
  Check(active_, "the reduction of gradients ends before it began");
  active_ = false;
  if (buckets_.empty()) MakeBuckets();
  for (size_t i = started_; i < buckets_.size(); ++i) {
    Bucket& bucket = buckets_[i];
    for (size_t place = 0; place < bucket.parameters.size(); ++place)
      if (bucket.missing > 0 && !received_[bucket.parameters[place]]) Fill(bucket, place);
    bucket.missing = 0;
  }
  StartComplete();
  for (Bucket& bucket : buckets_) {
    bucket.work.Wait();
    if (options_.bf16) bucket.flat.CopyFrom(bucket.on_wire.To(bucket.flat.dtype()));
    bucket.on_wire = {};
    for (size_t place = 0; place < bucket.parameters.size(); ++place)
      parameters_[bucket.parameters[place]].variable.set_grad(bucket.views[place]);
  }
}

// All ranks have the buckets of rank 0's order.
void GradientReducer::MakeBuckets() {
  const int64_t count = std::ssize(parameters_);
  const Device device = parameters_[0].variable.device();
  std::vector<int64_t> order(order_.begin(), order_.end()), known(count, 0);
  for (const size_t i : order_) known[i] = 1;
  for (int64_t i = 0; i < count; ++i) {
    if (known[i] != 0) continue;
    order.push_back(i);
    known[i] = parameters_[i].variable.grad().defined();  // of an earlier micro-batch
  }
  const Tensor of_all = Tensor::From(known, {count}).To(device), of_first = Tensor::From(order, {count}).To(device);
  ranks_.AllReduce(of_all, ReduceOp::kMax).Wait();
  ranks_.Broadcast(of_first, 0).Wait();
  known = of_all.ToVector<int64_t>();

  int64_t all_bytes = 0;
  for (int64_t i = 0; i < count; ++i)
    if (known[i] != 0) all_bytes += parameters_[i].variable.value().bytes();
  const int64_t most = std::min(options_.bucket_bytes, all_bytes / kFewestBuckets);

  places_.assign(count, {-1, 0});
  int64_t bytes = 0;
  for (const int64_t i : of_first.ToVector<int64_t>()) {
    if (known[i] == 0) continue;
    const Tensor& value = parameters_[i].variable.value();
    if (buckets_.empty() || bytes + value.bytes() > most) {
      buckets_.emplace_back();
      bytes = 0;
    }
    bytes += value.bytes();
    places_[i] = {std::ssize(buckets_) - 1, buckets_.back().parameters.size()};
    buckets_.back().parameters.push_back(i);
  }
  for (Bucket& bucket : buckets_) {
    int64_t size = 0;
    for (const size_t i : bucket.parameters) size += parameters_[i].variable.size();
    bucket.flat = Tensor::Empty({size}, parameters_[0].variable.dtype(), device);
    int64_t begin = 0;
    for (const size_t i : bucket.parameters) {
      const Variable& variable = parameters_[i].variable;
      bucket.views.push_back(bucket.flat.Rows(begin, begin + variable.size()).Reshape(variable.shape()));
      begin += variable.size();
    }
    bucket.missing = std::ssize(bucket.parameters);
  }
  received_.assign(count, false);  // all gradients are still to be copied
}

}  // namespace orbit
