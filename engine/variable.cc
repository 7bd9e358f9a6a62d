#include "engine/variable.h"

#include <atomic>
#include <cmath>
#include <optional>
#include <queue>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "engine/accumulate.h"
#include "engine/autocast.h"
#include "engine/profiling.h"

namespace orbit {

struct Variable::Node {
  int64_t sequence;
  const char* name;
  Precision precision;  // in which the operation was computed
  std::vector<Variable> inputs;
  BackwardFunction backward;
  std::vector<Tensor> gradients;  // of the results; undefined until known
};

struct Variable::State {
  Tensor value;
  Tensor grad;  // for leaves
  bool requires_grad = false;
  Hook hook;                     // for leaves
  std::weak_ptr<BF16Copy> bf16;  // for leaves
  std::shared_ptr<Node> node;    // the node that computed this; null for leaves
  size_t result = 0;             // its position among the node's results
};

namespace {

thread_local bool recording = true;
std::atomic<bool> anomaly_detection{false};
std::atomic<bool> hooks_exist{false};  // whether a hook was ever set
std::atomic<int64_t> next_sequence{1};

// While one is alive, this thread's operations are recorded, even inside a NoGrad.
struct Recording {
  bool previous = std::exchange(recording, true);
  ~Recording() { recording = previous; }
};

void CheckFinite(const Tensor& tensor, const char* operation, const char* what) {
  if (!tensor.defined() || !IsFloating(tensor.dtype())) return;
  const std::vector<double> values = tensor.ToVector<double>();
  for (size_t i = 0; i < values.size(); ++i)
    Check(std::isfinite(values[i]), operation, ": ", what, " is ", values[i], " at element ", i, " of ",
          tensor.Describe());
}

}  // namespace

bool Gradients::Needs(size_t i) const { return inputs_[i].defined() && inputs_[i].requires_grad(); }

Tensor Gradients::Take(size_t i) const {
  if (!Needs(i)) return {};
  Tensor sum = inputs_[i].grad();
  inputs_[i].ZeroGrad();
  return sum;
}

void Gradients::Add(size_t i, const Tensor& gradient) const {
  if (Needs(i)) inputs_[i].AddGrad(gradient);
}

Variable::Variable(Tensor value, bool requires_grad) : state_(std::make_shared<State>()) {
  Check(value.defined(), "a variable needs a defined tensor");
  Check(!requires_grad || IsFloating(value.dtype()), "no gradient exists for ", value.Describe());
  state_->value = std::move(value);
  state_->requires_grad = requires_grad;
}

const Tensor& Variable::value() const {
  Check(defined(), "value() of an undefined variable");
  return state_->value;
}

const Tensor& Variable::grad() const {
  Check(defined(), "grad() of an undefined variable");
  return Gradient();
}

Tensor& Variable::Gradient() const { return state_->node ? state_->node->gradients[state_->result] : state_->grad; }

bool Variable::requires_grad() const { return defined() && state_->requires_grad; }

void Variable::set_requires_grad(bool requires_grad) const {
  Check(defined() && !state_->node, "requires_grad can be set for leaves only");
  state_->requires_grad = requires_grad;
}

void Variable::set_value(Tensor value) const {
  Check(defined() && !state_->node, "the value can be set for leaves only");
  state_->value = std::move(value);
}

Tensor Variable::ValueIn(DType dtype) const {
  if (dtype == DType::kBF16 && this->dtype() == DType::kF32)
    if (const std::shared_ptr<BF16Copy> copy = state_->bf16.lock()) return copy->Of(value());
  return value().To(dtype);
}

std::shared_ptr<BF16Copy> Variable::KeepBF16() const {
  Check(defined() && !state_->node, "a copy in bf16 is kept of leaves only");
  std::shared_ptr<BF16Copy> copy = state_->bf16.lock();
  if (!copy) state_->bf16 = copy = std::make_shared<BF16Copy>();
  return copy;
}

void Variable::set_grad(Tensor grad) const { Gradient() = std::move(grad); }

void Variable::AddGrad(const Tensor& gradient) const {
  Check(gradient.shape() == shape() && IsFloating(gradient.dtype()), "gradient ", gradient.Describe(), " for a value ",
        value().Describe());
  Gradient() = Accumulate(std::move(Gradient()), gradient.To(dtype()));
}

void Variable::Backward() const {
  Check(size() == 1, "Backward() without a gradient is for scalars, not ", value().Describe());
  Backward(Tensor::Full(shape(), 1.0, dtype(), device()));
}

// The leaves with hooks that a Backward() can reach, and for each of them the number of uses not yet processed.
class Variable::Uses {
 public:
  explicit Uses(Node* last) {
    if (!hooks_exist) return;
    std::vector<Node*> nodes = {last};
    std::unordered_set<Node*> seen = {last};
    while (!nodes.empty()) {
      const Node* node = nodes.back();
      nodes.pop_back();
      for (const Variable& input : node->inputs) {
        if (!input.requires_grad()) continue;
        if (Node* next = input.state_->node.get()) {
          if (seen.insert(next).second) nodes.push_back(next);
        } else if (input.state_->hook) {
          if (++counts_[input.state_.get()] == 1) leaves_.push_back(input);
        }
      }
    }
  }

