# shellcheck shell=bash
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sourced by bin/lab, bin/test and bin/demo. Makes sure of the programs they need on a machine where
# bash alone is assumed: root rights, system packages, the virtual environment. Sets `root` and `python`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
python=$root/.venv/bin/python
name=${0##*/}
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { printf '%s: %s\n' "$name" "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

have() { command -v "$1" >/dev/null 2>&1; }

# The lab runs systemd in containers on a network of its own: that takes root.
need_root() {
  ((EUID == 0)) && return
  have sudo || fail "the lab needs root for its containers, and there is no sudo here: run this as root, or install sudo."
  sudo -n true 2>/dev/null || sudo -v || fail "the lab needs root for its containers, and sudo refuses this user: run this as root, or allow the user to use sudo."
}

# podman keeps its network helpers outside PATH.
have_helper() {
  local folder
  for folder in /usr/lib/podman /usr/libexec/podman /usr/local/libexec/podman /usr/local/lib/podman; do
    [[ -x $folder/$1 ]] && return
  done
  return 1
}

missing_packages() {
  have podman || echo podman
  have runc || have crun || echo runc
  # crun refuses the cgroup layout that mixes both versions
  have runc || [[ -e /sys/fs/cgroup/cgroup.controllers ]] || echo runc
  have_helper netavark || echo netavark
  have ssh-keygen || echo openssh-client
  # netavark writes its rules with it
  have iptables || echo iptables
  # a scenario signs a package repository with it
  have gpg || echo gpg
  have gpg-agent || echo gpg-agent
  have ip || echo iproute2
  [[ -e /etc/ssl/certs/ca-certificates.crt || -e /etc/pki/tls/certs/ca-bundle.crt ]] || echo ca-certificates
}

# install_packages PURPOSE PACKAGE...
install_packages() {
  local purpose=$1 log
  shift
  have apt-get || fail "$purpose: $* cannot be installed, because there is no apt-get here: install the equivalents with this system's package manager, then run this again."
  say "installing $* by apt ($purpose)"
  log=$(mktemp)
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600)
  if ! { as_root "${apt[@]}" update && as_root "${apt[@]}" install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    fail "$purpose: apt could not install $* (its last words are above): put its package source right, or install them by hand, then run this again."
  fi
  rm -f "$log"
}

need_packages() {
  local packages
  mapfile -t packages < <(missing_packages | sort -u)
  if ((${#packages[@]})); then install_packages "the container runtime of the lab" "${packages[@]}"; fi
}

# Whether this python can make the environment: Python 3.11 to 3.13 with venv and pip's own installer.
usable_python() {
  "$1" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

find_python() {
  local candidate
  for candidate in python3 /usr/bin/python3; do
    if have "$candidate" && usable_python "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

# The virtual environment holds exactly what requirements-dev.txt pins; a changed file brings it up to date.
need_venv() {
  local stamp=$root/.venv/.requirements wanted base
  wanted=$(<"$root/requirements-dev.txt")
  if [[ -x $python && -e $stamp && $(<"$stamp") == "$wanted" ]]; then return; fi
  if ! base=$(find_python); then
    install_packages "Python and its venv module" python3 python3-venv
    base=$(find_python) || fail "no Python 3.11, 3.12 or 3.13 with its venv module here: install one (Debian 12 and later have it as python3 and python3-venv), then run this again."
  fi
  say "installing the Python tools into .venv (once, about a minute)"
  if ! "$python" -m pip --version >/dev/null 2>&1; then "$base" -m venv --clear "$root/.venv"; fi
  "$python" -m pip install --quiet --quiet --disable-pip-version-check --requirement "$root/requirements-dev.txt" ||
    fail "pip could not install requirements-dev.txt (its last words are above): put the network or pip's package index right, then run this again."
  printf '%s\n' "$wanted" >"$stamp"
}

need_all() {
  need_root
  need_packages
  need_venv
}

