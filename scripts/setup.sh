#!/bin/sh
# Makes .venv ready: `scripts/setup.sh core` for the core install, `embedded` for the small models too, `test` for tests
# and rendering too.
# Set PYTHON to choose the interpreter. A stamp in .venv holds what it was made from, so a second run has nothing to do.
set -eu
cd "$(dirname "$0")/.."

say() { echo "setup: $*"; }
stop() { echo "setup: $*" >&2; exit 1; }

key="$PWD $(cat pyproject.toml constraints.txt scripts/setup.sh | cksum)"

is_done() { [ -x .venv/bin/python ] && [ "$(cat ".venv/.stamp-$1" 2>/dev/null)" = "$key" ]; }

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    stop "needs Python 3.11 or newer; ${PYTHON:-python3} is not. On Debian 12 or newer: apt-get install python3 python3-venv"
}

make_venv() {
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        stop "$python has no venv module. On Debian: apt-get install python3-venv"
    [ ! -L .venv ] || stop ".venv is a link to $(readlink .venv), which would be emptied. Remove the link, and run this again"
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
    pip_install --upgrade "pip>=26"
}

pip_install() {
    .venv/bin/python -m pip --disable-pip-version-check -qq install -c constraints.txt "$@" ||
        stop "pip could not install $*; its message is above. Is a package index reachable?"
}

# The renderer and mediapipe draw and compute through EGL, on the CPU where there is no GPU.
system_libraries() {
    if ! command -v dpkg-query >/dev/null; then
        say "not a Debian system: EGL and OpenGL ES with Mesa's software driver are taken to be there"
        return
    fi
    missing=""
    for package in libegl1 libgl1 libgles2 libgl1-mesa-dri; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    install="apt-get install -y --no-install-recommends$missing"
    [ "$(id -u)" = 0 ] || stop "system libraries are missing. Run this line, then the same command again: sudo $install"
    say "installing system libraries:$missing"
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update && $install; } >"$log" 2>&1 || { tail -n 20 "$log" >&2; stop "apt-get failed; its last lines are above"; }
    rm -f "$log"
}

core() {
    is_done core && return
    # An environment cannot be moved: one made for another folder, or never finished, is made anew.
    case "$(cat .venv/.stamp-core 2>/dev/null)" in "$PWD "*) ;; *) make_venv ;; esac
    say "installing the core"
    pip_install -e .
    echo "$key" >.venv/.stamp-core
}

embedded() {
    is_done embedded && return
    is_done test && return
    system_libraries
    core
    say "installing the libraries of the small models"
    pip_install -e ".[embedded]"
    pip_install --no-deps mediapipe # pyproject.toml says why
    echo "$key" >.venv/.stamp-embedded
}

test_() {
    is_done test && return
    system_libraries
    core
    say "installing what tests and rendering need (about a minute; torch is the largest part)"
    pip_install -e ".[actors,cluster,embedded,gcs,readers,s3,dev]"
    pip_install --no-deps mediapipe # pyproject.toml says why
    pip_install --no-deps emotiefflib insightface rtmlib ultralytics uniface # likewise
    echo "$key" >.venv/.stamp-test
}

case "${1:-}" in
    core) core ;;
    embedded) embedded ;;
    test) test_ ;;
    *) echo "usage: scripts/setup.sh core|embedded|test" >&2; exit 2 ;;
esac
