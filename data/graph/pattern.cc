#include "data/graph/pattern.h"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <numeric>
#include <utility>

#include "data/io/pickled_graphs.h"
#include "data/io/sha256.h"
#include "engine/random.h"
#include "kernels/parallel.h"

namespace orbit {
namespace {

constexpr int64_t kCommunities = 5, kSmallest = 5, kLargest = 34;  // nodes of a community, or of a pattern
constexpr float kWithin = 0.5f, kAcross = 0.35f, kOfPattern = 0.5f;
constexpr uint64_t kStreamsOfAGraph = 1 << 20;  // of random numbers; a graph that is drawn again goes on in its own
constexpr int64_t kDrawnAtOnce = 50;            // by a thread
constexpr int64_t kPadding = -100;              // the class of nodes that are not there

// The place of the pair (i, j), i < j, among the pairs of a graph.
int64_t PlaceOfPair(int64_t i, int64_t j) { return j * (j - 1) / 2 + i; }

int64_t NumPairs(int64_t n) { return n * (n - 1) / 2; }

// Draws integers of [low, high].
std::vector<int64_t> DrawIntegers(Generator& generator, int64_t count, int64_t low, int64_t high) {
  std::vector<int64_t> integers;
  for (const double x : generator.Uniform({count}, 0, 1, DType::kF64).ToVector<double>())
    integers.push_back(std::min(high, low + static_cast<int64_t>(x * static_cast<double>(high - low + 1))));
  return integers;
}

std::vector<uint8_t> DrawWords(Generator& generator, int64_t count) {
  const std::vector<int64_t> words = DrawIntegers(generator, count, 0, kPatternWords - 1);
  return {words.begin(), words.end()};
}

PatternGraph DrawPattern(Generator& generator) {
  PatternGraph pattern;
  pattern.n = DrawIntegers(generator, 1, kSmallest, kLargest)[0];
  pattern.words = DrawWords(generator, pattern.n);
  const std::vector<float> draws = generator.Uniform({NumPairs(pattern.n)}, 0, 1).ToVector<float>();
  for (int32_t j = 0; j < pattern.n; ++j)
    for (int32_t i = 0; i < j; ++i)
      if (draws[PlaceOfPair(i, j)] < kWithin) pattern.edges.push_back({i, j});
  return pattern;
}

// A graph with the pattern, which may be larger than is wanted.
PatternGraph DrawGraph(const PatternGraph& pattern, Generator& generator) {
  std::vector<int64_t> community;  // of every node
  const std::vector<int64_t> sizes = DrawIntegers(generator, kCommunities, kSmallest, kLargest);
  for (int64_t c = 0; c < kCommunities; ++c) community.insert(community.end(), sizes[c], c);
  const auto others = static_cast<int64_t>(community.size());
  PatternGraph graph{.n = others + pattern.n, .words = {}, .classes = {}, .edges = {}};

  std::vector<int32_t> number(graph.n);  // of every node, the pattern's last, once they are shuffled
  std::iota(number.begin(), number.end(), 0);
  const std::vector<float> order = generator.Uniform({graph.n}, 0, 1).ToVector<float>();
  std::stable_sort(number.begin(), number.end(), [&](int32_t a, int32_t b) { return order[a] < order[b]; });

  const std::vector<uint8_t> words = DrawWords(generator, others);
  graph.words.resize(graph.n);
  graph.classes.resize(graph.n);
  for (int64_t i = 0; i < graph.n; ++i) {
    graph.words[number[i]] = i < others ? words[i] : pattern.words[i - others];
    graph.classes[number[i]] = i < others ? 0 : 1;
  }
  const std::vector<float> draws = generator.Uniform({NumPairs(graph.n)}, 0, 1).ToVector<float>();
  for (int64_t j = 0; j < graph.n; ++j)
    for (int64_t i = 0; i < std::min(j, others); ++i) {
      const float probability = j >= others ? kOfPattern : community[i] == community[j] ? kWithin : kAcross;
      if (draws[PlaceOfPair(i, j)] < probability) graph.edges.push_back({number[i], number[j]});
    }
  for (const Edge& edge : pattern.edges)
    graph.edges.push_back({number[others + edge.source], number[others + edge.target]});
  return graph;
}

// The splits of graphs that come one split after another.
SplitNumbers Consecutive(const std::array<int64_t, kSplits.size()>& counts) {
  SplitNumbers splits;
  int64_t begin = 0;
  for (size_t split = 0; split < kSplits.size(); ++split) {
    splits[split].resize(counts[split]);
    std::iota(splits[split].begin(), splits[split].end(), begin);
    begin += counts[split];
  }
  return splits;
}

std::vector<uint8_t> ToBytes(const std::vector<int64_t>& values) {
  std::vector<uint8_t> bytes;
  for (const int64_t value : values) {
    Check(value >= 0 && value < 256, "a word or class is ", value);
    bytes.push_back(static_cast<uint8_t>(value));
  }
  return bytes;
}

// Of PyTorch Geometric, from x [n, words], edge_index [2, edges] and y [n].
PatternGraph OfGeometric(const PickledGraphs& file, int64_t i) {
  const Tensor x = file.Attribute(i, "x"), edges = file.Attribute(i, "edge_index");
  Check(x.rank() == 2 && x.dim(1) == kPatternWords, "x is ", x.Describe(), ", not [nodes, ", kPatternWords, "]");
  Check(edges.rank() == 2 && edges.dim(0) == 2, "edge_index is ", edges.Describe(), ", not [2, edges]");
  PatternGraph graph{
      .n = x.dim(0), .words = {}, .classes = ToBytes(file.Attribute(i, "y").ToVector<int64_t>()), .edges = {}};
  const std::vector<double> one_hot = x.ToVector<double>();
  for (auto row = one_hot.begin(); row != one_hot.end(); row += kPatternWords) {
    const auto end = row + kPatternWords;
    Check(std::count(row, end, 1) == 1 && std::count(row, end, 0) == kPatternWords - 1, "x is not one-hot at node ",
          graph.words.size());
    graph.words.push_back(static_cast<uint8_t>(std::find(row, end, 1) - row));
  }
  const std::vector<int64_t> ends = edges.ToVector<int64_t>();
  for (const int64_t end : ends) Check(end >= 0 && end < graph.n, "edge_index has the node ", end, " of ", graph.n);
  const int64_t count = edges.dim(1);
  for (int64_t e = 0; e < count; ++e)
    graph.edges.push_back({static_cast<int32_t>(ends[e]), static_cast<int32_t>(ends[count + e])});
  return graph;
}

// Of the benchmark, from W [n, n], node_feat [n] and node_label [n].
PatternGraph OfBenchmark(const PickledGraphs& file, int64_t i) {
  const Tensor adjacency = file.Attribute(i, "W");
  const int64_t n = adjacency.dim(0);
  Check(adjacency.shape() == Shape{n, n}, "W is ", adjacency.Describe(), ", not square");
  PatternGraph graph{.n = n,
                     .words = ToBytes(file.Attribute(i, "node_feat").ToVector<int64_t>()),
                     .classes = ToBytes(file.Attribute(i, "node_label").ToVector<int64_t>()),
                     .edges = {}};
  const std::vector<double> entries = adjacency.ToVector<double>();
  for (int32_t j = 0; j < n; ++j)
    for (int32_t k = 0; k < n; ++k)
      if (entries[j * n + k] != 0) graph.edges.push_back({k, j});
  return graph;
}

void Append(const std::string& path, bool geometric, std::vector<PatternGraph>& graphs, std::vector<int64_t>& counts) {
  const PickledGraphs file(path);
  const std::vector<int64_t>& sizes = file.list_sizes();
  Check(sizes.size() == (geometric ? kSplits.size() : 1), path, " has ", sizes.size(), " lists of graphs, not one for ",
        geometric ? "each of training, validation and test" : "its split");
  counts.insert(counts.end(), sizes.begin(), sizes.end());
  for (int64_t i = 0; i < file.size(); ++i) try {
      graphs.push_back(geometric ? OfGeometric(file, i) : OfBenchmark(file, i));
    } catch (const Error& error) {
      Fail(path, ": graph ", i, ": ", error.what());
    }
}

}  // namespace

PatternGraphs::PatternGraphs(PackedArrays arrays)
    : arrays_(std::move(arrays)),
      nodes_(arrays_.Get<int64_t>("nodes")),
      bytes_(arrays_.Get<int64_t>("bytes")),
      words_(arrays_.Get<uint8_t>("words")),
      classes_(arrays_.Get<uint8_t>("classes")),
      adjacency_(arrays_.Get<uint8_t>("adjacency")) {
  const auto ends = [](std::span<const int64_t> begins) { return static_cast<size_t>(begins.back()); };
  Check(!nodes_.empty() && nodes_.size() == bytes_.size() && ends(nodes_) == words_.size() &&
            ends(nodes_) == classes_.size() && ends(bytes_) == adjacency_.size(),
        "arrays of graphs of PATTERN that do not fit together");
}

int64_t PatternGraphs::Checked(int64_t i) const {
  Check(i >= 0 && i < size(), "graph ", i, " of ", size());
  return i;
}

std::vector<Edge> PatternGraphs::Edges(int64_t i) const {
  const auto size = static_cast<int32_t>(n(i));
  const uint8_t* bits = adjacency_.data() + bytes_[i];
  const auto is_joined = [&](int64_t place) { return (bits[place / 8] >> (place % 8) & 1) != 0; };
  std::vector<Edge> edges;
  edges.reserve(size * size / 2);
  for (int32_t target = 0; target < size; ++target) {
    for (int32_t source = 0; source < target; ++source)
      if (is_joined(PlaceOfPair(source, target))) edges.push_back({source, target});
    for (int32_t source = target + 1; source < size; ++source)
      if (is_joined(PlaceOfPair(target, source))) edges.push_back({source, target});
  }
  return edges;
}

TensorMap PackPatternGraphs(const std::vector<PatternGraph>& graphs) {
  std::vector<int64_t> nodes = {0}, bytes = {0};
  std::vector<uint8_t> words, classes, adjacency;
  for (size_t g = 0; g < graphs.size(); ++g) {
    const PatternGraph& graph = graphs[g];
    const auto check = [&](bool ok, const auto&... what) {
      Check(ok, "graph ", g, " of ", graph.n, " nodes ", what...);
    };
    check(static_cast<int64_t>(graph.words.size()) == graph.n, "has ", graph.words.size(), " words");
    check(static_cast<int64_t>(graph.classes.size()) == graph.n, "has ", graph.classes.size(), " classes");
    for (const uint8_t word : graph.words) check(word < kPatternWords, "has the word ", int{word});
    for (const uint8_t c : graph.classes) check(c < kPatternClasses, "has a node of class ", int{c});
    std::vector<uint8_t> bits((NumPairs(graph.n) + 7) / 8);
    for (const Edge& edge : graph.edges) {
      const auto [i, j] = std::minmax(edge.source, edge.target);
      check(i >= 0 && j < graph.n && i != j, "has an edge from ", edge.source, " to ", edge.target);
      const int64_t place = PlaceOfPair(i, j);
      bits[place / 8] |= static_cast<uint8_t>(1 << (place % 8));
    }
    words.insert(words.end(), graph.words.begin(), graph.words.end());
    classes.insert(classes.end(), graph.classes.begin(), graph.classes.end());
    adjacency.insert(adjacency.end(), bits.begin(), bits.end());
    nodes.push_back(static_cast<int64_t>(words.size()));
    bytes.push_back(static_cast<int64_t>(adjacency.size()));
  }
  const auto array = [](const auto& values) { return Tensor::From(values, {static_cast<int64_t>(values.size())}); };
  return {{"nodes", array(nodes)},
          {"bytes", array(bytes)},
          {"words", array(words)},
          {"classes", array(classes)},
          {"adjacency", array(adjacency)}};
}

PatternData GeneratePattern(const PatternOptions& options, const ShareDone& progress) {
  std::array<int64_t, kSplits.size()> counts{};
  std::string name = "pattern-" + std::to_string(options.patterns);
  for (size_t split = 0; split < kSplits.size(); ++split) {
    counts[split] = options.patterns * options.graphs[split];
    name += "x" + std::to_string(options.graphs[split]);
  }
  const int64_t total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  const auto generate = [&] {
    const auto seed = static_cast<uint64_t>(options.seed);
    std::vector<PatternGraph> patterns;
    for (int64_t p = 0; p < options.patterns; ++p) {
      Generator generator(seed, static_cast<uint64_t>(p) * kStreamsOfAGraph);
      patterns.push_back(DrawPattern(generator));
    }
    std::vector<const PatternGraph*> pattern_of;
    for (const int64_t graphs : options.graphs)
      for (const PatternGraph& pattern : patterns) pattern_of.insert(pattern_of.end(), graphs, &pattern);
    std::vector<PatternGraph> graphs(total);
    std::mutex mutex;
    int64_t done = 0;
    kernels::ParallelFor(total, kDrawnAtOnce, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        Generator generator(seed, static_cast<uint64_t>(options.patterns + i) * kStreamsOfAGraph);
        do graphs[i] = DrawGraph(*pattern_of[i], generator);
        while (graphs[i].n > kLargestPatternGraph);
      }
      if (!progress) return;
      const std::lock_guard lock(mutex);
      done += end - begin;
      progress(static_cast<double>(done) / static_cast<double>(total));
    });
    return PackPatternGraphs(graphs);
  };
  PackedArrays arrays =
      LoadPacked({.name = name + "-seed" + std::to_string(options.seed), .digest = {}, .version = "1"}, generate);
  return {PatternGraphs(std::move(arrays)), Consecutive(counts)};
}

