#include "tools/experiments/molecule_experiment.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
#include <sstream>
#include <utility>

#include "data/io/csv.h"
#include "engine/ops/cast.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/loss.h"
#include "models/graph_model.h"
#include "tools/experiments/graph_image_experiment.h"
#include "tools/experiments/losses.h"
#include "tools/metrics/distances.h"
#include "tools/metrics/ranked_labels.h"

namespace orbit {
namespace {

constexpr int64_t kNoClass = -100;  // CrossEntropyLoss leaves it out
constexpr int kDigits = 8;          // of predictions in tables

GraphImageOptions ImageOf(const MoleculeData& data) {
  return {.n = data.n,
          .node_channels = data.vocabulary.atom_channels(),
          .edge_channels = data.vocabulary.bond_channels(),
          .output_order = 0,
          .outputs = data.form.outputs()};
}

// [1, columns]; the same value for all where none are given.
Tensor RowOf(const std::vector<double>& values, double otherwise, int64_t columns, Device device) {
  const std::vector<float> row = values.empty() ? std::vector<float>(columns, static_cast<float>(otherwise))
                                                : std::vector<float>(values.begin(), values.end());
  return Tensor::From(row, {1, columns}).To(device);
}

std::vector<double> Softmax(std::vector<double> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (double& x : logits) sum += x = std::exp(x - largest);
  for (double& x : logits) x /= sum;
  return logits;
}

class MoleculeExperiment : public GraphImageExperiment {
 public:
  MoleculeExperiment(const Config& config, Device device, MoleculeData data, Generator& generator)
      : GraphImageExperiment(config, device, ImageOf(data), /*diagonal=*/false, generator), data_(std::move(data)) {
    if (data_.form.task != MoleculeTask::kRegression) return;
    means_ = RowOf(data_.means, 0, columns(), device);
    deviations_ = RowOf(data_.deviations, 1, columns(), device);
  }

  std::string Describe() const override { return data_.description + ": " + DescribeSizes(*this); }

  std::string DescribePredictions() const override {
    std::string text = "predictions [molecule, " + std::to_string(data_.form.outputs()) + "]: ";
    switch (data_.form.task) {
      case MoleculeTask::kClassification:
        text += "logits of the classes";
        break;
      case MoleculeTask::kMultiLabel:
        text += "logits of";
        break;
      case MoleculeTask::kRegression:
        text += "values of";
        break;
    }
    for (const std::string& name : outputs()) text += (&name == &outputs().front() ? " " : ", ") + name;
    return text;
  }

  std::string DescribeLeftOut() const override {
    std::ostringstream table;
    if (!data_.left_out.empty()) table << "line,smiles,problem\n";
    for (const auto& [number, reason] : data_.left_out)
      table << data_.lines[number] << "," << ToCsvField(data_.smiles[number]) << "," << ToCsvField(reason) << "\n";
    return table.str();
  }

  Batch Load(Split split, const Tensor& examples) const override {
    std::vector<int64_t> all = NumbersOf(split, examples);
    const MoleculeBatch batch = MakeMoleculeBatch(data_.graphs, all, n(), data_.vocabulary);
    Features x = MakeGraphFeatures(batch.atoms, batch.edges, batch.num_nodes);
    x.edge_features = batch.bonds;
    return {.x = std::move(x), .target = TargetsOf(all), .numbers = std::move(all)};
  }

  // The targets that are known.
  std::vector<double> Counts(Split split, const Tensor& examples) const override {
    double known = 0;
    for (const int64_t number : NumbersOf(split, examples))
      for (int64_t c = 0; c < columns() && !data_.targets.empty(); ++c) known += !std::isnan(Target(number, c));
    return {known};
  }

  Variable Prediction(const Variable& output) const override {
    if (data_.form.task != MoleculeTask::kRegression) return output;
    return Add(Mul(FromBF16(output), deviations_), means_);
  }

  std::vector<LossPart> Loss(const Variable& prediction, const Tensor& target, const WholeBatch& whole) const override {
    const double known = whole.counts.at(0);
    switch (data_.form.task) {
      case MoleculeTask::kClassification:
        return {{.name = "cross_entropy",
                 .sum = CrossEntropyLoss(prediction, target, Reduction::kSum, {}, kNoClass),
                 .denominator = std::max(1.0, known)}};
      case MoleculeTask::kMultiLabel:
        return {KnownBce(prediction, target, known)};
      case MoleculeTask::kRegression:
        return {KnownL1(Div(Sub(prediction, means_), deviations_), target, known)};
    }
    Fail("no such task");
  }

  std::string metric() const override {
    constexpr const char* kNames[] = {"accuracy", "average_precision", "mae"};
    return kNames[static_cast<size_t>(data_.form.task)];
  }
  bool more_is_better() const override { return data_.form.task != MoleculeTask::kRegression; }

  Metrics Measure(const Tensor& predictions, const Tensor& targets) const override {
    if (data_.form.task == MoleculeTask::kClassification) return MeasureClasses(predictions, targets);
    const Tensor known = UnpackKnown(targets);
    if (data_.form.task == MoleculeTask::kMultiLabel)
      return {{metric(), AveragePrecision(predictions, known)}, {"roc_auc", RocAuc(predictions, known)}};
    const Tensor values = Add(Mul(known.To(device()), deviations_), means_).value();
    return {{metric(), MeanAbsoluteError(predictions, values)}, {"r2", R2(predictions, values)}};
  }

