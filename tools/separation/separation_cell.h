// One cell of the table of graph separation: a model on a set of graphs, by a criterion.
#ifndef ORBIT_TOOLS_SEPARATION_SEPARATION_CELL_H_
#define ORBIT_TOOLS_SEPARATION_SEPARATION_CELL_H_

#include <filesystem>
#include <string>

#include "tools/separation/criteria.h"
#include "tools/separation/separation_result.h"

namespace orbit {

struct SeparationCell {
  std::string dataset = "graph8c";       // or exp, or the path of files of graphs
  std::string data = "GRAPHSAT.pkl";     // the published file of EXP
  std::string model = "mlp";             // or gin_id; or gcn, gat, gin, chebnet, ppgn, invariant by themselves
  std::string distribution = "learned";  // or haar, frame, minimal_frame, canonical
  std::string criterion = "sound";       // or published
};

// DATASET-MODEL-DISTRIBUTION, with -published for that criterion.
std::string NameOf(const SeparationCell& cell);

// Whether the directory holds the result of the cell with these options, as far as its criterion takes them. Throws
// Error where it holds a result of other settings. Of a file of before settings were kept, those that it tells count; a
// note names the others.
bool HasResult(const std::filesystem::path& directory, const SeparationCell& cell, const SeparationOptions& options);

// Counts the pairs that are not told apart. Sets what the cell says in the options: model, pairs and, where one group
// element is all there is, samples. Throws Error where there is nothing to tell apart.
Separation Separate(const SeparationCell& cell, SeparationOptions& options);

SeparationResult ResultOf(const SeparationCell& cell, const SeparationOptions& options, const Separation& separation);

}  // namespace orbit

#endif  // ORBIT_TOOLS_SEPARATION_SEPARATION_CELL_H_