PatternData ReadPattern(const std::string& folder, const ShareDone& progress) {
  const std::filesystem::path of_geometric = std::filesystem::path(folder) / "PATTERN_v2.pt";
  const bool geometric = std::filesystem::exists(of_geometric);
  std::vector<std::string> files;
  if (geometric) {
    files.push_back(of_geometric.string());
  } else {
    for (const char* split : {"train", "val", "test"})
      files.push_back((std::filesystem::path(folder) / ("SBM_PATTERN_" + std::string(split) + ".pkl")).string());
  }
  Sha256 digest;
  for (const std::string& file : files) {
    Check(std::filesystem::exists(file), folder, " has no ", std::filesystem::path(file).filename().string(),
          "; the published files are PATTERN_v2.pt, or SBM_PATTERN_train.pkl, SBM_PATTERN_val.pkl, "
          "SBM_PATTERN_test.pkl");
    digest.Add(Sha256OfFile(file));
  }
  const auto read = [&] {
    std::vector<PatternGraph> graphs;
    std::vector<int64_t> counts;
    for (size_t i = 0; i < files.size(); ++i) {
      if (progress) progress(static_cast<double>(i) / static_cast<double>(files.size()));
      Append(files[i], geometric, graphs, counts);
    }
    TensorMap arrays = PackPatternGraphs(graphs);
    arrays["counts"] = Tensor::From(counts, {static_cast<int64_t>(counts.size())});
    return arrays;
  };
  const PackedArrays arrays = LoadPacked({.name = "pattern-published", .digest = digest.Hex(), .version = "1"}, read);
  std::array<int64_t, kSplits.size()> counts{};
  std::ranges::copy(arrays.Get<int64_t>("counts"), counts.begin());
  return {PatternGraphs(arrays), Consecutive(counts)};
}

PatternBatch MakePatternBatch(const PatternGraphs& graphs, const std::vector<int64_t>& numbers, int64_t n) {
  const auto count = static_cast<int64_t>(numbers.size());
  std::vector<float> nodes(count * n * kPatternWords);
  std::vector<int32_t> sizes(count);
  std::vector<int64_t> classes(count * n, kPadding);
  std::vector<std::vector<Edge>> edges(count);
  for (int64_t g = 0; g < count; ++g) {
    const int64_t i = numbers[g];
    Check(graphs.n(i) <= n, "graph ", i, " has ", graphs.n(i), " nodes, the model has room for ", n);
    sizes[g] = static_cast<int32_t>(graphs.n(i));
    for (int64_t node = 0; node < graphs.n(i); ++node) {
      nodes[(g * n + node) * kPatternWords + graphs.words(i)[node]] = 1;
      classes[g * n + node] = graphs.classes(i)[node];
    }
    edges[g] = graphs.Edges(i);
  }
  return {Tensor::From(nodes, {count, n, kPatternWords}), Tensor::From(sizes, {count}), MakeEdgeLists(n, edges),
          Tensor::From(classes, {count, n})};
}

}  // namespace orbit
