#include "tools/benchmarks/benchmarks.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <utility>

#include "data/molecules/molecule_graphs.h"
#include "engine/capture.h"
#include "engine/dispatch.h"
#include "engine/ops/attention.h"
#include "engine/ops/edge_mlp.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/graph_attention.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "engine/ops/message_passing.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "engine/ops/transformer_layer.h"
#include "groups/ops/permuted_linear.h"
#include "groups/ops/rotation.h"
#include "kernels/attention.h"
#include "kernels/cuda/cudnn_attention.h"
#include "kernels/nearest_neighbours.h"
#include "models/complete_graph.h"
#include "models/graph_image_model.h"
#include "models/graph_model.h"
#include "models/nbody_model.h"
#include "models/vector_neurons.h"
#include "tools/benchmarks/operations.h"

namespace orbit {
namespace {

constexpr double f = sizeof(float);

// ---- Training steps ----

constexpr int64_t kBatch = 100;

BenchmarkWork NBodyStep(bool capture) {
  auto generator = std::make_shared<Generator>(0);
  std::shared_ptr<Model> model = MakeNBodyModel({}, *generator);
  const ParticleBatch batch = {Normal({kBatch, 5, 3, 2}), Normal({kBatch, 5, 5, 2}), Normal({kBatch, 5, 3})};
  const auto loss = [=, model = model.get()](Generator& generator) -> std::vector<LossPart> {
    const auto result = (*model)(MakeParticleFeatures(batch), 20, generator);
    const Variable output = Reshape(result.output, batch.target.shape());
    return {{"mse", MseLoss(output, batch.target, Reduction::kSum), static_cast<double>(batch.target.size())},
            {"entropy", result.entropy, kBatch, 0.1}};
  };
  return TrainingOf(model, kBatch, generator, loss, {.capture = capture});
}

BenchmarkWork EgnnStep() {
  auto generator = std::make_shared<Generator>(0);
  std::shared_ptr<Model> model = MakeNBodyModel({.base = "egnn"}, *generator);
  const ParticleBatch batch = {Normal({kBatch, 5, 3, 2}), Normal({kBatch, 5, 5, 2}), Normal({kBatch, 5, 3}),
                               Normal({kBatch, 5, 1})};
  const auto loss = [=, model = model.get()](Generator& generator) -> std::vector<LossPart> {
    const Variable output = (*model)(MakeParticleFeatures(batch), 1, generator).output;
    return {{"mse", MseLoss(Reshape(output, batch.target.shape()), batch.target, Reduction::kSum),
             static_cast<double>(batch.target.size())}};
  };
  return TrainingOf(model, kBatch, generator, loss, {});
}

BenchmarkWork ExpClassifyStep() {
  auto generator = std::make_shared<Generator>(0);
  std::shared_ptr<Model> model = MakeGraphModel({}, *generator);
  const Features x = RandomGraphs(kBatch, 64);
  const Tensor target = generator->Uniform({kBatch, 1}, 0, 2).To(DType::kI32).To(DType::kF32).To(TheDevice());
  const auto loss = [=, model = model.get()](Generator& generator) -> std::vector<LossPart> {
    const auto result = (*model)(x, 10, generator);
    return {{"bce", BceWithLogitsLoss(result.output, target, Reduction::kSum), kBatch},
            {"entropy", result.entropy, kBatch, 0.1}};
  };
  return TrainingOf(model, kBatch, generator, loss, {.clip_norm = 0.1});
}

// A vision transformer of timm's size `tiny` classifies the nodes of 8 graphs, with `image` as for PATTERN or Peptides.
BenchmarkWork VisionTransformerStep(GraphImageOptions image, double density) {
  constexpr int64_t kGraphs = 8;
  auto generator = std::make_shared<Generator>(0);
  GraphImageModelOptions options;
  options.transformer = ParseVisionTransformer("vit_tiny_patch16_224");
  options.image = image;
  options.diagonal = true;
  std::shared_ptr<Model> model = MakeGraphImageModel(options, *generator);
  const int64_t n = image.n, channels = image.edge_channels;
  Features x = RandomLabelledGraphs(kGraphs, n, density, image.node_channels);
  if (channels > 1) {  // a one, as of every edge, and a feature
    std::vector<float> features(x.edges.edges() * channels, 0.0f);
    for (int64_t e = 0; e < x.edges.edges(); ++e)
      features[e * channels] = features[e * channels + 1 + e % (channels - 1)] = 1;
    x.edge_features = Tensor::From(features, {x.edges.edges(), channels}, TheDevice());
  }
  const std::vector<int32_t> sizes = x.num_nodes.ToVector<int32_t>();
  std::vector<int64_t> classes(kGraphs * n, -100);
  for (int64_t g = 0; g < kGraphs; ++g)
    for (int64_t i = 0; i < sizes[g]; ++i) classes[g * n + i] = i % 2;
  const Tensor target = Tensor::From(classes, {kGraphs, n}, TheDevice());
  const auto loss = [=, model = model.get()](Generator& generator) -> std::vector<LossPart> {
    const auto result = (*model)(x, 1, generator);
    return {{"cross_entropy", CrossEntropyLoss(result.output, target, Reduction::kSum),
             static_cast<double>(std::accumulate(sizes.begin(), sizes.end(), 0))},
            {"entropy", result.entropy, kGraphs, 0.1}};
  };
  return TrainingOf(model, kGraphs, generator, loss, {});
}

// Batches of 8 molecules as large as peptides, as the worker makes them that is ahead of the steps.
BenchmarkWork PeptidesBatch() {
  std::string smiles = "N";
  for (int i = 0; i < 30; ++i) smiles += "[C@@H](CO)C(=O)N";  // serine
  const auto graphs = std::make_shared<MoleculeGraphs>(
      PackedArrays(PackMolecules(std::vector<Molecule>(8, ParseSmiles(smiles + "C")))));
  return [graphs] { MakeMoleculeBatch(*graphs, {0, 1, 2, 3, 4, 5, 6, 7}, 444, PeptidesVocabulary()); };
}

// ---- Pieces of training steps ----

// Attention from projected queries, keys and values, forward and backward. Bytes: projected and the result, each read
// again in backward, and their gradients. Flops: two products forward, five backward.
Benchmark AttentionBothWays(std::string name, std::string help, const kernels::AttentionShape& shape, DType dtype) {
  const double elements = static_cast<double>(shape.rows() * shape.width());
  return {std::move(name), std::move(help), 12 * elements * static_cast<double>(SizeOf(dtype)),
          14 * elements * static_cast<double>(shape.tokens), [=] {
            const Variable projected(Normal({shape.sequences, shape.tokens, 3 * shape.width()}).To(dtype), true);
            return BothWays({projected}, [=] { return ScaledDotProductAttention(projected, shape.heads); });
          }};
}

#ifdef ORBIT_CUDA
// The same work in bf16 by cuDNN.
BenchmarkWork CudnnAttention(const kernels::AttentionShape& shape) {
  const auto draw = [&](int64_t parts) {
    return Normal({shape.sequences, shape.tokens, parts * shape.width()}).To(DType::kBF16);
  };
  const Tensor projected = draw(3), dy = draw(1), y = Tensor::EmptyLike(dy), dprojected = Tensor::EmptyLike(projected),
               log_sums = Tensor::Empty({shape.sequences, shape.heads, shape.tokens}, DType::kF32, TheDevice());
  return [=] {
    const kernels::Cuda stream = StreamOf(TheDevice());
    kernels::CudnnAttentionForward(stream, shape, projected.data<BFloat16>(), y.data<BFloat16>(),
                                   log_sums.data<float>());
    kernels::CudnnAttentionBackward(stream, shape, projected.data<BFloat16>(), y.data<BFloat16>(),
                                    log_sums.data<float>(), dy.data<BFloat16>(), dprojected.data<BFloat16>());
  };
}
#endif

// A layer of nbody_paper's base function on the pairs of 5 particles.
constexpr double kLayerRows = 2000 * 25, kLayerWidth = 64;
constexpr double kLayerFlops = kLayerRows * (2 * kLayerWidth * 6 * kLayerWidth + 4 * 25 * kLayerWidth);

struct LayerArguments {
  LayerArguments(const Shape& shape, int64_t heads, int64_t hidden) : x(Parameter(shape)), heads(heads) {
    const int64_t width = shape[2];
    const auto weight = [&](const Shape& shape) {
      return Variable(Scale(Normal(shape), 1 / std::sqrt(static_cast<double>(width))).value(), true);
    };
    parameters = {.in_proj_weight = weight({3 * width, width}),
                  .in_proj_bias = weight({3 * width}),
                  .out_proj_weight = weight({width, width}),
                  .out_proj_bias = weight({width}),
                  .linear1_weight = weight({hidden, width}),
                  .linear1_bias = weight({hidden}),
                  .linear2_weight = weight({width, hidden}),
                  .linear2_bias = weight({width}),
                  .norm1_weight = weight({width}),
                  .norm1_bias = weight({width}),
                  .norm2_weight = weight({width}),
                  .norm2_bias = weight({width})};
  }

