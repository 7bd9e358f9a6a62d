// Distributions p(g | x) over group elements, as functions of the data and explicit noise.
//
// Because the noise is an argument, equivariance can be tested without statistics: if data and noise are transformed by
// h, the sampled elements are transformed by h exactly.
#ifndef ORBIT_GROUPS_DISTRIBUTION_H_
#define ORBIT_GROUPS_DISTRIBUTION_H_

#include <memory>
#include <string>
#include <utility>

#include "engine/nn/module.h"
#include "engine/random.h"
#include "groups/element.h"
#include "groups/group.h"

namespace orbit {

// What an equivariant network proposes for every graph and sample. Parts that the group does not use may be undefined.
struct Proposal {
  Variable scores;  // [batch, samples, n]: one number per node
  Variable frame;   // [batch, samples, d, vectors]: the vectors of the group's frames, as columns
};

// q(x, eps): a network that is equivariant to the group, jointly in x and in the noise eps, whose law is invariant.
class EquivariantNetwork : public nn::Module {
 public:
  // Draws eps for `samples` samples of every graph.
  virtual Tensor DrawNoise(const Features& x, int64_t samples, Generator& generator) const = 0;
  // How the group acts on eps; the same for every sample.
  virtual Representation noise_representation() const = 0;
  // `generator` is used only for dropout.
  virtual Proposal Forward(const Features& x, const Tensor& noise, Generator& generator) = 0;
};

// All random numbers of a draw except dropout. Undefined parts are zero; `samples` is the number of elements per graph.
struct Noise {
  int64_t samples = 1;
  Tensor network;  // eps of the equivariant network
  Tensor scores;   // [batch, samples, n]: added to the scores; for `haar`, the scores themselves
  Tensor frame;    // [batch, samples, d, vectors]: added to the frame; for `haar`, the frame itself
};

class Distribution {
 public:
  // `network`: q, if the distribution has one.
  explicit Distribution(const Group& group, std::unique_ptr<EquivariantNetwork> network = nullptr)
      : group_(group), network_(std::move(network)) {}
  virtual ~Distribution() = default;

  const Group& group() const { return group_; }
  EquivariantNetwork* network() const { return network_.get(); }

  virtual Noise DrawNoise(const Features& x, int64_t samples, Generator& generator) const = 0;
  // `generator` is used only for dropout.
  virtual Element Sample(const Features& x, const Noise& noise, Generator& generator) = 0;

 private:
  Group group_;
  std::unique_ptr<EquivariantNetwork> network_;
};

struct DistributionOptions {
  Group group;
  SoftSortOptions soft_sort;
  double score_jitter = 1e-6;  // uniform in [0, score_jitter): breaks ties, which would reveal the order of the nodes
  double frame_jitter = 1e-6;  // times N(0, 1): keeps a frame's vectors independent; compact groups only
};

// Makes a distribution by name:
//   learned        g = q(x, eps), trained end to end (probabilistic symmetrization)
//   canonical      g = q(x, 0), one sample; the only noise is the jitter above
//   haar           uniform on the group, which must be compact (group averaging)
//   frame          uniform on a hand-made frame of a graph, for Sn only (frame averaging; groups/frame.h)
//   minimal_frame  uniform on the smallest frame of a graph, for Sn only (groups/minimal_frame.h)
// Only `learned` and `canonical` use `network`. Throws Error for an unknown name, and if they have no network.
std::unique_ptr<Distribution> MakeDistribution(const std::string& name, const DistributionOptions& options,
                                               std::unique_ptr<EquivariantNetwork> network = nullptr);

}  // namespace orbit

#endif  // ORBIT_GROUPS_DISTRIBUTION_H_
