#include "tools/metrics/metric_text.h"

#include <cmath>
#include <cstdio>

namespace orbit {
namespace {

std::string WhyUndefined(const std::string& name) {
  if (name == "r2") return "no value has two known targets";
  if (name == "average_precision" || name == "roc_auc") return "no label that some examples have and others do not";
  if (name.starts_with("mrr") || name.starts_with("hits@")) return "no graph has a linked pair";
  return "no example has a known target";
}

}  // namespace

std::string MetricText(const std::string& name, double value) {
  if (std::isnan(value)) return name + " undefined (" + WhyUndefined(name) + ")";
  char text[40];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return name + " " + text;
}

}  // namespace orbit
