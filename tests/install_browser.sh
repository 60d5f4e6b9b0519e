#!/bin/sh
# Installs what the tests need from Debian: Chromium, a library of Playwright's, and PostgreSQL
# for a Python that PyPI's pgserver has no build for. What is there already is left alone.
#   tests/install_browser.sh [python]
set -eu
python=${1:-python3}

wanted=
command -v chromium >/dev/null || wanted=" chromium fonts-liberation"
ls /usr/lib/*/libatomic.so.1 >/dev/null 2>&1 || wanted="$wanted libatomic1"
if ! "$python" -c 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("pgserver"))' &&
    ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    wanted="$wanted postgresql"
fi
[ -n "$wanted" ] || exit 0

install="apt-get install --yes --no-install-recommends$wanted"
if ! command -v apt-get >/dev/null; then
    echo "The tests need this, and the machine has no apt-get to install it:$wanted" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "The tests need:$wanted. Please type:" >&2
    echo "    sudo apt-get update && sudo $install" >&2
    exit 1
fi

echo "Installing for the tests:$wanted …"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A machine may have no package lists yet, or old ones.
$install >"$log" 2>&1 || { apt-get update && $install; } >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    exit 1
}
