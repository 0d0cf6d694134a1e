#include "train/run_checks.h"

#include <cmath>

#include "base/error.h"
#include "base/measure.h"
#include "train/checkpoint.h"

namespace parley::train {

void check_new_run(const fs::path& run) {
  if (fs::exists(run / "config.json") || fs::exists(run / "checkpoints"))
    base::fail("{}: a run is here already; continue it with --resume, or give another --out",
               run.string());
}

void check_memory(double bytes, std::string_view of_what, std::string_view remedy) {
  const double available = base::available_memory();
  if (available > 0 && bytes > available)
    base::fail("{} need {}, but only {} of memory are free; {}", of_what, base::human_bytes(bytes),
               base::human_bytes(available), remedy);
}

void check_converging(const fs::path& run, int64_t step, double loss, double grad_norm, double lr) {
  if (std::isfinite(loss) && std::isfinite(grad_norm)) return;
  const std::vector<Checkpoint> checkpoints = list_checkpoints(run);
  base::fail(
      "step {}: the loss is {} and the gradient's norm {}: training has diverged. {} Begin again "
      "with a lower --lr (now {}), a longer --warmup or a smaller --clip",
      step, loss, grad_norm,
      checkpoints.empty() ? "There is no checkpoint before it."
                          : "The last good checkpoint is " + checkpoints.back().path.string() + ".",
      lr);
}

}  // namespace parley::train
