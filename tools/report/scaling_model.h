// A model of what a training step costs on many devices, from what it takes on one and from the links between them. It
// is an estimate: it knows nothing of stragglers, of other traffic, or of libraries' choices but the best of two.
#ifndef ORBIT_TOOLS_REPORT_SCALING_MODEL_H_
#define ORBIT_TOOLS_REPORT_SCALING_MODEL_H_

#include <cstdint>

namespace orbit {

struct Link {
  double bandwidth;  // bytes per second that one device can send
  double latency;    // seconds from one device to another
};

struct Cluster {
  int64_t devices_per_node = 8;
  Link inside{450e9, 3e-6};   // of a node
  Link between{50e9, 10e-6};  // the nodes
  // Sums are taken by direct exchange among all, in two rounds, as engine/distributed does with Gloo. Else they are
  // NCCL's: a ring, or a tree where that has the shorter way.
  bool direct = false;
};

// A step of one device, on its own rows.
struct StepCost {
  double seconds;
  double gradient_bytes;
  int64_t buckets = 1;  // in which gradients are summed
  double backward_share = 2. / 3;
  bool overlap = true;          // whether buckets are summed during the backward, at no cost to it
  double other_operations = 2;  // small ones that a step waits for: its numbers, statistics of BatchNorm
};

// The seconds of an all-reduce of `bytes` over `devices`. Its volume is the ring's, 2 (n - 1) / n of the bytes, over
// the slowest link. Its latency is that of the rounds: 2 (n - 1) hops along a ring, of which every node has one to the
// next; 2 log2 n up and down a tree; 2 by direct exchange.
double AllReduceSeconds(const Cluster& cluster, int64_t devices, double bytes);

struct StepEstimate {
  double seconds;        // in all
  double communication;  // that the sums of gradients take
  double exposed;        // of that, what the backward does not hide
};

// Every device has as many rows as the one alone (weak scaling), so that 1 device's seconds / seconds is the
// efficiency. The last bucket is known when the backward ends; the others can be summed during the part of it that is
// left then: exposed = max(t, k t - (1 - 1/k) backward) for k buckets of t seconds.
StepEstimate EstimateStep(const StepCost& step, const Cluster& cluster, int64_t devices);

}  // namespace orbit

#endif  // ORBIT_TOOLS_REPORT_SCALING_MODEL_H_
