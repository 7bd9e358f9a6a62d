// Sharded: an optimiser whose state is divided among ranks, stage 1 of ZeRO (Rajbhandari et al., SC 2020).
#ifndef ORBIT_ENGINE_OPTIM_SHARDED_H_
#define ORBIT_ENGINE_OPTIM_SHARDED_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/distributed/communicator.h"
#include "engine/optim/optimizer.h"

namespace orbit::optim {

// All parameters, one after the other, are cut into as many equal shards as there are ranks. A rank keeps the state of
// its shard alone and updates that by the gradients of all ranks (engine/training); then the ranks exchange what they
// updated. The result has the bits of the optimiser that is not divided.
//
// Gradients come whole, not by a reduce-scatter, which would save a third of the traffic: buckets (engine/training)
// follow the order of the backward and shards that of the parameters, and the norm of whole gradients, which clipping
// and the log need, is summed in the same order, so to the same bits, as without shards.
class Sharded : public Optimizer {
 public:
  // Makes the optimiser of a shard. Its parameters are parts, [elements], with the names of the parameters that they
  // are of. It must treat elements alone or by these names.
  using Make = std::function<std::unique_ptr<Optimizer>(std::vector<NamedVariable> parts)>;

  // Moves the parameters into memory of its own, which they share. The communicator must outlive the optimiser. Throws
  // Error if there are more ranks than elements.
  Sharded(std::vector<NamedVariable> parameters, Communicator& ranks, const Make& make);

  Tensor Rates(double learning_rate) const override { return shard_->Rates(learning_rate); }
  // The gradients, the norm and the rates must be those of all ranks.
  void Update(const Tensor& rates, const Tensor& squared_norm, double max_norm) override;

  // What this rank has of the state: for every part, [elements] or the one number that is of the whole parameter.
  TensorMap State() const override { return shard_->State(); }
  // Takes the state of the undivided optimiser, as JoinShards makes it, on any number of ranks.
  void LoadState(const TensorMap& state) override;

 private:
  // What this rank has of a parameter: elements [begin, end) of it.
  struct Part {
    size_t parameter;
    int64_t begin, end;
    Variable elements;
  };

  // The state of the shard by kind ("exp_avg") and part, undefined for parts that have none of the kind.
  std::map<std::string, std::vector<Tensor>> StateByKind() const;

  Communicator& ranks_;
  Tensor all_;   // the elements of all parameters, and padding
  Tensor mine_;  // those of the shard
  std::vector<Part> parts_;
  std::unique_ptr<Optimizer> shard_;
};

// The state of the undivided optimiser, from what State() was on every rank, in their order. `parameters` have the
// names and shapes of all. Throws Error where the parts of one do not make up its elements.
TensorMap JoinShards(const std::vector<TensorMap>& shards, const TensorMap& parameters);

}  // namespace orbit::optim

#endif  // ORBIT_ENGINE_OPTIM_SHARDED_H_
