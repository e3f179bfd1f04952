#include "tests/hostile/model_check.h"

#include "model/arch.h"
#include "model/loader.h"
#include "model/model_files.h"

namespace spate {

void CheckModelFiles(const std::filesystem::path& path) {
  const ModelFiles files = OpenModelFiles(path);
  const ModelSpec spec = MakeSpec(files.config);
  CheckWeights(*files.checkpoint, ArchOf(files.config), files.dialect, spec);
}

}  // namespace spate
