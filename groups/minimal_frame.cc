#include "groups/minimal_frame.h"

#include <nauty/naugroup.h>

#include <algorithm>
#include <mutex>
#include <numeric>
#include <vector>

namespace orbit {
namespace {

// The transversals of a chain of stabilisers: level l moves the l-th base point and leaves those before it.
struct Level {
  std::vector<std::vector<int>> representatives;  // permutations, one for every image of the base point
  std::vector<int> images;
};

struct CanonicalForm {
  std::vector<int> labelling;        // the node at every rank
  std::vector<Level> automorphisms;  // of the canonical graph, whose nodes are ranks
};

// Runs nauty on a graph whose nodes begin with colours: `order` lists the nodes by colour, last[i] is 0 where a colour
// ends. Leaves the canonical labelling in `order` and returns the canonical graph.
std::vector<graph> Run(std::vector<graph>& adjacency, std::vector<int>& order, std::vector<int> last,
                       bool record_group) {
  const int n = static_cast<int>(order.size()), words = SETWORDSNEEDED(n);
  DEFAULTOPTIONS_GRAPH(options);
  options.getcanon = TRUE;
  options.digraph = TRUE;
  options.defaultptn = FALSE;
  if (record_group) {
    options.userautomproc = groupautomproc;
    options.userlevelproc = grouplevelproc;
  }
  std::vector<int> orbits(n);
  std::vector<graph> canonical(adjacency.size());
  statsblk statistics;
  densenauty(adjacency.data(), order.data(), last.data(), orbits.data(), &options, &statistics, words, n,
             canonical.data());
  return canonical;
}

std::vector<Level> TakeGroup(int n) {
  grouprec* group = groupptr(FALSE);
  makecosetreps(group);
  std::vector<Level> levels(group->depth);
  for (int l = 0; l < group->depth; ++l) {
    const levelrec& level = group->levelinfo[l];
    for (int i = 0; i < level.orbitsize; ++i) {
      std::vector<int> permutation(n);
      if (level.replist[i].rep)
        std::copy(level.replist[i].rep->p, level.replist[i].rep->p + n, permutation.begin());
      else
        std::iota(permutation.begin(), permutation.end(), 0);
      levels[l].images.push_back(permutation[level.fixedpt]);
      levels[l].representatives.push_back(std::move(permutation));
    }
  }
  return levels;
}

// Nodes' colours are the places of their rows among the rows of the graph.
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
  std::vector<graph> canonical = Run(adjacency, form.labelling, last, /*record_group=*/false);
  // Searching the canonical graph, and not this one, gives the same chain for every numbering of the nodes.
  std::vector<int> ranks(n);
  std::iota(ranks.begin(), ranks.end(), 0);
  Run(canonical, ranks, last, /*record_group=*/true);
  form.automorphisms = TakeGroup(static_cast<int>(n));
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
  static std::mutex mutex;  // nauty and its record of the group keep state between calls
  const std::lock_guard lock(mutex);
  for (int64_t g = 0; g < batch; ++g) {
    const int64_t size = sizes[g];
    CanonicalForm form;
    if (size > 0)
      form = Canonicalize(size, {rows.begin() + g * n, rows.begin() + g * n + size}, &offsets[g * n], sources.data());
    for (int64_t s = 0; s < samples; ++s) {
      const double* value = &values[(g * samples + s) * n];
      std::vector<int> automorphism(size);
      std::iota(automorphism.begin(), automorphism.end(), 0);
      for (const Level& level : form.automorphisms) {
        size_t best = 0;
        const auto value_of = [&](size_t i) { return value[form.labelling[automorphism[level.images[i]]]]; };
        for (size_t i = 1; i < level.images.size(); ++i)
          if (value_of(i) > value_of(best)) best = i;
        std::vector<int> composed(size);
        for (int64_t r = 0; r < size; ++r) composed[r] = automorphism[level.representatives[best][r]];
        automorphism = std::move(composed);
      }
      int32_t* to = &index[(g * samples + s) * n];
      for (int64_t r = 0; r < n; ++r) to[r] = r < size ? form.labelling[automorphism[r]] : static_cast<int32_t>(r);
    }
  }
  return Tensor::From(index, {batch, samples, n}).To(noise.device());
}

}  // namespace orbit
