// Cases of the n-body task: symmetrized models, and EGNN.
#include <algorithm>
#include <memory>
#include <vector>

#include "engine/ops/elementwise.h"
#include "engine/ops/loss.h"
#include "engine/ops/shape.h"
#include "models/egnn.h"
#include "models/nbody_model.h"
#include "tests/parity/parity_case.h"

namespace orbit::parity {
namespace {

NBodyModelOptions ReadOptions(const nlohmann::json& spec) {
  NBodyModelOptions options;
  options.symmetry = spec.at("symmetry");
  options.base = spec.at("backbone");
  options.distribution = spec.at("noise_scale") == 0.0 ? "canonical" : "learned";
  options.transformer.layers = spec.at("transformer_num_layers");
  options.transformer.width = spec.at("transformer_hidden_dim");
  options.transformer.heads = spec.at("transformer_n_head");
  options.gnn.layers = spec.value("gnn_num_layers", options.gnn.layers);
  options.gnn.hidden = spec.value("gnn_hidden_dim", options.gnn.hidden);
  options.network_hidden = spec.at("vnn_hidden_dim");
  options.network_neighbours = spec.at("vnn_k_nearest_neighbors");
  options.network_dropout = spec.at("vnn_dropout");
  options.noise_scale = spec.at("noise_scale");
  options.soft_sort.tau = spec.at("tau");
  options.soft_sort.hard = spec.at("hard");
  Check(spec.at("transformer_dropout") == 0.0 && options.network_dropout == 0.0, "recorded dropout cannot be repeated");
  return options;
}

}  // namespace

Report RunNBody(const Case& recorded) {
  Report report;
  Generator generator(0);
  const NBodyModelOptions options = ReadOptions(recorded.spec);
  const bool train = recorded.spec.at("train");
  const ParticleBatch batch{recorded.Get("in/node_features"), recorded.Get("in/edge_features"),
                            recorded.Get("in/target")};
  const Noise noise{.samples = recorded.spec.at("samples"),
                    .network = recorded.Has("noise/eps") ? recorded.Get("noise/eps") : Tensor(),
                    .scores = {},
                    .frame = {}};
  const Features x = MakeParticleFeatures(batch);
  {
    ParticleNetwork network(options, generator);
    recorded.Load(network, train, "interface.");
    const Proposal proposal = network.Forward(x, noise.network, generator);
    report.CompareOutput(recorded, "scores", proposal.scores.value().Reshape({-1, batch.nodes.dim(1)}));
    // Up to this point the reference keeps one vector per row.
    const Variable frame = Permute(Reshape(proposal.frame, {-1, 3, 3}), {0, 2, 1});
    report.CompareOutput(recorded, "frame", frame.value());
  }
  const std::unique_ptr<Model> model = MakeNBodyModel(options, generator);
  recorded.Load(*model, train);
  const auto [output, per_sample, element, entropies] = model->Forward(x, noise, generator);
  const Variable prediction = Reshape(output, batch.target.shape());
  const Variable mse = MseLoss(prediction, batch.target);
  Variable loss = mse, entropy;
  if (entropies.defined()) {
    entropy = Scale(entropies, 1 / static_cast<double>(x.batch()));
    loss = Add(loss, Scale(entropy, recorded.spec.at("entropy_weight")));
  }
  report.CompareOutput(recorded, "prediction", prediction.value());
  report.CompareOutput(recorded, "mse", mse.value());
  report.CompareOutput(recorded, "loss", loss.value());
  if (entropy.defined()) report.CompareOutput(recorded, "entropy_loss", entropy.value());
  if (element.permutation)
    report.CompareOutput(recorded, "permutation", ToMatrix(*element.permutation, {}, recorded.dtype).value());
  if (element.matrix.defined()) report.CompareOutput(recorded, "rotation", element.matrix.value());
  if (!recorded.Group("grad/").empty()) loss.Backward();
  report.CompareState(recorded, *model);
  return report;
}

Report RunEgnn(const Case& recorded) {
  Report report;
  Generator generator(0);
  Egnn model({.layers = recorded.spec.at("layers"), .hidden = recorded.spec.at("hidden")}, generator);
  recorded.Load(model, /*train=*/true);
  const Tensor target = recorded.Get("in/target");
  const int64_t n = target.dim(1);
  const auto vectors = [&](const char* name) { return Reshape(recorded.Get(name), {-1, n, 3, 1}); };
  const Tensor nodes = Concat({vectors("in/position"), vectors("in/velocity")}, -1).value();
  const Tensor pairs = Tensor::Zeros({target.dim(0), n, n, 2}, recorded.dtype, recorded.device);  // EGNN makes its own
  const Features x = MakeParticleFeatures({nodes, pairs, target, recorded.Get("in/charge")});
  const Variable prediction = Reshape(model(x, 1, generator).output, target.shape());
  const Variable loss = MseLoss(prediction, target);
  report.CompareOutput(recorded, "prediction", prediction.value());
  report.CompareOutput(recorded, "loss", loss.value());
  loss.Backward();
  report.CompareState(recorded, model);
  return report;
}

}  // namespace orbit::parity
