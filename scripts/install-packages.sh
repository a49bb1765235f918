#!/usr/bin/env bash
# Installs what Trellis needs to be built and tested on Debian 12, and nothing that is there already.
# Run by every Makefile verb that builds: it must be quick and silent when there is nothing to do.
#
#   scripts/install-packages.sh [GROUP…]          install what is missing (as root, or through sudo)
#   scripts/install-packages.sh --list [GROUP…]   print the packages, one a line
# Groups add what only some verbs need: image (make image, make deb), kubernetes (make k8s).
set -euo pipefail

groups=()

packages() {
  base_packages
  local group
  for group in "${groups[@]}"; do "${group}_packages"; done
}

# Of a list below: the first word of each line is a package, the rest says what for.
first_words() { sed 's/#.*//; s/^ *//; /^$/d' | cut -d' ' -f1; }

base_packages() {
  first_words <<'LIST'
    # Toolchain
    clang-19                      the C++ compiler (g++ 12 miscompiles coroutines)
    lld-19                        the linker, wasm-ld too
    llvm-19                       llvm-ar for archives, llvm-symbolizer for sanitizer reports
    clang-tidy-19                 make check
    clang-format-19               make format, make check
    libclang-rt-19-dev            sanitizers and libFuzzer
    gcc                           "cc", which Rust's build scripts link with
    cmake                         the build's description
    ninja-build                   the build's engine
    ccache                        so that nothing is compiled twice
    make                          the verbs
    git                           versions; which files changed
    pkg-config                    finds the libraries below
    curl                          the first request a newcomer sends
    ca-certificates               crates.io over TLS
    # Actors in C++
    libclang-rt-19-dev-wasm32     compiler runtime for guests
    libc++-19-dev-wasm32          the standard library's headers for guests
    libc++abi-19-dev-wasm32       its runtime
    wasi-libc                     C library for guests
    # Libraries of the host and of wash
    libboost1.81-dev              Asio, Beast (libboost-dev is 1.74: too old, and conflicts)
    libboost-json1.81-dev         JSON
    libboost-url1.81-dev          URLs of links
    libexpected-dev               tl::expected, under Result<T>
    libspdlog-dev                 the log's sink
    libfmt-dev                    formatting
    libcli11-dev                  command lines
    libsodium-dev                 Ed25519
    libssl-dev                    TLS, SHA-256
    libcurl4-openssl-dev          outbound HTTP: registries, probes
    libnats-dev                   the NATS client of wash and of the tests
    libhiredis-dev                the protocol of Redis
    libsqlite3-dev                the embedded key-value store
    libyaml-dev                   manifests: of wash, of Kubernetes
    libtomlplusplus-dev           config_file of httpserver links, the file of registries
    libarchive-dev                provider archives: tar, gzip
    libbz2-dev                    what libarchive.a refers to, with the three below
    liblzma-dev
    liblz4-dev
    libzstd-dev
    prometheus-cpp-dev            the text of /metrics; its core library alone is linked
    # Tests and benchmarks
    libgtest-dev                  unit tests
    librapidcheck-dev             properties
    libbenchmark-dev              micro benchmarks
    nlohmann-json3-dev            a second opinion on JSON in tests
    nats-server                   a real server to be compared with
    docker-registry               a real registry to push to and pull from
    redis-server                  a real server for the key-value provider
    redis-tools                   redis-cli, to fill it
    nginx-light                   the yardstick of make bench
    wrk                           load
    wabt                          wat2wasm for test guests
    openssl                       certificates for tests
    python3                       end-to-end tests
    python3-pytest                their runner
    python3-yaml                  what the chart renders; its table of values
LIST
}

image_packages() {
  first_words <<'LIST'
    buildah                       images without a daemon
    dpkg-dev                      which packages the .deb depends on
LIST
}

kubernetes_packages() {
  image_packages
  first_words <<'LIST'
    containerd                    runs the node's containers, and brings runc
    containernetworking-plugins   gives pods their network
    iptables                      what kube-proxy writes Services with
    iproute2                      the cluster's network namespace
LIST
}

rust_min=1.95

rust_is_new_enough() {
  local rustc
  for rustc in "$(command -v rustc || true)" "${HOME:-/root}/.cargo/bin/rustc"; do
    [[ -x $rustc && -x ${rustc%rustc}cargo ]] || continue
    local version
    version=$("$rustc" --version 2>/dev/null | cut -d' ' -f2) || continue
    [[ $(printf '%s\n' "$rust_min" "$version" | sort -V | head -n1) == "$rust_min" ]] && return 0
  done
  return 1
}

missing_packages() {
  local installed
  installed=$(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' 2>/dev/null | sed -n 's/^ii //p' | sort)
  comm -23 <(packages | sort -u) <(echo "$installed")
  # Debian's own "rustc" is too old for the engine; rustc-web follows the browsers' needs.
  rust_is_new_enough || printf '%s\n' rustc-web cargo-web
}

# nginx-light, nats-server, docker-registry, redis-server: wanted as programs. Their packages would start
# services on ports 80, 4222, 5000 and 6379, now and at every boot; a machine that only builds Trellis must
# get none.
readonly services=(nginx nats-server docker-registry redis-server)
readonly policy=/usr/sbin/policy-rc.d
readonly policy_mark="no services while packages are installed (Trellis)"
sudo=()

install() {
  local -a wanted=("$@")
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || {
      echo "These packages are missing: ${wanted[*]}" >&2
      echo "Run 'apt-get install ${wanted[*]}' as root, or install sudo, and try again." >&2
      exit 1
    }
    sudo=(sudo)
  fi
  echo "Installing: ${wanted[*]}"

  # Ours is marked, so that one left by an interrupted run is known and removed by the next.
  if [[ ! -e $policy ]] || grep -q "$policy_mark" "$policy"; then
    trap '"${sudo[@]}" rm -f "$policy"' EXIT
    printf '#!/bin/sh\n# %s\nexit 101\n' "$policy_mark" | "${sudo[@]}" tee "$policy" >/dev/null
    "${sudo[@]}" chmod 755 "$policy"
  fi
  local failed=no
  "${sudo[@]}" apt-get update -qq &&
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${wanted[@]}" || failed=yes
  local name
  for name in "${services[@]}"; do
    if [[ " ${wanted[*]} " == *" $name"[\ -]* ]] && command -v systemctl >/dev/null; then
      "${sudo[@]}" systemctl disable "$name" >/dev/null 2>&1 || true
    fi
  done
  if [[ $failed == yes ]]; then
    echo "apt-get could not install: ${wanted[*]}" >&2
    echo "Its messages above say why. Trellis is built on Debian 12 with the bookworm and bookworm-security sources." >&2
    exit 1
  fi
}

list_only=no
for argument in "$@"; do
  case $argument in
    --list) list_only=yes ;;
    image | kubernetes) groups+=("$argument") ;;
    *) echo "install-packages.sh: no group '$argument'; there are image and kubernetes" >&2; exit 2 ;;
  esac
done
if [[ $list_only == yes ]]; then
  packages
  exit
fi
command -v dpkg-query >/dev/null || {
  echo "This is not Debian: install by hand what 'scripts/install-packages.sh --list' prints." >&2
  exit 1
}
mapfile -t missing < <(missing_packages)
[[ ${#missing[@]} -eq 0 ]] || install "${missing[@]}"
