// What a model makes of windows on its way, and what one can read off them without it: features
// that are classified (specification, section 3.9).
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "tools/samba-align/classification.h"
#include "tools/samba-align/dataset.h"
#include "tools/samba-align/labelled_windows.h"
#include "tools/samba-align/model.h"

namespace tenfold::samba_align {

// The latents of a model, encoder first: gat1, up, gat2 and, where it has a decoder, lstm; of
// hemo2ele mlp (the predicted wavelets) instead of lstm.
std::vector<std::string> latent_names(const ModelSpec& spec);

// What to say of a latent that is none of `names`.
std::string no_latent(const std::string& name, const std::vector<std::string>& names);

// One of them, [batch, numbers]: gat1 after ELU, [parcels, frames]; up and gat2 [targets, frames];
// lstm [frames, targets]. Of hemo2ele gat1 [targets, frames], up and gat2 [parcels, frames], mlp
// [parcels, frames, coefficients].
at::Tensor latent(const Activations& pass, const std::string& name);

// Latents of all windows, without dropout, truth or first frame; one set a name.
std::vector<FeatureSet> latent_features(const Model& model, const Dataset& dataset,
                                        const std::vector<LabelledWindow>& windows,
                                        const std::vector<std::string>& names);

// What the latents are compared with:
//   raw  mean and log variance of the normalised input by parcel and block, [parcels, frames, 2]
//   hrf  the input, standardised over the training part and filtered with the canonical response,
//        at every frame's end, [parcels, frames]
//   pca  principal components of the normalised input [parcels, samples], `components` at most
// Of hemo2ele raw is the normalised fMRI of the window, pca its components, and there is no hrf.
std::vector<FeatureSet> control_features(const Dataset& dataset,
                                         const std::vector<LabelledWindow>& windows,
                                         const ModelSpec& spec, int64_t components);

}  // namespace tenfold::samba_align
