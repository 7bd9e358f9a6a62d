// Sums and activations over edges on a GPU agree with the host, forward and backward: graphs of all sizes, without
// edges, with self-loops and repeated edges; channels that fill a warp's turn or do not; with and without positions,
// attributes and optional results. The same launch gives the same bits.
#include "kernels/edge_mlp.h"

#include <random>
#include <vector>

#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

struct Lists {
  std::vector<int32_t> offsets, sources, reverse_offsets, reverse_targets, reverse_edges;
};

Lists RandomLists(int64_t graphs, int64_t n, int most) {
  std::mt19937 random(1);
  Lists lists;
  lists.offsets.push_back(0);
  lists.reverse_offsets.push_back(0);
  for (int64_t g = 0; g < graphs; ++g) {
    const int32_t first = lists.offsets.back();
    std::vector<int32_t> targets;
    for (int32_t i = 0; i < n; ++i) {
      for (int degree = static_cast<int>(random() % (most + 1)); degree > 0; --degree) {
        lists.sources.push_back(static_cast<int32_t>(random() % n));
        targets.push_back(i);
      }
      lists.offsets.push_back(static_cast<int32_t>(lists.sources.size()));
    }
    for (int32_t j = 0; j < n; ++j) {
      for (size_t e = 0; e < targets.size(); ++e)
        if (lists.sources[first + e] == j) {
          lists.reverse_targets.push_back(targets[e]);
          lists.reverse_edges.push_back(first + static_cast<int32_t>(e));
        }
      lists.reverse_offsets.push_back(static_cast<int32_t>(lists.reverse_targets.size()));
    }
  }
  return lists;
}

template <class T>
constexpr double kTolerance = sizeof(T) == 4 ? 2e-4 : 1e-11;

struct Problem {
  int64_t graphs, samples, n;
  PairShape pair;
  int most = 5;  // edges into a node
};

// The same edges for the host and the GPU.
class EdgesOfBoth {
 public:
  explicit EdgesOfBoth(const Problem& p)
      : lists_(RandomLists(p.graphs, p.n, p.most)),
        offsets_(lists_.offsets),
        sources_(lists_.sources),
        reverse_offsets_(lists_.reverse_offsets),
        reverse_targets_(lists_.reverse_targets),
        reverse_edges_(lists_.reverse_edges),
        host({p.graphs, p.samples, p.n, p.samples * static_cast<int64_t>(lists_.sources.size()), lists_.offsets.data(),
              lists_.sources.data(), lists_.reverse_offsets.data(), lists_.reverse_targets.data(),
              lists_.reverse_edges.data()}),
        gpu({p.graphs, p.samples, p.n, host.edges, offsets_.data(), sources_.data(), reverse_offsets_.data(),
             reverse_targets_.data(), reverse_edges_.data()}) {}

 private:
  Lists lists_;
  OnGpu<int32_t> offsets_, sources_, reverse_offsets_, reverse_targets_, reverse_edges_;

 public:
  const GraphEdges host, gpu;
};

// The arrays of a PairInput, on either side.
template <class T, template <class> class Array>
struct Pairs {
  Array<T> nodes, positions, attributes, weight, bias;

  template <class U>
  PairInput<U> Pointers(const PairShape& shape) const {
    const auto get = [](const Array<T>& array) { return const_cast<U*>(array.data()); };
    return {get(nodes), shape.distances ? get(positions) : nullptr, shape.attributes > 0 ? get(attributes) : nullptr,
            get(weight), get(bias)};
  }
};
template <class T>
using Host = std::vector<T>;

