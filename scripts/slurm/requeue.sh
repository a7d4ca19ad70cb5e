# shellcheck shell=bash
# Shared by the batch files of this folder. Sourced, not run.

# Slurm runs a copy of a batch file elsewhere, so the checkout is where sbatch was called.
binary() { echo "${TENFOLD_BIN:-${SLURM_SUBMIT_DIR:-.}/bazel-bin/tools/$1}/$1"; }

# Runs a tool with its options and exits with its code. The signal before the time limit (USR2) and the one of a
# preemption (TERM) reach the tool; what stops with a checkpoint (exit 75) is put back into the queue.
run_or_requeue() {
  local child='' status=0
  trap '[ -z "$child" ] || kill -USR2 "$child" 2>/dev/null' USR2 TERM
  "$@" --resume auto --threads "${SLURM_CPUS_PER_TASK:-0}" --json /dev/null &
  child=$!
  wait "$child" || status=$?
  while kill -0 "$child" 2>/dev/null; do
    status=0
    wait "$child" || status=$?
  done
  if [ "$status" -eq 75 ]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_}${SLURM_ARRAY_TASK_ID:-$SLURM_JOB_ID}"
  fi
  exit "$status"
}