  bool has_prediction_table() const override { return !data_.lines.empty(); }
  // Lines have the line and the SMILES of a molecule; the class and the probability of each, the probability of each
  // label, or the values; and why there are none, for one that is left out.
  std::string PredictionTable(Split split, const Tensor& predictions) const override {
    if (!has_prediction_table()) return Experiment::PredictionTable(split, predictions);
    const bool has_classes = data_.form.task == MoleculeTask::kClassification;
    std::ostringstream table;
    table << std::setprecision(kDigits) << "line,smiles" << (has_classes ? ",class" : "");
    for (const std::string& name : outputs())
      table << "," << ToCsvField(data_.form.task == MoleculeTask::kRegression ? name : "p(" + name + ")");
    table << ",problem\n";
    const std::vector<double> values = predictions.ToVector<double>();
    const int64_t width = data_.form.outputs();
    // Those that are left out belong to a split that has all others.
    const bool has_all = size(split) + static_cast<int64_t>(data_.left_out.size()) == data_.graphs.size();
    auto left_out = has_all ? data_.left_out.begin() : data_.left_out.end();
    const auto write_left_out = [&](int64_t before) {
      for (; left_out != data_.left_out.end() && left_out->number < before; ++left_out)
        table << data_.lines[left_out->number] << "," << ToCsvField(data_.smiles[left_out->number])
              << std::string(width + has_classes, ',') << "," << ToCsvField(left_out->reason) << "\n";
    };
    for (int64_t i = 0; i < size(split); ++i) {
      const int64_t number = numbers(split)[i];
      write_left_out(number);
      std::vector<double> row(values.begin() + i * width, values.begin() + (i + 1) * width);
      table << data_.lines[number] << "," << ToCsvField(data_.smiles[number]);
      if (has_classes) {
        table << "," << ToCsvField(outputs()[std::max_element(row.begin(), row.end()) - row.begin()]);
        row = Softmax(std::move(row));
      }
      if (data_.form.task == MoleculeTask::kMultiLabel)
        for (double& x : row) x = 1 / (1 + std::exp(-x));
      for (const double x : row) table << "," << x;
      table << ",\n";
    }
    write_left_out(std::numeric_limits<int64_t>::max());
    return table.str();
  }

 private:
  int64_t columns() const { return static_cast<int64_t>(data_.form.columns.size()); }
  const std::vector<std::string>& outputs() const {
    return data_.form.task == MoleculeTask::kClassification ? data_.form.classes : data_.form.columns;
  }
  double Target(int64_t number, int64_t column) const { return data_.targets[number * columns() + column]; }

  const std::vector<int64_t>& numbers(Split split) const override { return data_.splits[static_cast<size_t>(split)]; }

  // Classes i64 [count], or labels, or values in units of their deviations from the means, as PackKnown has them.
  Tensor TargetsOf(const std::vector<int64_t>& all) const {
    if (data_.targets.empty()) return {};
    const auto count = static_cast<int64_t>(all.size());
    if (data_.form.task == MoleculeTask::kClassification) {
      std::vector<int64_t> classes;
      for (const int64_t number : all)
        classes.push_back(std::isnan(Target(number, 0)) ? kNoClass : static_cast<int64_t>(Target(number, 0)));
      return Tensor::From(classes, {count});
    }
    std::vector<float> targets;
    for (const int64_t number : all)
      for (int64_t c = 0; c < columns(); ++c) {
        const bool is_scaled = !data_.means.empty();
        targets.push_back(static_cast<float>(is_scaled ? (Target(number, c) - data_.means[c]) / data_.deviations[c]
                                                       : Target(number, c)));
      }
    return PackKnown(Tensor::From(targets, {count, columns()}));
  }

  // Accuracy and, of two classes, how well the second one is ranked.
  Metrics MeasureClasses(const Tensor& predictions, const Tensor& targets) const {
    const std::vector<float> logits = predictions.ToVector<float>();
    const std::vector<int64_t> classes = targets.ToVector<int64_t>();
    const int64_t width = data_.form.outputs();
    double right = 0, known = 0;
    std::vector<float> scores, labels;
    for (size_t i = 0; i < classes.size(); ++i) {
      if (classes[i] == kNoClass) continue;
      const auto row = logits.begin() + static_cast<int64_t>(i) * width;
      right += std::max_element(row, row + width) - row == classes[i];
      ++known;
      scores.push_back(row[1] - row[0]);
      labels.push_back(static_cast<float>(classes[i]));
    }
    Metrics metrics = {{metric(), 100 * right / known}};
    const Shape shape = {static_cast<int64_t>(scores.size()), 1};
    if (width == 2) metrics.emplace_back("roc_auc", RocAuc(Tensor::From(scores, shape), Tensor::From(labels, shape)));
    return metrics;
  }

  MoleculeData data_;
  Tensor means_, deviations_;  // f32 [1, columns], on the device
};

}  // namespace

std::unique_ptr<Experiment> MakeMoleculeExperiment(const Config& config, Device device, MoleculeData data,
                                                   Generator& generator) {
  return std::make_unique<MoleculeExperiment>(config, device, std::move(data), generator);
}

}  // namespace orbit
