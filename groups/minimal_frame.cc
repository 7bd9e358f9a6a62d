#include "groups/minimal_frame.h"

#include <nauty/nauty.h>

#include <algorithm>
#include <mutex>
#include <numeric>
#include <vector>

namespace orbit {
namespace {

// An automorphism by what it moves: nodes and their images.
using Moves = std::vector<std::pair<int, int>>;

// The automorphism group by a chain of stabilisers, each of the base points before its own.
struct AutomorphismGroup {
  struct Stabiliser {
    int base_point;
    size_t generators;  // the first so many of the group's generate it
  };
  std::vector<Moves> generators;
  std::vector<Stabiliser> chain;  // from the trivial group up
};

AutomorphismGroup* recorded = nullptr;  // by nauty's callbacks

void RecordAutomorphism(int /*count*/, int* images, int* /*orbits*/, int /*num_orbits*/, int /*fixed*/, int n) {
  Moves moves;
  for (int i = 0; i < n; ++i)
    if (images[i] != i) moves.emplace_back(i, images[i]);
  recorded->generators.push_back(std::move(moves));
}

// nauty comes by every stabiliser when it has found its generators.
void RecordStabiliser(int* /*labelling*/, int* /*cells*/, int /*level*/, int* /*orbits*/, statsblk* /*statistics*/,
                      int base_point, int /*index*/, int /*cell_size*/, int num_cells, int /*children*/, int n) {
  if (num_cells < n) recorded->chain.push_back({base_point, recorded->generators.size()});
}

struct CanonicalForm {
  std::vector<int> labelling;       // the node at every rank
  AutomorphismGroup automorphisms;  // of the canonical graph, whose nodes are ranks
};

// Runs nauty on a graph whose nodes begin with colours: `order` lists the nodes by colour, last[i] is 0 where a colour
// ends. Leaves the canonical labelling in `order`, the automorphisms in `group` if there is one, and returns the
// canonical graph.
std::vector<graph> Run(std::vector<graph>& adjacency, std::vector<int>& order, std::vector<int> last,
                       AutomorphismGroup* group) {
  const int n = static_cast<int>(order.size()), words = SETWORDSNEEDED(n);
  DEFAULTOPTIONS_GRAPH(options);
  options.getcanon = TRUE;
  options.digraph = TRUE;
  options.defaultptn = FALSE;
  recorded = group;
  if (group) {
    options.userautomproc = RecordAutomorphism;
    options.userlevelproc = RecordStabiliser;
  }
  std::vector<int> orbits(n);
  std::vector<graph> canonical(adjacency.size());
  statsblk statistics;
  densenauty(adjacency.data(), order.data(), last.data(), orbits.data(), &options, &statistics, words, n,
             canonical.data());
  return canonical;
}

// Multiplies every permutation by an element of the group, chosen down the chain: of the images that the base point may
// have, the one with the largest value(permutation, image). Memory is that of the generators' moves: an element is the
// product of those along a path in the orbit's spanning tree (a Schreier tree).
template <class Value>
void Multiply(const AutomorphismGroup& group, std::vector<std::vector<int>>& permutations, const Value& value) {
  if (permutations.empty()) return;
  const size_t n = permutations[0].size();
  struct Step {
    size_t generator;
    int image;
  };
  std::vector<std::vector<Step>> steps(n);  // from every node, by generators in their order
  for (size_t g = 0; g < group.generators.size(); ++g)
    for (const auto& [from, image] : group.generators[g]) steps[from].push_back({g, image});
  struct Node {
    int point;
    size_t parent, generator;  // which takes the parent's point to this one
  };
  std::vector<int> moved;
  for (auto stabiliser = group.chain.rbegin(); stabiliser != group.chain.rend(); ++stabiliser) {
    std::vector<Node> tree = {{stabiliser->base_point, 0, 0}};
    std::vector<bool> seen(n);
    seen[stabiliser->base_point] = true;
    for (size_t parent = 0; parent < tree.size(); ++parent)
      for (const auto& [generator, image] : steps[tree[parent].point]) {
        if (generator >= stabiliser->generators) break;
        if (!seen[image]) tree.push_back({image, parent, generator});
        seen[image] = true;
      }
    for (std::vector<int>& permutation : permutations) {
      size_t best = 0;
      for (size_t i = 1; i < tree.size(); ++i)
        if (value(permutation, tree[i].point) > value(permutation, tree[best].point)) best = i;
      for (; best != 0; best = tree[best].parent) {
        moved.clear();
        const Moves& generator = group.generators[tree[best].generator];
        for (const auto& [from, image] : generator) moved.push_back(permutation[image]);
        for (size_t i = 0; i < moved.size(); ++i) permutation[generator[i].first] = moved[i];
      }
    }
  }
}

// The colour of a node is the position of its feature row among the graph's rows.
CanonicalForm Canonicalize(int64_t n, const std::vector<std::vector<double>>& rows, const int32_t* offsets,
                           const int32_t* sources) {
  CanonicalForm form;
  form.labelling.resize(n);
  std::iota(form.labelling.begin(), form.labelling.end(), 0);
  std::stable_sort(form.labelling.begin(), form.labelling.end(), [&](int a, int b) { return rows[a] < rows[b]; });
  std::vector<int> last(n, 0);
  for (int64_t i = 0; i + 1 < n; ++i) last[i] = rows[form.labelling[i]] == rows[form.labelling[i + 1]] ? 1 : 0;
  const int words = SETWORDSNEEDED(n);
  std::vector<graph> adjacency(static_cast<size_t>(n) * words, 0);
  for (int64_t i = 0; i < n; ++i)
    for (int32_t e = offsets[i]; e < offsets[i + 1]; ++e) ADDELEMENT(GRAPHROW(adjacency.data(), sources[e], words), i);
  std::vector<graph> canonical = Run(adjacency, form.labelling, last, nullptr);
  // Searching the canonical graph, and not this one, gives the same chain for every numbering of the nodes.
  std::vector<int> ranks(n);
  std::iota(ranks.begin(), ranks.end(), 0);
  Run(canonical, ranks, last, &form.automorphisms);
  return form;
}

}  // namespace

Tensor MinimalFrame(const Features& x, const Tensor& noise) {
  const EdgeLists& edges = x.edges;
  const int64_t batch = x.batch(), samples = noise.dim(1), n = edges.n;
  Check(edges.graphs == batch && x.num_nodes.defined() && noise.shape() == Shape({batch, samples, n}),
        "the minimal frame of ", batch, " graphs of ", n, " nodes needs their edges and num_nodes; noise is ",
        noise.Describe());
  const std::vector<int32_t> offsets = edges.offsets.ToVector<int32_t>(), sources = edges.sources.ToVector<int32_t>(),
                             sizes = x.num_nodes.ToVector<int32_t>();
  std::vector<std::vector<double>> rows(batch * n);
  for (const Feature& feature : x.features) {
    if (feature.representation.order != 1 || feature.representation.vector) continue;
    const std::vector<double> values = feature.value.value().ToVector<double>();
    const int64_t channels = feature.value.dim(2);
    for (int64_t i = 0; i < batch * n; ++i)
      rows[i].insert(rows[i].end(), values.begin() + i * channels, values.begin() + (i + 1) * channels);
  }
  const std::vector<double> values = noise.ToVector<double>();
  std::vector<int32_t> index(values.size());
  static std::mutex mutex;  // nauty and the group that is recorded are the process's
  const std::lock_guard lock(mutex);
  for (int64_t g = 0; g < batch; ++g) {
    const int64_t size = sizes[g];
    CanonicalForm form;
    if (size > 0)
      form = Canonicalize(size, {rows.begin() + g * n, rows.begin() + g * n + size}, &offsets[g * n], sources.data());
    std::vector<std::vector<int>> chosen(samples, std::vector<int>(size));  // automorphisms, by sample
    for (std::vector<int>& automorphism : chosen) std::iota(automorphism.begin(), automorphism.end(), 0);
    Multiply(form.automorphisms, chosen, [&](const std::vector<int>& automorphism, int rank) {
      const int64_t s = &automorphism - chosen.data();
      return values[(g * samples + s) * n + form.labelling[automorphism[rank]]];
    });
    for (int64_t s = 0; s < samples; ++s) {
      int32_t* to = &index[(g * samples + s) * n];
      for (int64_t r = 0; r < n; ++r) to[r] = r < size ? form.labelling[chosen[s][r]] : static_cast<int32_t>(r);
    }
  }
  return Tensor::From(index, {batch, samples, n}).To(noise.device());
}

}  // namespace orbit
