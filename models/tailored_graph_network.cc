#include "models/tailored_graph_network.h"

#include "kernels/error.h"
#include "models/message_passing_networks.h"
#include "models/ppgn.h"

namespace orbit {

const std::vector<std::string>& TailoredGraphNetworks() {
  static const std::vector<std::string> names = {"gcn", "gat", "gin", "chebnet", "ppgn"};
  return names;
}

std::unique_ptr<TailoredGraphNetwork> MakeTailoredGraphNetwork(const std::string& name,
                                                               const TailoredGraphOptions& options,
                                                               Generator& generator) {
  if (name == "gcn") return MakeGcn(options, generator);
  if (name == "gat") return MakeGat(options, generator);
  if (name == "gin") return MakeGinNetwork(options, generator);
  if (name == "chebnet") return MakeChebNet(options, generator);
  Check(name == "ppgn", "unknown graph network '", name, "'; known: gcn, gat, gin, chebnet, ppgn");
  return std::make_unique<Ppgn>(options, generator);
}

}  // namespace orbit