template <class T>
void ComparePairs(const Problem& p) {
  const EdgesOfBoth edges(p);
  const PairShape& shape = p.pair;
  const int64_t nodes = edges.host.nodes(), rows = edges.host.edges, channels = shape.channels;
  const Pairs<T, Host> input = {Normal<T>(2 * nodes * channels, 2), Normal<T>(3 * nodes, 3),
                                Normal<T>(rows * shape.attributes, 4), Normal<T>(channels * shape.scalars(), 5),
                                Normal<T>(channels, 6)};
  const std::vector<T> dy = Normal<T>(rows * channels, 7);
  std::vector<T> y(rows * channels);
  Pairs<T, Host> expected = {input.nodes, input.positions, input.attributes, input.weight, input.bias};
  PairSilu(Cpu(), edges.host, shape, input.template Pointers<const T>(shape), y.data());
  PairSiluBackward(Cpu(), edges.host, shape, input.template Pointers<const T>(shape), dy.data(),
                   expected.template Pointers<T>(shape));

  const Pairs<T, OnGpu> on_gpu = {input.nodes, input.positions, input.attributes, input.weight, input.bias};
  const OnGpu<T> gpu_dy(dy);
  std::vector<T> first_bits;
  ForEachSchedule([&] {
    const OnGpu<T> gpu_y(y.size());
    PairSilu(Gpu(), edges.gpu, shape, on_gpu.template Pointers<const T>(shape), gpu_y.data());
    ExpectNear(y, gpu_y.Get(), kTolerance<T>, "y");
    const Pairs<T, OnGpu> gradient = {OnGpu<T>(input.nodes.size()), OnGpu<T>(input.positions.size()),
                                      OnGpu<T>(input.attributes.size()), OnGpu<T>(input.weight.size()),
                                      OnGpu<T>(input.bias.size())};
    PairSiluBackward(Gpu(), edges.gpu, shape, on_gpu.template Pointers<const T>(shape), gpu_dy.data(),
                     gradient.template Pointers<T>(shape));
    ExpectNear(expected.nodes, gradient.nodes.Get(), kTolerance<T>, "gradient of nodes");
    if (shape.distances)
      ExpectNear(expected.positions, gradient.positions.Get(), kTolerance<T>, "gradient of positions");
    ExpectNear(expected.attributes, gradient.attributes.Get(), kTolerance<T>, "gradient of attributes");
    ExpectNear(expected.weight, gradient.weight.Get(), kTolerance<T>, "gradient of the weight");
    ExpectNear(expected.bias, gradient.bias.Get(), kTolerance<T>, "gradient of the bias");
    const std::vector<T> bits = gradient.weight.Get();
    if (first_bits.empty()) first_bits = bits;
    EXPECT_EQ(first_bits, bits);
  });
}

template <class T>
void CompareSums(const Problem& p) {
  const EdgesOfBoth edges(p);
  const int64_t channels = p.pair.channels, rows = edges.host.edges, nodes = edges.host.nodes();
  const std::vector<T> x = Normal<T>(rows * channels, 2), dmessages = Normal<T>(rows * channels, 3),
                       dsums = Normal<T>(nodes * channels, 4);
  const OnGpu<T> on_x(x), on_dmessages(dmessages), on_dsums(dsums);
  for (const bool has_messages : {true, false})
    for (const bool has_sums : {true, false}) {
      std::vector<T> messages(rows * channels), sums(nodes * channels), dx(rows * channels);
      SiluSum(Cpu(), edges.host, channels, x.data(), has_messages ? messages.data() : nullptr, sums.data());
      SiluSumBackward(Cpu(), edges.host, channels, x.data(), has_messages ? dmessages.data() : nullptr,
                      has_sums ? dsums.data() : nullptr, dx.data());
      ForEachSchedule([&] {
        const OnGpu<T> gpu_messages(messages.size()), gpu_sums(sums.size()), gpu_dx(dx.size());
        SiluSum(Gpu(), edges.gpu, channels, on_x.data(), has_messages ? gpu_messages.data() : nullptr, gpu_sums.data());
        ExpectNear(sums, gpu_sums.Get(), kTolerance<T>, "sums");
        if (has_messages) ExpectNear(messages, gpu_messages.Get(), kTolerance<T>, "messages");
        SiluSumBackward(Gpu(), edges.gpu, channels, on_x.data(), has_messages ? on_dmessages.data() : nullptr,
                        has_sums ? on_dsums.data() : nullptr, gpu_dx.data());
        ExpectNear(dx, gpu_dx.Get(), kTolerance<T>, "dx");
      });
    }
}

