// VN-DGCNN (Deng et al., Vector Neurons, ICCV 2021; Wang et al., DGCNN, TOG 2019): a network on clouds of points that
// each have some vectors, equivariant to O(3) and to permutations. It proposes a score per point and a frame of three
// vectors per cloud.
#ifndef ORBIT_MODELS_VECTOR_NEURONS_H_
#define ORBIT_MODELS_VECTOR_NEURONS_H_

#include "engine/nn/linear.h"
#include "engine/nn/module.h"
#include "engine/ops/vector_neurons.h"
#include "engine/random.h"

namespace orbit {

struct VNDgcnnOptions {
  int64_t channels = 2;    // vectors per point
  int64_t hidden = 64;     // the layers have hidden / 3 channels of vectors
  int64_t neighbours = 4;  // in feature space, including the point itself
  double dropout = 0;      // after the second edge convolution, in training
};

// VectorNeurons and VectorNeuronEdges with their parameters, which are converted to the dtype of x.
class VNLayer : public nn::Module {
 public:
  VNLayer(int64_t in, int64_t out, bool shared_direction, Generator& generator);

  Variable operator()(const Variable& x, const Variable& context = {}) const;
  Variable Convolve(const Variable& x, int64_t k, const Variable& pool) const;

 private:
  // The normalisation of lengths, named as PyTorch's module.
  struct Norm : nn::Module {
    explicit Norm(int64_t channels);
    Variable weight, bias, running_mean, running_var;
  };

  VectorNeuronParameters Parameters(DType dtype) const;
  RunningStatistics Running() const { return {norm_.running_mean.value(), norm_.running_var.value()}; }

  Variable feature_, direction_;
  Norm norm_;
};

// VectorMaxPool with its parameter.
class VNMaxPool : public nn::Module {
 public:
  VNMaxPool(int64_t channels, Generator& generator);
  Variable operator()(const Variable& x) const;

  const Variable direction;  // [channels, channels]
};

class VNDgcnn : public nn::Module {
 public:
  VNDgcnn(const VNDgcnnOptions& options, Generator& generator);

  struct Result {
    Variable scores;  // [graphs, n], invariant to O(3)
    Variable frame;   // [graphs, 3, 3]: the three vectors as columns
  };

  // x [graphs, n, 3, channels]; in training the generator draws dropout.
  Result operator()(const Variable& x, Generator& generator) const;

 private:
  // Makes a frame for every point; in it the point's vectors are invariant.
  struct StdFeature : nn::Module {
    StdFeature(int64_t channels, Generator& generator);
    VNLayer vn1, vn2;
    Variable linear;
  };

  VNDgcnnOptions options_;
  VNLayer conv1_, conv2_, conv3_;
  VNMaxPool pool1_, pool2_, pool3_;
  StdFeature std_feature_;
  nn::Linear head1_;
  Variable head2_;
};

}  // namespace orbit

#endif  // ORBIT_MODELS_VECTOR_NEURONS_H_
