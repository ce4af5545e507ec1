# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# What the environment is made of and where it is kept; sourced by setup and enter.

debian_suite=trixie
minimum_dolfinx=0.9
environment_folder=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
checkout=$(dirname "$environment_folder")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/imagio

# For env: in a private root, nothing of this machine's Python, libraries, solvers or languages may be picked up.
foreign_settings=(
    -u PYTHONHOME -u PYTHONPATH -u LD_LIBRARY_PATH -u LD_PRELOAD -u PETSC_DIR -u PETSC_ARCH -u CONDA_PREFIX
    -u VIRTUAL_ENV LC_ALL=C.UTF-8
)

say() { printf 'imagio: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 2
}

digest() { sha256sum | cut -c1-12; }

# The names in package lists, without their comments.
packages_in() { (cd "$environment_folder" && sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$@"); }

# A root depends on nothing but its packages, so checkouts with the same lists share it.
root_of() {
    printf '%s/root-%s' "$cache" "$({ echo "$debian_suite $(uname -m)"; packages_in "$@" | sort; } | digest)"
}

# Above the packages of the environment itself, so that its venv works there too.
slurm_lists=(packages.txt packages-slurm.txt)

# Where a finished set-up is remembered. Another checkout state, or another python3 first on PATH
# (an activated conda environment, a loaded module), is another set-up.
record_file() {
    local key
    key=$({
        cat "$environment_folder"/{setup,packages.txt,requirements.py} "$checkout/pyproject.toml"
        printf '%s\n' "$(command -v python3)" "${CONDA_PREFIX:-}" "${VIRTUAL_ENV:-}" "${PYTHONPATH:-}" "$(uname -m)"
    } | digest)
    printf '%s/record-%s' "$cache" "$key"
}

# Reads the record into $root (empty on routes 1 and 2) and $venv; fails when there is none or what it names is gone.
read_record() {
    root='' venv=''
    local record
    record=$(record_file)
    [[ -f $record ]] || return 1
    # shellcheck disable=SC1090
    . "$record"
    [[ -f $venv/complete && (-z $root || -d $root) ]] || return 1
    # the interpreter of a private root is not at its place outside of it
    [[ -n $root || -x $venv/bin/python3 ]]
}
