#include "tools/report/scaling_model.h"

#include <algorithm>
#include <cmath>

namespace orbit {
namespace {

constexpr double kSmallBytes = 64;  // of the operations that are all latency

}  // namespace

double AllReduceSeconds(const Cluster& cluster, int64_t devices, double bytes) {
  if (devices <= 1) return 0;
  const double n = static_cast<double>(devices);
  const double nodes = std::ceil(n / static_cast<double>(cluster.devices_per_node));
  const bool one_node = nodes <= 1;
  const double bandwidth =
      one_node ? cluster.inside.bandwidth : std::min(cluster.inside.bandwidth, cluster.between.bandwidth);
  const double volume = 2 * (n - 1) / n * bytes / bandwidth;
  if (cluster.direct) return volume + 2 * (one_node ? cluster.inside.latency : cluster.between.latency);
  const double hops_between = one_node ? 0 : nodes;
  const double ring = 2 * ((n - 1 - std::max(0.0, hops_between - 1)) * cluster.inside.latency +
                           std::max(0.0, hops_between - 1) * cluster.between.latency);
  const double tree = 2 * (std::ceil(std::log2(n / nodes)) * cluster.inside.latency +
                           std::ceil(std::log2(nodes)) * cluster.between.latency);
  return volume + std::min(ring, tree);
}

StepEstimate EstimateStep(const StepCost& step, const Cluster& cluster, int64_t devices) {
  const double k = static_cast<double>(step.buckets);
  const double bucket = AllReduceSeconds(cluster, devices, step.gradient_bytes / k), all = k * bucket;
  const double hidden = step.overlap ? (1 - 1 / k) * step.backward_share * step.seconds : 0;
  const double exposed = std::max(bucket, all - hidden);
  const double others = step.other_operations * AllReduceSeconds(cluster, devices, kSmallBytes);
  return {step.seconds + exposed + others, all, exposed};
}

}  // namespace orbit
