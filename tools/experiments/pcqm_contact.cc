#include "tools/experiments/pcqm_contact.h"

#include <algorithm>
#include <utility>

#include "data/molecules/contacts.h"
#include "engine/ops/indexing.h"
#include "engine/ops/loss.h"
#include "engine/ops/shape.h"
#include "models/graph_model.h"
#include "tools/common/path.h"
#include "tools/experiments/graph_image_experiment.h"
#include "tools/metrics/link_ranking.h"

namespace orbit {
namespace {

GraphImageOptions Image() {
  const MoleculeVocabulary vocabulary = PcqmContactVocabulary();
  return {.n = kLargestContactMolecule,
          .node_channels = vocabulary.atom_channels(),
          .edge_channels = vocabulary.bond_channels(),
          .output_order = 2,
          .outputs = 1};
}

class PcqmContactExperiment : public GraphImageExperiment {
 public:
  PcqmContactExperiment(const Config& config, Device device, Contacts data, Generator& generator)
      : GraphImageExperiment(config, device, Image(), /*diagonal=*/false, generator), data_(std::move(data)) {}

  std::string Describe() const override { return "molecules with contacts: " + DescribeSizes(*this); }
  std::string DescribePredictions() const override {
    return "predictions [molecule, 53, 53]: logits of two atoms being in contact";
  }

  Batch Load(Split split, const Tensor& examples) const override {
    const std::vector<int64_t> all = NumbersOf(split, examples);
    const MoleculeBatch batch = MakeMoleculeBatch(data_.graphs(), all, n(), PcqmContactVocabulary());
    Batch loaded{
        .x = MakeGraphFeatures(batch.atoms, batch.edges, batch.num_nodes), .target = LabelsOf(all), .numbers = all};
    loaded.x.edge_features = batch.bonds;
    return loaded;
  }

  // The pairs with a label.
  std::vector<double> Counts(Split split, const Tensor& examples) const override {
    double labelled = 0;
    for (const int64_t number : NumbersOf(split, examples)) labelled += static_cast<double>(data_.pairs(number).size());
    return {labelled};
  }

  // [count, n, n, 1] -> [count, n, n]
  Variable Prediction(const Variable& output) const override {
    return Reshape(output, {output.dim(0), output.dim(1), output.dim(2)});
  }

  std::vector<LossPart> Loss(const Variable& prediction, const Tensor& target, const WholeBatch& whole) const override {
    const Tensor labels = target.Reshape({-1}).To(DType::kI64);
    const auto by_label = [&](const std::vector<float>& values) {
      return Reshape(IndexSelect(Tensor::From(values, {4}).To(target.device()), labels), prediction.shape());
    };
    return {{.name = "bce",
             .sum = BceWithLogitsLoss(prediction, by_label({0, 0, 0, 1}), Reduction::kSum, by_label({0, 0, 1, 1})),
             .denominator = std::max(1.0, whole.counts.at(0))}};
  }

  std::string metric() const override { return "mrr"; }
  bool more_is_better() const override { return true; }
  Metrics Measure(const Tensor& predictions, const Tensor& targets) const override {
    Metrics metrics;
    for (const auto& [filter, suffix] : {std::pair(LinkFilter::kRaw, ""), std::pair(LinkFilter::kFiltered, "_filtered"),
                                         std::pair(LinkFilter::kFilteredNoSelves, "_filtered_noself")}) {
      const LinkRanks ranks = RankLinks(predictions, targets, filter);
      for (const auto& [name, value] : {std::pair("mrr", ranks.mrr), std::pair("hits@1", ranks.hits1),
                                        std::pair("hits@3", ranks.hits3), std::pair("hits@10", ranks.hits10)})
        metrics.emplace_back(std::string(name) + suffix, value);
    }
    return metrics;
  }

 private:
  const std::vector<int64_t>& numbers(Split split) const override { return data_.splits()[static_cast<size_t>(split)]; }

  // PairLabels, u8 [count, n, n].
  Tensor LabelsOf(const std::vector<int64_t>& molecules) const {
    const auto count = static_cast<int64_t>(molecules.size());
    std::vector<uint8_t> labels(count * n() * n(), static_cast<uint8_t>(PairLabel::kNone));
    for (int64_t g = 0; g < count; ++g) {
      uint8_t* of_graph = labels.data() + g * n() * n();
      const int64_t atoms = data_.graphs().n(molecules[g]);
      for (int64_t head = 0; head < atoms; ++head)
        std::fill_n(of_graph + head * n(), atoms, static_cast<uint8_t>(PairLabel::kUnlabelled));
      for (const ContactPair& pair : data_.pairs(molecules[g]))
        of_graph[pair.head * n() + pair.tail] =
            static_cast<uint8_t>(pair.in_contact == 1 ? PairLabel::kLinked : PairLabel::kUnlinked);
    }
    return Tensor::From(labels, {count, n(), n()});
  }

  Contacts data_;
};

void AddKeys(ConfigSchema& schema) {
  AddGraphImageKeys(schema);
  schema.String("data.path", "", "the folder of the published files train.pt, val.pt and test.pt");
}

std::unique_ptr<Experiment> Make(const ExperimentInputs& inputs) {
  Check(inputs.new_data.empty(), "the task pcqm_contact has its molecules, and no others");
  Check(!inputs.config.String("data.path").empty(),
        "data.path has to name the folder of PCQM-Contact's train.pt, val.pt and test.pt");
  const std::string folder = UserPath(inputs.config.String("data.path"));
  inputs.config.SetString("data.path", folder);  // a run may be gone on with from elsewhere
  return std::make_unique<PcqmContactExperiment>(inputs.config, inputs.device, ReadContacts(folder, inputs.progress),
                                                 inputs.generator);
}

}  // namespace

ExperimentKind PcqmContactKind() {
  return {.name = "pcqm_contact",
          .help = "which atoms of a molecule are close in space, by a vision transformer",
          .add_keys = AddKeys,
          .make = Make};
}

}  // namespace orbit