  void Remove(const Variable& input) {
    const auto count = counts_.find(input.state_.get());
    if (count != counts_.end() && --count->second == 0) CallHook(input);
  }
  // Calls the remaining hooks: those of leaves with a gradient that did not come through all of their uses.
  void RemoveAll() {
    for (const Variable& leaf : leaves_)
      if (counts_[leaf.state_.get()] > 0) CallHook(leaf);
  }

 private:
  static void CallHook(const Variable& leaf) {
    if (leaf.grad().defined()) leaf.state_->hook(leaf);
  }

  std::vector<Variable> leaves_;
  std::unordered_map<State*, int64_t> counts_;
};

void Variable::OnGradient(Hook hook) const {
  Check(defined() && !state_->node, "a hook can be set for leaves only");
  hooks_exist = true;
  state_->hook = std::move(hook);
}

void Variable::Backward(const Tensor& gradient) const {
  Check(requires_grad(), "Backward() of a variable that no recorded operation computed");
  Backward(gradient, 0);
}

// Processes the nodes from number `first` on. If that is 0, these are all nodes, and hooks are called.
void Variable::Backward(const Tensor& gradient, int64_t first) const {
  AddGrad(gradient);
  if (!state_->node || state_->node->sequence < first) return;
  const auto earlier = [](const std::shared_ptr<Node>& a, const std::shared_ptr<Node>& b) {
    return a->sequence < b->sequence;
  };
  std::priority_queue<std::shared_ptr<Node>, std::vector<std::shared_ptr<Node>>, decltype(earlier)> ready(earlier);
  std::unordered_set<Node*> seen;
  std::optional<Uses> uses;
  if (first == 0) uses.emplace(state_->node.get());
  ready.push(state_->node);
  // A node is newer than the nodes of its inputs, so the newest node has received all of its gradients.
  while (!ready.empty()) {
    const std::shared_ptr<Node> node = ready.top();
    ready.pop();
    seen.erase(node.get());
    Check(node->backward != nullptr, node->name, ": its recorded graph was consumed by an earlier Backward()");
    const BackwardFunction backward = std::exchange(node->backward, nullptr);
    const std::vector<Variable> inputs = std::exchange(node->inputs, {});
    {
      const ProfileRange range(node->name);
      const Autocast scope(node->precision);
      backward(Gradients(inputs, std::exchange(node->gradients, std::vector<Tensor>(node->gradients.size()))));
    }
    for (const Variable& input : inputs) {
      if (!input.requires_grad()) continue;
      if (anomaly_detection) CheckFinite(input.grad(), node->name, "the gradient of an input");
      if (uses) uses->Remove(input);
      const std::shared_ptr<Node>& next = input.state_->node;
      if (next && next->sequence >= first && input.grad().defined() && seen.insert(next.get()).second) ready.push(next);
    }
  }
  if (uses) uses->RemoveAll();
}

void BackwardThrough(const std::function<Variable()>& forward, const Tensor& gradient) {
  const int64_t first = next_sequence;
  Variable y;
  {
    const Recording enabled;
    y = forward();
  }
  if (y.requires_grad()) y.Backward(gradient, first);
}

bool GradientsWanted(const std::vector<Variable>& inputs) {
  if (!recording) return false;
  for (const Variable& input : inputs)
    if (input.requires_grad()) return true;
  return false;
}

Variable MakeVariable(const char* name, Tensor value, std::vector<Variable> inputs, BackwardFunction backward) {
  return std::move(MakeVariables(name, {std::move(value)}, std::move(inputs), std::move(backward))[0]);
}

std::vector<Variable> MakeVariables(const char* name, std::vector<Tensor> values, std::vector<Variable> inputs,
                                    BackwardFunction backward) {
  std::vector<Variable> results;
  for (Tensor& value : values) {
    if (anomaly_detection) CheckFinite(value, name, "the result");
    results.emplace_back(std::move(value));
  }
  if (!GradientsWanted(inputs)) return results;
  const auto node =
      std::make_shared<Variable::Node>(Variable::Node{next_sequence++, name, Autocast::current(), std::move(inputs),
                                                      std::move(backward), std::vector<Tensor>(results.size())});
  for (size_t i = 0; i < results.size(); ++i) {
    results[i].state_->requires_grad = true;
    results[i].state_->node = node;
    results[i].state_->result = i;
  }
  return results;
}

NoGrad::NoGrad() : previous_(std::exchange(recording, false)) {}
NoGrad::~NoGrad() { recording = previous_; }

void SetAnomalyDetection(bool enabled) { anomaly_detection = enabled; }

}  // namespace orbit
