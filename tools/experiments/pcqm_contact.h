// PCQM-Contact (Kim et al. 2023, section 3.4): which atoms of a molecule are close in space though many bonds apart?
#ifndef ORBIT_TOOLS_EXPERIMENTS_PCQM_CONTACT_H_
#define ORBIT_TOOLS_EXPERIMENTS_PCQM_CONTACT_H_

#include "tools/experiments/experiment.h"

namespace orbit {

ExperimentKind PcqmContactKind();  // "pcqm_contact"

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_PCQM_CONTACT_H_
