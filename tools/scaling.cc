// Estimates training steps on up to 1,024 devices. See --help.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "kernels/error.h"
#include "tools/common/number.h"
#include "tools/common/path.h"
#include "tools/common/program.h"
#include "tools/report/figure.h"
#include "tools/report/scaling_model.h"

namespace orbit {
namespace {

using nlohmann::json;

struct Arguments {
  std::vector<std::string> measured;
  StepCost step{.seconds = 0, .gradient_bytes = 0};
  double bucket_bytes = 4 << 20;
  Cluster cluster;
  int64_t most_devices = 1024;
  std::string figure = "scaling.svg";
};

// The lines of `bench distributed`, which launch may have put a rank before.
std::vector<json> ReadLines(const std::vector<std::string>& files) {
  std::vector<json> lines;
  for (const std::string& file : files) {
    std::ifstream from(UserPath(file));
    Check(from.is_open(), "cannot read ", file);
    for (std::string line; std::getline(from, line);) {
      const size_t begin = line.find('{');
      if (begin == std::string::npos) continue;
      json parsed = json::parse(line.substr(begin), nullptr, /*allow_exceptions=*/false);
      Check(parsed.is_object() && parsed.contains("name"), file,
            " has a line that bench distributed does not write: ", line.substr(0, 80));
      lines.push_back(std::move(parsed));
    }
  }
  return lines;
}

// The line that there is for a number of ranks, or null.
const json* StepLine(const std::vector<json>& lines, int64_t ranks) {
  const auto found = std::find_if(lines.begin(), lines.end(), [&](const json& line) {
    return line["name"] == "distributed_step" && line.value("ranks", 0) == ranks;
  });
  return found == lines.end() ? nullptr : &*found;
}

// The link that the times of sums over two ranks make: its latency by the smallest, its bandwidth by the largest.
std::optional<Link> MeasuredLink(const std::vector<json>& lines) {
  std::map<double, double> seconds;  // by bytes
  for (const json& line : lines)
    if (line["name"] == "all_reduce" && line.value("ranks", 0) == 2) seconds[line.at("bytes")] = line.at("median_s");
  if (seconds.size() < 2) return {};
  const auto [least_bytes, least] = *seconds.begin();
  const auto [most_bytes, most] = *seconds.rbegin();
  Check(most > least, "sums of ", most_bytes, " bytes take no longer than of ", least_bytes,
        ": the machine was too busy to measure");
  return Link{(most_bytes - least_bytes) / (most - least), least / 2};
}

// The formula against what was measured on processors, where sums cost time that the backward would need.
void PrintCheck(const std::vector<json>& lines) {
  const std::optional<Link> link = MeasuredLink(lines);
  if (!link) return;
  std::printf(
      "\nthe same formula against measurements on processors (link, from sums over 2 ranks: %.3g GB/s, %.3g us)\n"
      "%8s %12s %12s %8s\n",
      link->bandwidth / 1e9, link->latency * 1e6, "ranks", "measured s", "model s", "ratio");
  for (const int64_t ranks : {1, 2, 3}) {
    const json* line = StepLine(lines, ranks);
    if (!line) continue;
    const double buckets = line->at("buckets"), operations = line->at("operations");
    const StepCost step = {.seconds = line->at("alone_s"),
                           .gradient_bytes = line->at("gradient_bytes"),
                           .buckets = static_cast<int64_t>(buckets),
                           .overlap = false,
                           .other_operations = std::max(0.0, operations - buckets)};
    const Cluster cluster = {.devices_per_node = ranks, .inside = *link, .between = *link, .direct = true};
    const double measured = line->at("median_s"), model = EstimateStep(step, cluster, ranks).seconds;
    std::printf("%8d %12.4g %12.4g %8.2f\n", static_cast<int>(ranks), measured, model, model / measured);
  }
}

int Scale(Arguments arguments) {
  const std::vector<json> lines = ReadLines(arguments.measured);
  if (const json* line = StepLine(lines, 1)) {
    if (arguments.step.seconds == 0) arguments.step.seconds = line->at("median_s");
    if (arguments.step.gradient_bytes == 0) arguments.step.gradient_bytes = line->at("gradient_bytes");
  }
  StepCost& step = arguments.step;
  Check(step.seconds > 0 && step.gradient_bytes > 0,
        "--step-seconds and --gradient-bytes of one device are needed, or --measured with a line of bench distributed "
        "of one rank");
  step.buckets = std::max<int64_t>(1, static_cast<int64_t>(step.gradient_bytes / arguments.bucket_bytes + 0.999));
  StepCost apart = step;
  apart.overlap = false;

  Figure figure = {.title = "A model, not a measurement: efficiency of data parallel training",
                   .x_label = "devices",
                   .y_label = "share of a single device's speed",
                   .log_x = true,
                   .series = {{"gradients summed during the backward", {}}, {"after it", {}}}};
  const Cluster& cluster = arguments.cluster;
  std::printf(
      "A model, not a measurement. One device: %.4g s a step, %.4g MB of gradients in %d buckets.\n"
      "Links: %.4g GB/s and %.3g us inside nodes of %d, %.4g GB/s and %.3g us between them.\n"
      "%8s %12s %14s %12s %12s\n",
      step.seconds, step.gradient_bytes / 1e6, static_cast<int>(step.buckets), cluster.inside.bandwidth / 1e9,
      cluster.inside.latency * 1e6, static_cast<int>(cluster.devices_per_node), cluster.between.bandwidth / 1e9,
      cluster.between.latency * 1e6, "devices", "step s", "sums s", "exposed s", "efficiency");
  for (int64_t devices = 1; devices <= arguments.most_devices; devices *= 2) {
    const StepEstimate estimate = EstimateStep(step, cluster, devices);
    std::printf("%8d %12.4g %14.4g %12.4g %12.3f\n", static_cast<int>(devices), estimate.seconds,
                estimate.communication, estimate.exposed, step.seconds / estimate.seconds);
    size_t series = 0;
    for (const StepCost* cost : {&step, &apart})
      figure.series[series++].points.emplace_back(devices,
                                                  step.seconds / EstimateStep(*cost, cluster, devices).seconds);
  }
  PrintCheck(lines);
  DrawFigure(figure, UserPath(arguments.figure));
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Estimates the time of a training step on 1 to 1,024 devices from that on one, the bytes of its gradients and "
      "the links between devices (tools/report/scaling_model.h has the formula), and draws the efficiency. What is "
      "printed is a model. With lines of `bench distributed` on 1, 2 and 3 ranks the formula is compared with them.");
  Arguments arguments;
  app.add_option("--measured", arguments.measured, "files with the lines of bench distributed; may be repeated");
  app.add_option("--step-seconds", arguments.step.seconds, "of a step on one device")->check(NumberAboveZero());
  app.add_option("--gradient-bytes", arguments.step.gradient_bytes, "4 for each parameter")->check(NumberAboveZero());
  app.add_option("--bucket-bytes", arguments.bucket_bytes, "of gradients that are summed in one operation")
      ->check(NumberAboveZero())
      ->capture_default_str();
  app.add_option("--backward-share", arguments.step.backward_share, "of a step's time")
      ->check(NumberIn(0, 1))
      ->capture_default_str();
  app.add_option("--devices-per-node", arguments.cluster.devices_per_node, "")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  const auto add_link = [&](const std::string& name, Link& link, const std::string& what) {
    app.add_option("--" + name + "-bandwidth", link.bandwidth, "bytes per second that a device sends " + what)
        ->check(NumberAboveZero())
        ->capture_default_str();
    app.add_option("--" + name + "-latency", link.latency, "seconds of a message " + what)
        ->check(NumberNotBelowZero())
        ->capture_default_str();
  };
  add_link("node", arguments.cluster.inside, "inside a node (default: NVLink 4)");
  add_link("network", arguments.cluster.between, "between nodes (default: a port of 400 Gb/s for each device)");
  app.add_option("--devices", arguments.most_devices, "the most of them")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--figure", arguments.figure, "the SVG file to write")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return Scale(arguments);
}

const Program program("scaling", Main);

}  // namespace
}  // namespace orbit
