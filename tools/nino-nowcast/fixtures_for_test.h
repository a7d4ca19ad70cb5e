// Where the parity fixtures are (specification, section 5.4). For tests only.
#pragma once

#include <string>
#include <vector>

namespace tenfold::nino_nowcast {

// The folder that holds this tool's fixtures: in TENFOLD_FIXTURES where set (the folder given is
// either the tool's own or the one above it), else default_fixtures_folder(). "" where absent.
std::string fixtures_folder();

// shared/fixtures/nino-nowcast beside the checkout, whatever TENFOLD_FIXTURES says; "" where
// absent.
std::string default_fixtures_folder();

// Full paths without extension of the pairs STEM.json, STEM.safetensors in fixtures_folder() whose
// stem is `suffix` or ends in "_" + suffix; sorted. A meta-model may match, too (nino_mlp).
std::vector<std::string> fixture_stems(const std::string& suffix);

// The parity samples among the *_mlp, *_cnn, *_gpt2 and *_llama pairs: those with `params` in their
// JSON.
std::vector<std::string> sample_stems();

// NAME.safetensors of fixtures_folder(), else of default_fixtures_folder(). Throws MissingInput.
std::string meta_model_path(const std::string& name);

}  // namespace tenfold::nino_nowcast
