// Small data and models for tests.
#ifndef ORBIT_TESTS_MODELS_EXAMPLE_DATA_H_
#define ORBIT_TESTS_MODELS_EXAMPLE_DATA_H_

#include <memory>
#include <string>

#include "models/graph_image_model.h"
#include "models/graph_model.h"
#include "models/inner_product_network.h"
#include "models/nbody_model.h"

namespace orbit {

inline constexpr int64_t kExampleNodes = 9;

// A path, a star, a cycle and a graph without symmetry, of different sizes, padded to kExampleNodes.
Features ExampleGraphs(DType dtype);
// A model of them.
GraphModelOptions ExampleGraphOptions(const std::string& base, const std::string& distribution);

// The same graphs with features on their edges, three numbers each.
Features ExampleGraphsWithEdgeFeatures(DType dtype);
// A vision transformer on them, with outputs of an order.
GraphImageModelOptions ExampleImageOptions(int output_order, const std::string& distribution);

// Three clouds of five particles.
ParticleBatch ExampleParticles(Generator& generator, DType dtype);

// Three clouds of five nodes. Each node has vectors for a matrix group (for the Lorentz groups, momenta of massive
// particles), a position if there are translations, and a number.
Features ExampleVectors(const Group& group, Generator& generator, DType dtype);
// A network on such data.
std::unique_ptr<InnerProductNetwork> ExampleVectorNetwork(const Group& group, Generator& generator);

double LargestDifference(const Variable& a, const Variable& b);

}  // namespace orbit

#endif  // ORBIT_TESTS_MODELS_EXAMPLE_DATA_H_
