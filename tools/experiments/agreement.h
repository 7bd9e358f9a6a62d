// What ranks compare before they work together: settings and data. Each rank reads its own files, which may differ.
#ifndef ORBIT_TOOLS_EXPERIMENTS_AGREEMENT_H_
#define ORBIT_TOOLS_EXPERIMENTS_AGREEMENT_H_

#include "engine/distributed/communicator.h"
#include "tools/experiments/config.h"
#include "tools/experiments/data_digest.h"
#include "tools/experiments/experiment.h"

namespace orbit {

// Throws Error where this rank has other settings than rank 0; places of files may differ.
void CheckSettingsAgree(const Config& config, Communicator& ranks, Device device);

// The digest of the data. Throws Error where this rank has other data than rank 0: another description or digest,
// beyond the rounding of data that are computed.
DataDigest CheckDataAgree(const Experiment& experiment, Communicator& ranks);

// Gives all ranks the parameters and buffers of rank 0.
void ShareState(Model& model, Communicator& ranks);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_AGREEMENT_H_
