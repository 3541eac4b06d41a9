# Everything that a person or CI runs. `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Where tools and builds of CI are kept, outside the clone.
OVO_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/openvidu-operator
export OVO_CACHE
# Cargo must build with the toolchain that is here, never fetch another.
export RUSTUP_AUTO_INSTALL := 0

CARGO ?= cargo
# Extra arguments for nextest, for example TESTS='-p ovo-planner'.
TESTS ?= --workspace
# Arguments for the benchmark.
BENCH ?=
# Seeds for the long run.
SEEDS ?= 1..20

.PHONY: help demo test figures bench soak lint fmt generate check-generated tools packages kube helm kstatus botocore pauses kube-faults

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

demo: ## Bring both example clusters up on the simulated world, with the live view (two minutes)
	$(CARGO) run --quiet --package openvidu-operator --no-default-features -- demo

test: tools packages kube helm kstatus botocore ## Install what the tests need and run all of them
	KUBEBUILDER_ASSETS=$$(scripts/install-kube) scripts/test $(TESTS)

figures: kube ## Fault harness, histories, planner timings and the Kubernetes benchmark in release: writes target/figures.txt
	$(CARGO) run --release --package ovo-simulation --bin figures
	$(MAKE) pauses kube-faults bench

pauses: tools kube ## Stop a leader at every question whether it may act, and time hand-overs: into target/figures.txt
	PATH="$$(scripts/install-tools):$$PATH" OVO_PAUSE_STEP=1 OVO_FIGURES=$(CURDIR)/target/figures.txt \
	  $(CARGO) nextest run --package openvidu-operator --test kubernetes_pause

kube-faults: tools kube ## Every point at which the operator may die or a request fail, over a real API server (an hour, more or less): into target/figures-kube-faults.txt
	PATH="$$(scripts/install-tools):$$PATH" OVO_FAULT_STEP=1 OVO_FIGURES=$(CURDIR)/target/figures-kube-faults.txt \
	  $(CARGO) nextest run --profile every-point --package ovo-kube-faults

bench: kube ## A thousand clusters on a real API server, beside a plain client: target/figures-k8s.txt (BENCH='--clusters 20 --rest 30')
	$(CARGO) build --profile dist --package openvidu-operator --bin openvidu-operator
	$(CARGO) run --release --package ovo-bench -- --operator $${CARGO_TARGET_DIR:-target}/dist/openvidu-operator $(BENCH)

soak: ## Simulated days for the given seeds: make soak SEEDS=1..1000
	$(CARGO) run --release --package ovo-simulation --bin figures -- --soak $(SEEDS)

lint: tools ## Formatting, clippy with warnings as errors, licences and bans, unused dependencies
	scripts/lint

fmt: ## Format the code
	$(CARGO) fmt --all

generate: ## Write crds/ and the generated pages of docs/ anew
	$(CARGO) run --quiet --package ovo-api --example generate

check-generated: tools ## Fail when crds/ or a generated page is not what the types say
	scripts/test --workspace -E 'package(ovo-api) & binary(generated)'

tools:
	@scripts/install-tools >/dev/null

packages:
	@scripts/install-packages

helm:
	@scripts/install-helm >/dev/null

kstatus:
	@scripts/install-kstatus >/dev/null

botocore:
	@scripts/install-botocore >/dev/null

kube:
	@scripts/install-kube >/dev/null
