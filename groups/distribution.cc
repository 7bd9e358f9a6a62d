#include "groups/distribution.h"

#include "engine/ops/elementwise.h"
#include "engine/ops/message_passing.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/frame.h"
#include "groups/minimal_frame.h"

namespace orbit {
namespace {

// The tensor whose dtype and device the draws have.
const Tensor& Like(const Features& x) {
  Check(!x.features.empty(), "there is nothing to act on: no features");
  return x.features[0].value.value();
}

// The number of nodes of the padded graphs.
int64_t NumNodes(const Features& x) {
  for (const Feature& feature : x.features)
    if (feature.representation.order > 0) return feature.value.dim(1);
  Fail("permutations need a feature of nodes or of pairs of nodes");
}

// The mean of the points of each cloud, padding aside, which translations are taken out by: [batch, d].
Variable Centroid(const Features& x) {
  for (const Feature& feature : x.features) {
    const int64_t channels = feature.representation.points;
    if (channels == 0) continue;
    const Variable points = Slice(feature.value, -1, 0, channels);  // [batch, n, d, channels]
    if (!x.num_nodes.defined()) return Mean(points, {1, 3});
    const int64_t batch = points.dim(0), n = points.dim(1);
    const Tensor mask = NodeMask(x.num_nodes, n, points.dtype()).Reshape({batch, n, 1, 1});
    const Variable nodes = Reshape(Sum(mask, {1}), {batch, 1});
    return Div(Sum(Mul(points, mask), {1, 3}), Scale(nodes, static_cast<double>(channels)));
  }
  Fail("translations need a feature with points");
}

// Draws normal noise for frames.
Tensor DrawFrames(const Features& x, int64_t samples, const MatrixGroup& group, double deviation,
                  Generator& generator) {
  return generator.Normal({x.batch(), samples, group.dimension(), group.vectors()}, 0, deviation, Like(x).dtype(),
                          Like(x).device());
}

Variable AddNoise(const Variable& x, const Tensor& noise) { return noise.defined() ? Add(x, noise) : x; }

// `learned` or, if not `noisy`, `canonical`.
class NetworkDistribution : public Distribution {
 public:
  NetworkDistribution(const DistributionOptions& options, std::unique_ptr<EquivariantNetwork> network, bool noisy)
      : Distribution(options.group, std::move(network)), options_(options), noisy_(noisy) {
    const MatrixGroup* matrix = options.group.matrix;
    Check(!noisy || matrix == nullptr || matrix->compact() || !this->network()->noise_representation().vector,
          NameOf(options.group),
          " is not compact: it leaves no law of vectors alone, and the network's noise must be of scalars");
  }

  Noise DrawNoise(const Features& x, int64_t samples, Generator& generator) const override {
    Check(noisy_ || samples == 1, "canonicalization has one group element, asked for ", samples, " samples");
    const Tensor& like = Like(x);
    const Group& group = options_.group;
    Noise noise{.samples = samples};
    if (noisy_) noise.network = network()->DrawNoise(x, samples, generator);
    if (group.permutations) {
      const int64_t n = NumNodes(x);
      noise.scores = generator.Uniform({x.batch(), samples, n}, 0, options_.score_jitter, like.dtype(), like.device());
    }
    if (group.matrix != nullptr && group.matrix->compact())
      noise.frame = DrawFrames(x, samples, *group.matrix, options_.frame_jitter, generator);
    return noise;
  }

  Element Sample(const Features& x, const Noise& noise, Generator& generator) override {
    const Group& group = options_.group;
    const Proposal proposal = network()->Forward(x, noise.network, generator);
    Element element;
    if (group.permutations) {
      Check(proposal.scores.defined(), "the network proposes no scores, which ", NameOf(group), " needs");
      const Variable scores = AddNoise(proposal.scores, noise.scores);
      element.permutation = SoftSort(scores, x.num_nodes, options_.soft_sort);
      if (!GradientsWanted({scores})) element.scores = scores.value();
    }
    if (group.matrix != nullptr) {
      Check(proposal.frame.defined(), "the network proposes no frame, which ", NameOf(group), " needs");
      element.matrix = group.matrix->Project(AddNoise(proposal.frame, noise.frame));
      element.matrix_group = group.matrix;
    }
    if (group.translations) element.translation = Centroid(x);
    return element;
  }

