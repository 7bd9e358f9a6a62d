// Metrics as text for people.
#ifndef ORBIT_TOOLS_METRICS_METRIC_TEXT_H_
#define ORBIT_TOOLS_METRICS_METRIC_TEXT_H_

#include <string>

namespace orbit {

// "mae 0.125"; where the value is NaN, "r2 undefined (no value has two known targets)": why the metric of this name has
// no value on examples with finite predictions.
std::string MetricText(const std::string& name, double value);

}  // namespace orbit

#endif  // ORBIT_TOOLS_METRICS_METRIC_TEXT_H_
