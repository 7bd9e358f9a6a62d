// The tables' rows, with the published numbers of Kim et al. 2023.
#include "tools/tables/trained_table.h"

namespace orbit {
namespace {

TrainedTable NBody() {
  return {.name = "nbody",
          .caption = "Test mean squared error on charged particles",
          .metric = "mse",
          .unit = "",
          .is_error = true,
          .rows = {
              {"SE(3)-Transformer", "", "0.0244"},
              {"TFN", "", "0.0155"},
              {"Radial Field", "", "0.0104"},
              {"EGNN", "nbody_egnn", "0.0071", 3},
              {"GNN-FA", "", "0.0057"},
              {"GNN-Canonical, O(3)", "nbody_gnn_canonical_o3", ""},
              {"GNN-GA, O(3)", "nbody_gnn_haar_o3", ""},
              {"GNN-PS, O(3)", "nbody_gnn_learned_o3", ""},
              {"Transformer-Canonical, S5 x O(3)", "nbody_transformer_canonical_snxo3", ""},
              {"Transformer-GA, S5 x O(3)", "nbody_transformer_haar_snxo3", "", 3},
              {"Transformer-PS, S5 x O(3)", "nbody_paper", "0.00401", 3},
          }};
}

TrainedTable ExpClassify() {
  return {.name = "exp_classify",
          .caption = "Test accuracy on EXP-classify in percent",
          .metric = "accuracy",
          .unit = " %",
          .is_error = false,
          .rows = {
              {"GCN", "exp_classify_gcn", "50"},
              {"GAT", "exp_classify_gat", "50"},
              {"GIN", "exp_classify_gin", "50"},
              {"ChebNet", "exp_classify_chebnet", ""},
              {"PPGN", "exp_classify_ppgn", ""},
              {"MLP-Canonical", "exp_classify_mlp_canonical", ""},
              {"MLP-GA", "exp_classify_mlp_ga", "50"},
              {"MLP-FA", "exp_classify_mlp_fa", ""},
              {"MLP-FA, minimal", "exp_classify_mlp_minimal", ""},
              {"MLP-PS", "exp_classify_mlp_ps", "100"},
              {"GIN-ID-Canonical", "exp_classify_gin_id_canonical", ""},
              {"GIN-ID-GA", "exp_classify_gin_id_ga", ""},
              {"GIN-ID-FA", "exp_classify_gin_id_fa", ""},
              {"GIN-ID-FA, minimal", "exp_classify_gin_id_minimal", ""},
              {"GIN-ID-PS", "exp_classify_gin_id_ps", "100"},
          }};
}

TrainedTable Pattern() {
  return {.name = "pattern",
          .caption = "Test accuracy on PATTERN in percent, both classes counting the same",
          .metric = "accuracy",
          .unit = " %",
          .is_error = false,
          .rows = {
              {"ViT-GA, scratch", "pattern_scratch_ga", ""},
              {"ViT-FA, scratch", "pattern_scratch_fa", ""},
              {"ViT-Canonical, scratch", "pattern_scratch_canonical", "", 3},
              {"ViT-PS, scratch", "pattern_scratch", "", 3},
              {"ViT-GA, pretrained", "pattern_ga", ""},
              {"ViT-FA, pretrained", "pattern_fa", ""},
              {"ViT-Canonical, pretrained", "pattern_canonical", ""},
              {"ViT-PS, pretrained", "pattern", ""},
          }};
}

TrainedTable PeptidesFunc() {
  return {
      .name = "peptides_func",
      .caption = "Test average precision on Peptides-func",
      .metric = "average_precision",
      .unit = "",
      .is_error = false,
      .rows = {{"ViT-PS, scratch", "peptides_func_scratch", ""}, {"ViT-PS, pretrained", "peptides_func", "0.6575"}}};
}

TrainedTable PeptidesStruct() {
  return {.name = "peptides_struct",
          .caption = "Test mean absolute error on Peptides-struct",
          .metric = "mae",
          .unit = "",
          .is_error = true,
          .rows = {{"ViT-PS, pretrained", "peptides_struct", "0.2559"}}};
}

TrainedTable PcqmContact() {
  return {.name = "pcqm_contact",
          .caption = "Test metrics of ViT-PS, pretrained, on PCQM-Contact",
          .metric = "",
          .unit = "",
          .is_error = false,
          .rows = {{"Hits@1", "pcqm_contact", "0.3287", 1, "hits@1"},
                   {"Hits@3", "pcqm_contact", "0.6694", 1, "hits@3"},
                   {"Hits@10", "pcqm_contact", "0.9526", 1, "hits@10"},
                   {"MRR", "pcqm_contact", "0.5341", 1, "mrr"}}};
}

}  // namespace

const std::vector<TrainedTable>& TrainedTables() {
  static const std::vector<TrainedTable> tables = {ExpClassify(),  NBody(),          Pattern(),
                                                   PeptidesFunc(), PeptidesStruct(), PcqmContact()};
  return tables;
}

}  // namespace orbit
