#include "tools/separation/embedder.h"

#include <algorithm>
#include <cmath>

namespace orbit {
namespace {

constexpr int64_t kRowsAtOnce = 5000;     // graphs times samples
constexpr int64_t kNodesAtOnce = 320000;  // of all rows
constexpr int64_t kPairsAtOnce = 500000;  // of nodes, for networks on them
constexpr int64_t kSamplesAtOnce = 500;   // of a graph

}  // namespace

Embedder::Embedder(const GraphModelOptions& options, int64_t seed, DType dtype, Device device)
    : options_(options), dtype_(dtype), device_(device), generator_(static_cast<uint64_t>(seed)) {
  model_ = MakeGraphModel(options, generator_);
  model_->To(dtype);
  model_->To(device);
  model_->Eval();
}

void Embedder::Embed(const std::vector<Graph>& graphs, const std::vector<int64_t>& numbers, int64_t samples,
                     int64_t draw, const Visit& visit) {
  const NoGrad no_grad;
  const int64_t n = options_.base.n, width = options_.base.head.embedding;
  const int64_t rows =
      std::clamp<int64_t>(options_.model == "ppgn" ? kPairsAtOnce / (n * n) : kNodesAtOnce / n, 1, kRowsAtOnce);
  const int64_t samples_at_once = std::min({samples, kSamplesAtOnce, rows});
  const int64_t at_once = std::max<int64_t>(1, rows / samples_at_once), count = static_cast<int64_t>(numbers.size());
  Generator generator = generator_;
  generator.Skip(static_cast<uint64_t>(draw) << 32);
  for (int64_t begin = 0; begin < count; begin += at_once) {
    const int64_t end = std::min(count, begin + at_once);
    const GraphBatch batch = MakeGraphBatch(graphs, {numbers.begin() + begin, numbers.begin() + end}, n).To(device_);
    const Features x = MakeGraphFeatures(batch.nodes.To(dtype_), batch.edges, batch.num_nodes);
    for (int64_t done = 0; done < samples; done += samples_at_once) {
      const int64_t now = std::min(samples_at_once, samples - done);
      Generator part = generator.WithRows({begin, end - begin, count}).WithSamples({done, now, samples});
      const Noise noise = model_->DrawNoise(x, now, part);
      const Model::Result result = model_->Forward(x, noise, part);
      if (const Tensor scores = NonFiniteScores(result.element); scores.defined()) {
        const std::vector<double> of_graphs = scores.ToVector<double>();
        for (size_t i = 0; i < of_graphs.size(); ++i)
          Check(!std::isnan(of_graphs[i]), "the scores that the equivariant network q gives the nodes of graph ",
                numbers[begin + i], " are not finite: they have no order");
      }
      const std::vector<double> embeddings = result.samples.value().ToVector<double>();
      for (size_t i = 0; i < embeddings.size(); ++i)
        Check(std::isfinite(embeddings[i]), "the embedding of graph ", numbers[begin + i / (now * width)], " is ",
              embeddings[i]);
      for (int64_t row = 0; row < (end - begin) * now; ++row) visit(begin + row / now, &embeddings[row * width]);
    }
  }
}

}  // namespace orbit
