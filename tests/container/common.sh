# Images to prove things in, made from Debian's packages alone: no image registry is needed.
# shellcheck shell=bash
set -euo pipefail

project="$(CDPATH= cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
suite="${SUITE:-trixie}" # Debian 13: Python 3.13, as on Binder
debian="kafka-labs-debian:$suite"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

# The smallest Debian there is, and nothing of this machine.
make_debian() {
  docker image inspect "$debian" >/dev/null 2>&1 && return
  command -v debootstrap >/dev/null || { say "debootstrap is needed (apt install debootstrap)"; exit 1; }
  say "making $debian"
  debootstrap --variant=minbase "$suite" "$work/root" >"$work/debootstrap.log" ||
    { tail -3 "$work/debootstrap.log" >&2; exit 1; }
  tar -C "$work/root" -c . | docker import - "$debian" >/dev/null
}

# What a download needs: this machine's proxy, and the certificates it trusts.
# (Bash before 4.4, as on macOS, takes an empty array for unset: hence ${online[@]+"${online[@]}"}.)
online=()
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_INDEX_URL; do
  [ -z "${!name:-}" ] || online+=(-e "$name")
done
if [ -n "${SSL_CERT_FILE:-}" ]; then
  online+=(-v "$SSL_CERT_FILE:/run/host-certificates.crt:ro")
  for name in SSL_CERT_FILE REQUESTS_CA_BUNDLE PIP_CERT; do
    online+=(-e "$name=/run/host-certificates.crt")
  done
fi

# What is committed, as one file that `git clone` takes.
make_bundle() {
  git -C "$project" bundle create -q "$work/labs.bundle" HEAD
  chmod -R a+rX "$work"
}
