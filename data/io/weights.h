// A model's weights, from our checkpoints and from what other programs write.
#ifndef ORBIT_DATA_IO_WEIGHTS_H_
#define ORBIT_DATA_IO_WEIGHTS_H_

#include <string>

#include "data/io/note.h"
#include "engine/tensor_map.h"

namespace orbit {

// The weights in a file for a model whose state is `model` (its names and shapes; nothing is copied into it): one of
// our checkpoints, a safetensors file, or a state dictionary in a file of torch.save or pickle.dump (pickle_file.h).
// What the contents are decides, not the file's name.
//
// A dictionary that lies within others, under "state_dict" or any other key, is found by the model's names; of several
// that fit equally well the one under the more usual key is taken, averages ("ema") last. A prefix that all names share
// ("module.", "_orig_mod.", "model.") is taken off where the names do not fit as they stand. `note` is told of either.
//
// Throws Error with the file and what is wrong: with its keys where there is no such dictionary, and with the name of a
// tensor that cannot be made. Whether names and shapes fit is left to the model (Module::LoadStateDict).
TensorMap ReadWeights(const std::string& path, const TensorMap& model, const Note& note = PrintNote);

}  // namespace orbit

#endif  // ORBIT_DATA_IO_WEIGHTS_H_
