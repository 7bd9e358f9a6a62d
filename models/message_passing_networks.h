// Message-passing networks on whole graphs; see models/tailored_graph_network.h.
#ifndef ORBIT_MODELS_MESSAGE_PASSING_NETWORKS_H_
#define ORBIT_MODELS_MESSAGE_PASSING_NETWORKS_H_

#include "models/tailored_graph_network.h"

namespace orbit {

std::unique_ptr<TailoredGraphNetwork> MakeGcn(const TailoredGraphOptions& options, Generator& generator);
std::unique_ptr<TailoredGraphNetwork> MakeGat(const TailoredGraphOptions& options, Generator& generator);
std::unique_ptr<TailoredGraphNetwork> MakeGinNetwork(const TailoredGraphOptions& options, Generator& generator);
std::unique_ptr<TailoredGraphNetwork> MakeChebNet(const TailoredGraphOptions& options, Generator& generator);

}  // namespace orbit

#endif  // ORBIT_MODELS_MESSAGE_PASSING_NETWORKS_H_
