#include "tools/common/nearest_name.h"

#include <algorithm>
#include <cctype>
#include <map>

namespace orbit {
namespace {

// What other frameworks call our keys, or last parts of them; in lower case, letters and digits alone.
const std::multimap<std::string, std::string, std::less<>>& NamesElsewhere() {
  static const auto names = [] {
    std::multimap<std::string, std::string, std::less<>> names;
    for (const auto& [ours, elsewhere] : std::initializer_list<std::pair<const char*, std::vector<const char*>>>{
             {"train.learning_rate", {"lr", "maxlr", "baselr", "initlr", "initiallr", "learnrate", "stepsize", "eta"}},
             {"train.batch", {"batchsize", "bs", "trainbatchsize", "perdevicetrainbatchsize", "minibatch"}},
             {"train.epochs", {"maxepochs", "nepochs", "numepochs", "numtrainepochs", "epoch", "nepoch"}},
             {"train.steps",
              {"maxsteps", "nsteps", "numsteps", "totalsteps", "iterations", "iters", "maxiters", "numiterations",
               "niter"}},
             {"train.weight_decay", {"wd", "decay", "l2", "l2reg", "regularization"}},
             {"train.optimizer", {"optim", "opt", "optimiser", "optname"}},
             {"train.schedule", {"scheduler", "lrscheduler", "lrschedule", "lrschedulertype", "sched", "lrdecay"}},
             {"train.warmup", {"warmupsteps", "numwarmupsteps", "warmupratio", "warmupepochs", "warmupiters"}},
             {"train.clip_norm",
              {"gradclip", "clip", "clipgrad", "clipgradnorm", "gradclipnorm", "gradientclip", "gradientclipval",
               "maxgradnorm", "gradnorm"}},
             {"train.samples", {"nsamples", "numsamples", "samplesize", "k", "ntrainsamples", "trainsamples"}},
             {"evaluation.test_samples", {"numtestsamples", "ntestsamples", "evalsamples"}},
             {"evaluation.every",
              {"evalevery", "evalinterval", "evalsteps", "evalfreq", "valinterval", "checkvaleverynepoch",
               "validateevery"}},
             {"log.every", {"logevery", "loginterval", "loggingsteps", "logeverynsteps", "printfreq", "logfreq"}},
             {"run.directory",
              {"outputdir", "outdir", "savedir", "logdir", "rundir", "workdir", "dir", "output", "defaultrootdir",
               "checkpointdir"}},
             {"seed", {"randomseed", "manualseed", "rngseed", "randomstate"}},
             {"layers", {"nlayers", "numlayers", "nlayer", "depth", "numhiddenlayers", "nblocks", "numblocks"}},
             {"width", {"dim", "dmodel", "modeldim", "embeddim", "embdim", "nembd", "hiddensize", "hiddendim"}},
             {"hidden", {"hiddensize", "hiddendim", "hiddenchannels", "hiddennf", "nhidden", "dim"}},
             {"heads", {"nheads", "numheads", "nhead", "numattentionheads"}},
             {"dropout", {"dropoutrate", "dropoutprob", "pdrop", "drop", "droprate"}},
             {"tau", {"temperature", "temp"}},
             {"neighbours", {"neighbors", "knn", "numneighbors", "nneighbors"}},
             {"symmetry", {"group", "equivariance"}},
             {"base", {"backbone", "arch", "architecture"}},
             {"distribution", {"interface", "symmetrization", "symmetrisation"}},
             {"data.path", {"dataroot", "datadir", "datapath", "datasetpath", "root"}},
         })
      for (const char* name : elsewhere) names.emplace(name, ours);
    return names;
  }();
  return names;
}

std::string LastPart(std::string_view key) { return std::string(key.substr(key.rfind('.') + 1)); }

// The parts that two keys have in common, from the first on.
int CommonParts(std::string_view a, std::string_view b) {
  int parts = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()) && a[i] == b[i]; ++i) parts += a[i] == '.';
  return parts;
}

}  // namespace

int EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<int>> distance(a.size() + 1, std::vector<int>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i)
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        distance[i][j] = static_cast<int>(i + j);
        continue;
      }
      distance[i][j] = std::min(
          {distance[i - 1][j] + 1, distance[i][j - 1] + 1, distance[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        distance[i][j] = std::min(distance[i][j], distance[i - 2][j - 2] + 1);
    }
  return distance[a.size()][b.size()];
}

std::string DidYouMean(std::string_view name, const std::vector<std::string>& names) {
  const std::string* nearest = nullptr;
  // What stands before a key's last dot makes it no nearer to another.
  int least = std::max<int>(2, static_cast<int>(LastPart(name).size()) / 2) + 1;
  for (const std::string& candidate : names) {
    // The most common slip with keys is to leave out the path before the last dot.
    const bool same_leaf = candidate.size() > name.size() && candidate.ends_with(name) &&
                           candidate[candidate.size() - name.size() - 1] == '.';
    const int distance = same_leaf ? 1 : EditDistance(name, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = &candidate;
  }
  if (nearest) return "; did you mean '" + *nearest + "'?";
  std::string known;
  for (const std::string& candidate : names) known += (known.empty() ? "; known: " : ", ") + candidate;
  return known;
}

std::string DidYouMeanKey(std::string_view key, const std::vector<std::string>& keys) {
  std::string plain;
  for (const char c : LastPart(key))
    if (std::isalnum(static_cast<unsigned char>(c))) plain += static_cast<char>(std::tolower(c));
  std::vector<std::string> meant;
  const auto [begin, end] = NamesElsewhere().equal_range(plain);
  for (auto name = begin; name != end; ++name)
    for (const std::string& candidate : keys)
      if (candidate == name->second || candidate.ends_with("." + name->second)) meant.push_back(candidate);
  int most = 0;
  for (const std::string& candidate : meant) most = std::max(most, CommonParts(key, candidate));
  std::erase_if(meant, [&](const std::string& candidate) { return CommonParts(key, candidate) < most; });
  if (meant.empty()) return DidYouMean(key, keys);
  std::string text;
  for (const std::string& candidate : meant) text += (text.empty() ? "; did you mean '" : " or '") + candidate + "'";
  return text + "?";
}

}  // namespace orbit
