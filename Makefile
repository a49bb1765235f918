# What a person types. `make` alone lists the verbs. Each installs what it needs (once) and builds only
# what changed; ccache keeps the rest. The build itself is described in CMakeLists.txt.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up down test check compat k8s image chart deb bench fuzz format asan tsan clean packages configured programs build

PRESET ?= release
BUILD  := build/$(PRESET)
# Rust's own installer puts cargo here; a shell that was never logged in does not know it.
export PATH := $(PATH):$(HOME)/.cargo/bin
# Clones share what was compiled: paths below this folder do not count.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

help: ## list these verbs
	@echo "Trellis: make <verb>"
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

up: programs ## build, start a host with the echo actor behind HTTP on port 8080
	@scripts/up.sh

down: ## stop the host that `make up` started
	@scripts/down.sh

test: build ## build and run every test: unit, then end to end
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -j 2

check: build ## formatting, lint, unit tests: under a minute when little changed
	@scripts/check-format.sh
	@scripts/lint.py $(BUILD)
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -j 2 -L unit

compat: programs ## build 2022's wash and providers with cargo (half an hour, once); run them with this host
	@tests/compat/run.sh $(BUILD)

k8s: ## on a real Kubernetes of its own (or KUBECONFIG's): the article's walk, then rolling updates and faults under load
	@tests/kubernetes/run.sh

image: ## the container image, without Docker: build/image/trellis-host.tar, and its bill of materials
	@scripts/install-packages.sh image
	@$(MAKE) --no-print-directory programs
	@deploy/image/build.sh $(BUILD) build/image

chart: ## the Helm chart and its repository's index: build/charts
	@scripts/package-chart.sh build/charts

deb: ## a Debian package with a systemd unit: build/deb
	@scripts/install-packages.sh image
	@$(MAKE) --no-print-directory programs
	@cd $(BUILD) && cpack -B $(CURDIR)/build/deb >/dev/null && rm -rf $(CURDIR)/build/deb/_CPack_Packages
	@ls build/deb/*.deb

bench: build ## compare with nginx, a native handler, raw NATS and raw Redis; print tables
	@bench/run.sh

fuzz: packages ## fuzz each decoder for half a minute (FUZZ_SECONDS=30)
	@fuzz/run.sh $${FUZZ_SECONDS:-30}

asan: ## unit tests under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory sanitized PRESET=asan

tsan: ## unit tests under ThreadSanitizer
	@$(MAKE) --no-print-directory sanitized PRESET=tsan

.PHONY: sanitized
sanitized: build
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -L unit

format: packages ## format every C++ source in place
	@git ls-files --cached --others --exclude-standard '*.h' '*.cc' '*.cpp' | xargs -r clang-format-19 -i

clean: ## remove everything that was built
	rm -rf build bin

packages:
	@scripts/install-packages.sh

configured: packages
	@[[ -f $(BUILD)/build.ninja ]] || cmake --preset $(PRESET)

programs: configured
	@cmake --build $(BUILD) --target programs
	@scripts/link-binaries.sh $(BUILD)

build: configured
	@cmake --build $(BUILD)
	@if [[ $(PRESET) == release ]]; then scripts/link-binaries.sh $(BUILD); fi
