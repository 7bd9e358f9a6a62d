// Reads a model's weights from our checkpoints and from files of other programs.
#ifndef ORBIT_DATA_IO_WEIGHTS_H_
#define ORBIT_DATA_IO_WEIGHTS_H_

#include <string>

#include "data/io/note.h"
#include "engine/tensor_map.h"

namespace orbit {

// Reads the weights in a file for a model with the state `model`, of which only names and shapes are used; nothing is
// copied into it. The file is one of our checkpoints, a safetensors file, or a state dictionary in a file of torch.save
// or pickle.dump (pickle_file.h). The contents decide, not the file's name.
//
// A nested dictionary, under "state_dict" or any other key, is found by the model's names. If several fit equally well,
// the one with the most usual key is taken; averages ("ema") come last. A prefix that all names share ("module.",
// "_orig_mod.", "model.") is removed if the names do not fit otherwise. `note` reports either.
//
// Throws Error with the file and the fault: with its keys if there is no such dictionary, or with the name of a tensor
// that cannot be made. The model checks whether names and shapes fit (Module::LoadStateDict).
TensorMap ReadWeights(const std::string& path, const TensorMap& model, const Note& note = PrintNote);

}  // namespace orbit

#endif  // ORBIT_DATA_IO_WEIGHTS_H_