  Variable Apply() const { return TransformerEncoderLayer(x, parameters, heads); }
  std::vector<Variable> All() const {
    const TransformerLayerParameters& p = parameters;
    return {x,
            p.in_proj_weight,
            p.in_proj_bias,
            p.out_proj_weight,
            p.out_proj_bias,
            p.linear1_weight,
            p.linear1_bias,
            p.linear2_weight,
            p.linear2_bias,
            p.norm1_weight,
            p.norm1_bias,
            p.norm2_weight,
            p.norm2_bias};
  }

  Variable x;
  int64_t heads;
  TransformerLayerParameters parameters;
};

LayerArguments NBodyLayer() { return {{2000, 25, 64}, 4, 64}; }

// Hard permutations of n nodes, with a soft part, for 100 graphs with `samples` samples each.
Permutation RandomPermutation(int64_t samples, int64_t n) {
  Permutation permutation = SoftSort(Parameter({100, samples, n}), Counts(100, n), {.tau = 0.1});
  permutation.soft = Variable(permutation.soft.value(), true);
  return permutation;
}

BenchmarkWork SinkhornOf(int64_t graphs, int64_t samples) {
  const Variable scores = Parameter({graphs, samples, 188});
  return BothWays({scores}, [=, counts = Counts(graphs, 188)] { return SoftSort(scores, counts, {.tau = 0.01}).soft; });
}

BenchmarkWork PermuteOf(int64_t order, const Shape& shape) {
  const Variable x = Parameter(shape);
  const Permutation permutation = RandomPermutation(20, shape[1]);
  return BothWays({x, permutation.soft}, [=] { return ActInverse(permutation, static_cast<int>(order), x); });
}

// The first layer of an MLP on permuted graphs; with_gradient also computes the gradient of its weight.
BenchmarkWork PermutedLinearOf(bool with_gradient) {
  const Features graphs = RandomGraphs(100, 64);
  const Permutation permutation = Sort(Normal({100, 10, 64}), graphs.num_nodes);
  const Variable weight = Parameter({2048, 64 * 2 + 64 * 64}), bias = Parameter({2048});
  const auto layer = [=] {
    return PermutedLinear(permutation, graphs.features[0].value.value(), graphs.edges, weight, bias);
  };
  return with_gradient ? BothWays({weight, bias}, layer) : Forward(layer);
}

BenchmarkWork VectorNeuronsOf(bool edges) {
  Generator generator(0);
  auto layer = std::make_shared<VNLayer>(42, 21, false, generator);
  layer->To(TheDevice());
  const Variable x = Parameter({2000, 5, 3, edges ? 21 : 42}), pool = Parameter({21, 21});
  std::vector<Variable> inputs = {x};
  for (const NamedVariable& parameter : layer->NamedParameters()) inputs.push_back(parameter.variable);
  return BothWays(inputs, [=] { return edges ? layer->Convolve(x, 4, pool) : (*layer)(x); });
}

BenchmarkWork NearestNeighboursOf(int64_t graphs, int64_t n, int64_t d, int64_t k) {
  const Tensor x = Normal({graphs, n, d}), index = Tensor::Empty({graphs, n, k}, DType::kI32, TheDevice());
  return [=] {
    DispatchDevice("NearestNeighbours", TheDevice(), [&](auto device) {
      kernels::NearestNeighbours(device, graphs, n, d, k, x.data<float>(), index.data<int32_t>());
    });
  };
}

// Benchmarks that take too long without a GPU.
std::vector<Benchmark> GpuBenchmarks() {
  const kernels::AttentionShape shape = {.sequences = 128, .tokens = 197, .heads = 12, .channels = 64};
  std::vector<Benchmark> benchmarks = {AttentionBothWays(
      "attention_197x12x64_bf16", "attention, forward and backward, 128 sequences of 197 tokens, 12 heads of 64", shape,
      DType::kBF16)};
#ifdef ORBIT_CUDA
  benchmarks.push_back({"attention_197x12x64_bf16_cudnn", "the same by cuDNN", benchmarks[0].bytes, benchmarks[0].flops,
                        [=] { return CudnnAttention(shape); }});
#endif
  // Per token: products with 12 width^2 weights, and with the scores' 2 tokens x width; three times with the backward.
  const double width = static_cast<double>(shape.width()), tokens = static_cast<double>(shape.tokens);
  benchmarks.push_back(
      {"vit_base_layer", "a layer of ViT-Base on 128 x 197 tokens, forward and backward", 0,
       3 * static_cast<double>(shape.rows()) * (2 * 12 * width * width + 2 * 2 * tokens * width), [=] {
         const LayerArguments a({shape.sequences, shape.tokens, shape.width()}, shape.heads, 4 * shape.width());
         return BothWays(a.All(), [=] { return a.Apply(); });
       }});
  return benchmarks;
}

constexpr double kEdges = 2000 * 20, kEdgeElements = kEdges * 64;  // of the complete graphs below

EdgeLists Pairs() { return CompleteGraph(5, TheDevice()); }

// Whole training steps, and what makes a batch for one.
std::vector<Benchmark> TrainingSteps() {
  std::vector<Benchmark> steps = {
      {"nbody_paper_step", "a training step of nbody_paper: batch 100, 20 samples", 0, 66e9,
       [] { return NBodyStep(/*capture=*/false); }},
      {"nbody_egnn_step", "a training step of nbody_egnn: batch 100", 0, 0.69e9, EgnnStep},
      {"exp_classify_step", "a training step of exp_classify_mlp_ps: batch 100, 10 samples", 0, 109e9, ExpClassifyStep},
      {"pattern_vit_tiny_step", "a training step of a vision transformer on PATTERN's graphs: tiny, batch 8", 0, 0,
       [] { return VisionTransformerStep({.n = 188, .nodes_on_diagonal = true}, 0.43); }},
      {"peptides_vit_tiny_step", "the same on graphs as large and sparse as those of Peptides", 0, 0,
       [] { return VisionTransformerStep({.n = 444, .node_channels = 50, .edge_channels = 8}, 0.005); }},

      {"peptides_batch", "8 molecules become a batch for it, on the host, by a worker that is ahead", 8 * 444 * 50 * f,
       0, PeptidesBatch},
  };
  if (CanCapture(TheDevice()))
    steps.insert(steps.begin() + 1, {"nbody_paper_step_graph", "the same, captured and launched as one", 0, 66e9,
                                     [] { return NBodyStep(/*capture=*/true); }});
  return steps;
}

// Group elements: how they are made, and how they act.
std::vector<Benchmark> OfGroups() {
  constexpr double kActed = 2000 * 64 * 3 * 8.0;
  return {
      {"sinkhorn_1000x188", "SoftSort with 20 Sinkhorn iterations, forward and backward, 1,000 x 188 nodes",
       2 * 1000 * 188.0 * 188 * f, 0,  // P written, dP read
       [] { return SinkhornOf(100, 10); }},
      {"sinkhorn_1280x188", "the same of 1,280 x 188 nodes", 2 * 1280 * 188.0 * 188 * f, 0,
       [] { return SinkhornOf(128, 10); }},
      {"permutation_entropy_2000x5", "the entropy regulariser, forward and backward", 3 * 2000 * 25 * f, 0,
       [] {
         const Variable soft(Exp(Normal({100, 20, 5, 5})).value(), true);
         const Permutation permutation{Tensor::Zeros({100, 20, 5}, DType::kI32, TheDevice()), soft, true};
         return BothWays({soft}, [=, counts = Counts(100, 5)] { return PermutationEntropy(permutation, counts); });
       }},
      {"gram_schmidt_2000", "orthonormal frames, forward and backward", 5 * 2000 * 9 * f, 0,
       [] {
         const Variable frames = Parameter({100, 20, 3, 3});
         return BothWays({frames}, [=] { return GramSchmidt(frames, false); });
       }},
      {"permute_2000x64", "nodes renumbered for 20 samples, forward and backward with straight-through",
       (3 * 100 * 64 * 16 + 2 * 2000 * 64 * 16 + 2000 * 64 * 64.0) * f, 2 * 2000 * 64 * 64 * 16.0,
       [] {
         return PermuteOf(1, {100, 64, 16});
       }},
      {"permute_2000x5x5", "pairs of nodes renumbered for 20 samples, forward and backward with straight-through",
       (100 * 50 * 2 + 2000 * 50 * 2 + 2000 * 25) * f, 2 * 2 * 2000.0 * 5 * 5 * 10,
       [] {
         return PermuteOf(2, {100, 5, 5, 2});
       }},
      {"permuted_linear_1000x2048", "the first layer of an MLP on permuted graphs from their edges, forward",
       (4224 * 2048.0 + 1000 * 2048) * f, 2 * 1000 * 190.0 * 2048, [] { return PermutedLinearOf(false); }},
      {"permuted_linear_gradient_1000x2048", "the same with the gradient of its weight",
       2 * (4224 * 2048.0 + 1000 * 2048) * f, 2 * 2 * 1000 * 190.0 * 2048, [] { return PermutedLinearOf(true); }},
      {"rotate_2000x64x3x8", "vectors rotated for 20 samples, forward and backward",
       2 * kActed * f + 3 * kActed / 20 * f, 0,
       [] {
         const Variable m = Parameter({100, 20, 3, 3}), x = Parameter({100, 64, 3, 8});
         return BothWays({m, x}, [=] { return RotateTransposed(m, x); });
       }},
      {"act_and_mean_2000x64x3x8", "20 samples transformed back and meaned, forward and backward, straight-through",
       (3 * kActed + 2000 * 64 * 64.0) * f, 0,  // x read both ways, dx and dsoft written
       [] {
         const Permutation permutation = RandomPermutation(20, 64);
         const Element element{permutation, Parameter({100, 20, 3, 3}), {}};
         const Variable x = Parameter({100, 20, 64, 3, 8});
         return BothWays({permutation.soft, element.matrix, x},
                         [=] { return element.MeanAct(Representation::Vectors(1), x); });
       }},
  };
}

// Messages along edges, and points in space.
std::vector<Benchmark> OfGraphsAndPoints() {
  constexpr double kPoints = 2000 * 5 * 3, kAttended = 1000 * 64 * 120.0;
  return {
      {"message_sum_65000x64", "GIN's aggregation on 1,000 graphs of 64 nodes and a hub, forward and backward",
       4 * 1000 * 65.0 * 64 * f, 0,
       [] {
         const Features graphs = RandomGraphs(100, 64);
         const Variable x = Parameter({100, 10, 65, 64}), eps = Parameter({1});
         return BothWays({x, eps}, [=] { return MessageSumWithHub(x, eps, graphs.edges, graphs.num_nodes); });
       }},
      {"graph_attention_64000x8x15", "GAT's on 1,000 graphs of 64 nodes, forward and backward",
       (5 * kAttended + 6 * kAttended / 15) * f, 0,
       [] {
         const EdgeLists edges = RandomGraphs(100, 64).edges;
         const Variable z = Parameter({100, 10, 64, 8, 15}), from = Parameter({100, 10, 64, 8}),
                        to = Parameter({100, 10, 64, 8});
         return BothWays({z, from, to}, [=] { return GraphAttention(z, from, to, edges); });
       }},
      {"edge_silu_40000x64", "the first layer of an MLP on the pairs of 2,000 x 5 nodes, forward and backward",
       (2 * kEdgeElements + 6 * 10000 * 64) * f, 3 * 2 * 10000.0 * 64 * 128,
       [] {
         const Variable h = Parameter({10000, 64}), x = Parameter({10000, 3}), weight = Parameter({64, 131}),
                        bias = Parameter({64});
         return BothWays({h, x, weight, bias}, [=, attributes = Normal({40000, 2}), edges = Pairs()] {
           return EdgeSilu(h, x, attributes, weight, bias, edges);
         });
       }},
      {"silu_and_sum_40000x64", "its last activation and the sums over senders, forward and backward",
       5 * kEdgeElements * f, 0,
       [] {
         const Variable x = Parameter({40000, 64});
         return BothWays({x}, [=, edges = Pairs()] { return SiluAndSum(x, 10000, edges).messages; });
       }},
      {"mean_moves_40000x64", "EGNN's moves along the edges, forward and backward", 3 * kEdgeElements * f, 0,
       [] {
         const Variable p = Parameter({40000, 64}), weight = Parameter({1, 64}), x = Parameter({10000, 3});
         return BothWays({p, weight, x}, [=, edges = Pairs()] { return MeanMoves(p, weight, x, 100, edges); });
       }},
      {"nearest_neighbours_1000x64x63", "the 4 nearest of 64 points in 63 dimensions", 1000 * 64 * (63 + 4) * f,
       3 * 1000 * 64.0 * 64 * 63, [] { return NearestNeighboursOf(1000, 64, 63, 4); }},
      {"vector_neurons_points_10000", "a layer of 42 to 21 vectors on points, in training, forward and backward",
       kPoints * (3 * 42 + 2 * 21) * f, 0, [] { return VectorNeuronsOf(false); }},
      {"vector_neurons_edges_40000", "an edge convolution of 21 vectors to the 4 nearest, in training, both ways",
       kPoints * (3 * 21 + 2 * 21) * f, 0, [] { return VectorNeuronsOf(true); }},
      {"vector_max_pool_10000x21", "with its linear map, forward and backward", 3 * kPoints * 21 * f,
       2 * kPoints * 21 * 21,
       [] {
         Generator generator(0);
         auto pool = std::make_shared<VNMaxPool>(21, generator);
         pool->To(TheDevice());
         const Variable x = Parameter({2000, 5, 3, 21});
         return BothWays({x}, [=] { return (*pool)(x); });
       }},
  };
}

// Products with weights, attention and transformer layers.
std::vector<Benchmark> OfLayers() {
  return {
      {"linear_50000x64x192", "with bias, forward and backward", 0, 3 * 2 * 50000.0 * 64 * 192,
       [] {
         const Variable x = Parameter({50000, 64}), weight = Parameter({192, 64}), bias = Parameter({192});
         return BothWays({x, weight, bias}, [=] { return Linear(x, weight, bias); });
       }},
      {"linear_of_relu_1000x2048x4096",
       "a layer between ReLUs on 10 samples each of 100 examples, forward and backward", 0,
       3 * 2 * 1000.0 * 2048 * 4096,
       [] {
         // An example's samples share their signs about as much as the hidden units of an MLP do.
         const Variable x(Add(Normal({100, 1, 2048}), Normal({100, 10, 2048})).value(), true);
         const Variable weight = Parameter({4096, 2048}), bias = Parameter({4096});
         return BothWays({x, weight, bias}, [=] { return Relu(Linear(Relu(x), weight, bias)); });
       }},
      {"matmul_2000x64x64x64", "2,000 products, forward and backward", 0, 3 * 2 * 2000.0 * 64 * 64 * 64,
       [] {
         const Variable a = Parameter({2000, 64, 64}), b = Parameter({2000, 64, 64});
         return BothWays({a, b}, [=] { return MatMul(a, b); });
       }},
      AttentionBothWays("attention_25x4x16",
                        "attention of nbody, forward and backward, 2,000 sequences of 25 tokens, 4 heads of 16",
                        {.sequences = 2000, .tokens = 25, .heads = 4, .channels = 16}, DType::kF32),
      {"transformer_layer_2000x25x64_forward", "a transformer layer with 4 heads, forward",
       2 * kLayerRows * kLayerWidth * f, kLayerFlops, [] { return Forward([a = NBodyLayer()] { return a.Apply(); }); }},
      {"transformer_layer_2000x25x64", "the same, forward and backward", 5 * kLayerRows * kLayerWidth * f,
       3 * kLayerFlops,
       [] {
         const LayerArguments a = NBodyLayer();
         return BothWays(a.All(), [=] { return a.Apply(); });
       }},
  };
}

}  // namespace

std::vector<Benchmark> MakeBenchmarks() {
  std::vector<Benchmark> all;
  const auto add = [&](std::vector<Benchmark> benchmarks) {
    std::move(benchmarks.begin(), benchmarks.end(), std::back_inserter(all));
  };
  add(TrainingSteps());
  add(OfGroups());
  add(OfGraphsAndPoints());
  add(OfLayers());
  add(AroundLayers());
  add(OfElementsAndAxes());
  add(OfIndexingAndRandomNumbers());
  if (TheDevice().type == DeviceType::kCuda) add(GpuBenchmarks());
  return all;
}

}  // namespace orbit
