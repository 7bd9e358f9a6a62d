#include "tools/separation/criteria.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <string>

#include "data/graph/isomorphism.h"
#include "tools/report/progress.h"
#include "tools/separation/embedder.h"
#include "tools/separation/mean_interval.h"
#include "tools/separation/pair_set.h"

namespace orbit {
namespace {

constexpr int64_t kNamed = 10;      // pairs that are named of each kind
constexpr int64_t kControls = 100;  // graphs that are copied
constexpr double kRounding = 1e-9;  // of the largest coordinate

using Intervals = std::vector<std::vector<Interval>>;  // [coordinate][graph]

std::vector<int64_t> Range(int64_t count) {
  std::vector<int64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

void ForEachPair(int64_t graphs, bool in_pairs, const std::function<void(int64_t, int64_t)>& visit) {
  for (int64_t a = 0; a < graphs; a += in_pairs ? 2 : 1)
    for (int64_t b = a + 1; b < (in_pairs ? std::min(a + 2, graphs) : graphs); ++b) visit(a, b);
}

// Around the one embedding of each graph.
void AroundEmbeddings(Embedder& embedder, const std::vector<Graph>& graphs, const std::vector<int64_t>& numbers,
                      Intervals& intervals) {
  embedder.Embed(graphs, numbers, 1, 0, [&](int64_t i, const double* embedding) {
    double largest = 0;
    for (size_t d = 0; d < intervals.size(); ++d) largest = std::max(largest, std::abs(embedding[d]));
    const double radius = kRounding / 2 * largest;
    for (size_t d = 0; d < intervals.size(); ++d)
      intervals[d][numbers[i]] = {embedding[d] - radius, embedding[d] + radius};
  });
}

// For the means of the embeddings, which are moved from [-1, 1] to [0, 1].
void AroundMeans(Embedder& embedder, const std::vector<Graph>& graphs, const std::vector<int64_t>& numbers,
                 int64_t samples, int64_t round, double error, Intervals& intervals) {
  const int64_t width = static_cast<int64_t>(intervals.size());
  const double error_each = error / static_cast<double>(width * numbers.size());
  std::vector<MeanInterval> means(numbers.size() * width, MeanInterval(samples, error_each));
  embedder.Embed(graphs, numbers, samples, round, [&](int64_t i, const double* embedding) {
    for (int64_t d = 0; d < width; ++d) means[i * width + d].Add((embedding[d] + 1) / 2);
  });
  for (size_t i = 0; i < numbers.size(); ++i)
    for (int64_t d = 0; d < width; ++d) intervals[d][numbers[i]] = means[i * width + d].Get();
}

}  // namespace

Separation SeparateAsPublished(const std::vector<Graph>& graphs, const SeparationOptions& options) {
  const auto count = static_cast<int64_t>(graphs.size()), width = options.model.base.head.embedding;
  Separation separation{.samples = options.samples};
  ForEachPair(count, options.in_pairs, [&](int64_t, int64_t) { ++separation.total; });
  separation.left = separation.total;
  Separation::Pairs together;  // from the second initialisation on: the first tells most apart
  Progress progress("seeds", options.seeds);
  // Pairs that were told apart stay so: with none left, further initialisations change nothing.
  for (int64_t seed = 0; seed < options.seeds && separation.left > 0; ++seed) {
    std::vector<double> means(count * width);
    Embedder(options.model, seed, DType::kF32, options.device)
        .Embed(graphs, Range(count), options.samples, 0, [&](int64_t i, const double* embedding) {
          for (int64_t d = 0; d < width; ++d)
            means[i * width + d] += embedding[d] / static_cast<double>(options.samples);
        });
    const auto apart = [&](int64_t a, int64_t b) {
      double distance = 0;
      for (int64_t d = 0; d < width && distance <= options.threshold; ++d)
        distance += std::abs(means[a * width + d] - means[b * width + d]);
      return distance > options.threshold;
    };
    if (seed == 0)
      ForEachPair(count, options.in_pairs, [&](int64_t a, int64_t b) {
        if (!apart(a, b)) together.emplace_back(a, b);
      });
    else
      std::erase_if(together, [&](const auto& pair) { return apart(pair.first, pair.second); });
    separation.left = static_cast<int64_t>(together.size());
    separation.left_by_round.emplace_back(++separation.rounds, separation.left);
    progress.Update(seed + 1, std::to_string(separation.left) + " pairs left");
  }
  together.resize(std::min<size_t>(together.size(), kNamed));
  separation.first_undecided = together;
  return separation;
}

bool IsDeterministic(const GraphModelOptions& model) {
  return IsTailored(model.model) || model.distribution == "minimal_frame" || model.distribution == "canonical";
}

Separation SeparateSoundly(const std::vector<Graph>& graphs, const SeparationOptions& options) {
  const auto count = static_cast<int64_t>(graphs.size());
  Separation separation;
  // The graphs, and after them the renumbered copies of some.
  std::vector<Graph> all = graphs;
  separation.controls = std::min(count, kControls);
  std::mt19937_64 random(0);
  std::vector<int64_t> originals;
  for (int64_t c = 0; c < separation.controls; ++c) {
    originals.push_back(c * count / separation.controls);
    std::vector<int32_t> order(graphs[originals[c]].n);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    all.push_back(Renumber(graphs[originals[c]], order));
  }
  PairSet undecided(count), controls(static_cast<int64_t>(all.size()));
  for (int64_t c = 0; c < separation.controls; ++c) controls.Insert(originals[c], count + c);
  const std::vector<int64_t> classes = IsomorphismClasses(graphs);
  ForEachPair(count, options.in_pairs, [&](int64_t a, int64_t b) {
    ++separation.total;
    if (classes[a] != classes[b]) return undecided.Insert(a, b);
    if (++separation.isomorphic <= kNamed) separation.first_isomorphic.emplace_back(a, b);
  });

  const bool deterministic = IsDeterministic(options.model);
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  Progress progress(deterministic ? "seeds" : "seconds",
                    deterministic ? options.seeds : static_cast<int64_t>(options.seconds));
  separation.samples = deterministic ? 1 : options.samples;
  while (true) {
    std::vector<bool> members = undecided.Members(), copied = controls.Members();
    members.resize(all.size());
    std::vector<int64_t> numbers;
    for (int64_t g = 0; g < static_cast<int64_t>(all.size()); ++g)
      if (members[g] || copied[g]) numbers.push_back(g);
    // A graph that is not looked at is not told from any: its intervals hold all.
    Intervals intervals(options.model.base.head.embedding, std::vector<Interval>(all.size(), Interval{-1, 1}));
    const int64_t round = separation.rounds++;
    const double began = elapsed();
    Embedder embedder(options.model, round, deterministic ? DType::kF64 : DType::kF32, options.device);
    if (deterministic) {
      AroundEmbeddings(embedder, all, numbers, intervals);
    } else {
      // 1 / (1 2) + 1 / (2 3) + ... = 1
      const double error = options.error_rate / static_cast<double>((round + 1) * (round + 2));
      AroundMeans(embedder, all, numbers, separation.samples, round, error, intervals);
    }
    for (std::vector<Interval>& coordinate : intervals) {
      controls.RemoveDisjoint(coordinate);
      coordinate.resize(count);
      undecided.RemoveDisjoint(coordinate);
    }
    const int64_t left = undecided.size();
    separation.left = separation.isomorphic + left;
    separation.left_by_round.emplace_back(separation.rounds, separation.left);
    progress.Update(deterministic ? separation.rounds : static_cast<int64_t>(elapsed()),
                    std::to_string(separation.samples) + " samples, " + std::to_string(left) + " pairs undecided");
    if (left == 0 || (deterministic && separation.rounds == options.seeds)) break;
    if (deterministic) continue;
    if (elapsed() + 2 * (elapsed() - began) > options.seconds) break;
    separation.samples *= 2;
  }
  separation.first_undecided = undecided.First(kNamed);
  separation.controls_apart = separation.controls - controls.size();
  return separation;
}

}  // namespace orbit