template <class T>
void CompareMoves(const Problem& p) {
  const EdgesOfBoth edges(p);
  const int64_t channels = p.pair.channels, rows = edges.host.edges, nodes = edges.host.nodes();
  const std::vector<T> x = Normal<T>(rows * channels, 2), weight = Normal<T>(channels, 3),
                       positions = Normal<T>(3 * nodes, 4), dmoves = Normal<T>(3 * nodes, 5);
  const T limit = T(0.6);  // some moves are longer
  std::vector<T> scales(rows), moves(3 * nodes), dx(rows * channels), dweight(channels), dpositions(3 * nodes);
  MeanMoves(Cpu(), edges.host, channels, limit, x.data(), weight.data(), positions.data(), scales.data(), moves.data());
  MeanMovesBackward(Cpu(), edges.host, channels, limit, x.data(), weight.data(), positions.data(), scales.data(),
                    dmoves.data(), dx.data(), dweight.data(), dpositions.data());
  const OnGpu<T> on_x(x), on_weight(weight), on_positions(positions), on_dmoves(dmoves), on_scales(scales);
  ForEachSchedule([&] {
    const OnGpu<T> gpu_scales(scales.size()), gpu_moves(moves.size()), gpu_dx(dx.size()), gpu_dweight(channels),
        gpu_dpositions(dpositions.size());
    MeanMoves(Gpu(), edges.gpu, channels, limit, on_x.data(), on_weight.data(), on_positions.data(), gpu_scales.data(),
              gpu_moves.data());
    ExpectNear(scales, gpu_scales.Get(), kTolerance<T>, "scales");
    ExpectNear(moves, gpu_moves.Get(), kTolerance<T>, "moves");
    MeanMovesBackward(Gpu(), edges.gpu, channels, limit, on_x.data(), on_weight.data(), on_positions.data(),
                      on_scales.data(), on_dmoves.data(), gpu_dx.data(), gpu_dweight.data(), gpu_dpositions.data());
    ExpectNear(dx, gpu_dx.Get(), kTolerance<T>, "gradient of p");
    ExpectNear(dweight, gpu_dweight.Get(), kTolerance<T>, "gradient of the weight");
    ExpectNear(dpositions, gpu_dpositions.Get(), kTolerance<T>, "gradient of the positions");
  });
}

std::vector<Problem> Problems() {
  return {
      {2, 3, 1, {1, 0, false}},   {1, 2, 5, {33, 2, true}},     {3, 2, 4, {64, 2, true}},     {2, 1, 31, {31, 0, true}},
      {1, 1, 33, {66, 3, false}}, {2, 2, 3, {130, 7, true}, 2}, {1, 2, 2, {64, 2, true}, 40},  // more edges than lanes
      {2, 2, 3, {6, 2, true}, 0},                                                              // no edges
  };
}

template <template <class> class Compare>
void CompareAll() {
  for (const Problem& p : Problems()) {
    SCOPED_TRACE(testing::Message() << p.graphs << " graphs, " << p.samples << " samples, n " << p.n << ", channels "
                                    << p.pair.channels << ", attributes " << p.pair.attributes
                                    << (p.pair.distances ? ", distances" : ""));
    Compare<float>()(p);
    Compare<double>()(p);
  }
}

template <class T>
struct PairsCase {
  void operator()(const Problem& p) const { ComparePairs<T>(p); }
};
template <class T>
struct SumsCase {
  void operator()(const Problem& p) const { CompareSums<T>(p); }
};
template <class T>
struct MovesCase {
  void operator()(const Problem& p) const { CompareMoves<T>(p); }
};

TEST(PairSilu, AgreesWithTheHost) { CompareAll<PairsCase>(); }
TEST(SiluSum, AgreesWithTheHost) { CompareAll<SumsCase>(); }
TEST(MeanMoves, AgreesWithTheHost) { CompareAll<MovesCase>(); }

TEST(EdgeMlp, OfMoreNodesThanAWarpEachWhereBlocksLeaveSums) {
  const Problem problem = {1, 260, 8, {2, 1, true}, 1};
  ComparePairs<float>(problem);
  CompareMoves<float>(problem);
}

TEST(EdgeMlp, OfNoNodesHasGradientsOfZero) {
  const GraphEdges edges = {};
  const PairShape shape = {3, 1, true};
  const OnGpu<double> weight(6), bias(3), move(3);
  PairSiluBackward<Gpu, double>(Gpu(), edges, shape, {}, nullptr,
                                {nullptr, nullptr, nullptr, weight.data(), bias.data()});
  MeanMovesBackward<Gpu, double>(Gpu(), edges, 3, 1, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, move.data(),
                                 nullptr);
  EXPECT_EQ(weight.Get(), std::vector<double>(6, 0));
  EXPECT_EQ(bias.Get(), std::vector<double>(3, 0));
  EXPECT_EQ(move.Get(), std::vector<double>(3, 0));
}

}  // namespace
}  // namespace orbit::kernels
