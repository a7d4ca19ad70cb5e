# shellcheck shell=bash disable=SC2034
# Shared by the scripts: where things are and how Bazel is called. Sourced, not run.
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/tenfold-bazel

# Debian's Python has matplotlib and jsonschema; another one earlier on PATH may not.
PYTHON=/usr/bin/python3

# Fixtures for parity tests: as given, else the folder beside the checkout where there is one.
if [ -n "${TENFOLD_FIXTURES:-}" ]; then
  TENFOLD_FIXTURES=$(realpath -m "$TENFOLD_FIXTURES")
elif [ -d "$TOP/../shared/fixtures" ]; then
  TENFOLD_FIXTURES=$(realpath "$TOP/../shared/fixtures")
fi
export TENFOLD_FIXTURES

# run_bazel COMMAND ARGS...: in the checkout, with the shared cache. TENFOLD_BAZEL_STARTUP and
# TENFOLD_BAZEL_FLAGS add startup and command flags.
run_bazel() {
  local command=$1
  shift
  # shellcheck disable=SC2086
  (cd "$TOP" && bazel ${TENFOLD_BAZEL_STARTUP:-} "$command" --disk_cache="$CACHE" ${TENFOLD_BAZEL_FLAGS:-} "$@")
}

# python_environment NAME REQUIREMENTS: the folder, on stdout, of an environment outside the checkout with exactly the
# versions listed, one for each list; made on first use. Where that fails the log is on stderr.
python_environment() {
  local venv log
  venv=${XDG_CACHE_HOME:-$HOME/.cache}/tenfold-$1/$(sha256sum "$2" | cut -c1-12)
  if [ ! -f "$venv/complete" ]; then
    echo "installing ${2##*/} of $1 into $venv ..." >&2
    rm -rf "$venv"
    log=$("$PYTHON" -m venv "$venv" 2>&1) || { echo "$log"$'\n'"no Python environment: install python3-venv" >&2; return 1; }
    log=$("$venv/bin/pip" install --quiet --no-cache-dir --no-deps -r "$2" 2>&1) || { echo "$log" >&2; return 1; }
    touch "$venv/complete"
  fi
  echo "$venv"
}