 private:
  DistributionOptions options_;
  bool noisy_;
};

class HaarDistribution : public Distribution {
 public:
  explicit HaarDistribution(const DistributionOptions& options) : Distribution(options.group) {
    Check(options.group.matrix == nullptr || options.group.matrix->compact(), NameOf(options.group),
          " is not compact: it has no uniform (Haar) distribution; use learned or canonical");
  }

  Noise DrawNoise(const Features& x, int64_t samples, Generator& generator) const override {
    const Tensor& like = Like(x);
    const Group& group = this->group();
    Noise noise{.samples = samples};
    if (group.permutations) {
      const int64_t n = NumNodes(x);
      noise.scores = generator.Uniform({x.batch(), samples, n}, 0, 1, like.dtype(), like.device());
    }
    if (group.matrix != nullptr) noise.frame = DrawFrames(x, samples, *group.matrix, 1, generator);
    return noise;
  }

  Element Sample(const Features& x, const Noise& noise, Generator&) override {
    const Group& group = this->group();
    Element element;
    if (group.permutations) element.permutation = Sort(noise.scores, x.num_nodes);
    if (group.matrix != nullptr) {
      element.matrix = group.matrix->Haar(noise.frame);
      element.matrix_group = group.matrix;
    }
    if (group.translations) element.translation = Centroid(x);
    return element;
  }
};

// `frame`: nodes in the order of their classes, in random order within a class. `minimal_frame`: see MinimalFrame.
class FrameDistribution : public Distribution {
 public:
  FrameDistribution(const DistributionOptions& options, bool minimal) : Distribution(options.group), minimal_(minimal) {
    Check(options.group == ParseGroup("Sn"), "frames are of graphs under Sn, not ", NameOf(options.group));
  }

  Noise DrawNoise(const Features& x, int64_t samples, Generator& generator) const override {
    const Tensor& like = Like(x);
    const int64_t n = NumNodes(x);
    return {.samples = samples,
            .network = {},
            .scores = generator.Uniform({x.batch(), samples, n}, 0, 0.5, like.dtype(), like.device()),
            .frame = {}};
  }

  Element Sample(const Features& x, const Noise& noise, Generator&) override {
    Check(x.edges.graphs == x.batch() && x.num_nodes.defined(), "frames need the edges and num_nodes of ", x.batch(),
          " graphs");
    const NoGrad no_grad;
    Element element;
    if (minimal_) {
      element.permutation = Permutation{.index = MinimalFrame(x, noise.scores), .soft = {}};
      return element;
    }
    const Tensor classes =
        SpectralClasses(x.edges, x.num_nodes).To(noise.scores.dtype()).Reshape({x.batch(), 1, x.edges.n});
    element.permutation = Sort(Neg(Add(noise.scores, classes)).value(), x.num_nodes);
    return element;
  }

 private:
  bool minimal_;
};

}  // namespace

std::unique_ptr<Distribution> MakeDistribution(const std::string& name, const DistributionOptions& options,
                                               std::unique_ptr<EquivariantNetwork> network) {
  if (name == "haar") return std::make_unique<HaarDistribution>(options);
  if (name == "frame" || name == "minimal_frame")
    return std::make_unique<FrameDistribution>(options, name == "minimal_frame");
  Check(name == "learned" || name == "canonical", "unknown distribution '", name,
        "'; known: learned, haar, frame, minimal_frame, canonical");
  Check(network != nullptr, "the distribution '", name, "' needs an equivariant network");
  return std::make_unique<NetworkDistribution>(options, std::move(network), name == "learned");
}

}  // namespace orbit
