# The commands of everyday work. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# What is expensive to make again and is no part of this tree: also where tests/control-plane keeps its servers.
CACHE := $(or $(EVERCERT_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/evercert)
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(CACHE)/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny

TARGET := $(or $(CARGO_TARGET_DIR),target)

# A release has neither; every check runs with both.
FEATURES := evercert/sandbox-clock,evercert/fault-points

.PHONY: help
help: ## List these targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r target text; do \
		printf '%-14s %s\n' "$$target" "$$text"; done

.PHONY: control-plane
control-plane: ## Start a Kubernetes control plane, print its kubeconfig, stay until Ctrl-C
	@cargo run -q -p control-plane

.PHONY: demo
demo: ## Play a certificate's life on a real API server and the sandbox CA (KEEP=1 leaves all running)
	@command -v cargo >/dev/null || { echo 'make demo needs Rust: install cargo 1.95 or newer' >&2; exit 1; }
	@command -v $${CC:-cc} >/dev/null || { echo 'make demo needs a C compiler: install cc, or set CC' >&2; exit 1; }
	@command -v go >/dev/null || [ -n "$${KUBEBUILDER_ASSETS:-}" ] || ls $(CACHE)/kubernetes-*/kube-apiserver >/dev/null 2>&1 || \
		{ echo 'make demo builds a Kubernetes control plane once and needs Go for it: install Go 1.26 or newer' >&2; exit 1; }
	@echo 'Building the operator, the sandbox CA and the demo (minutes the first time)'
	@cargo build --workspace --features $(FEATURES)
	@exec $(TARGET)/debug/demo $(if $(KEEP),--keep)

# Most tests wait for a control plane: two halves side by side, about as long as one another. An interrupt
# does not reach by itself what a shell runs in the background.
TEST := cargo test --workspace --no-fail-fast --features $(FEATURES)
.PHONY: test
test: ## Run all tests
	@PATH=$$PATH:/usr/sbin:/usr/local/sbin command -v named >/dev/null || \
		{ echo 'make test needs BIND 9: apt-get install bind9 (Debian, Ubuntu)' >&2; exit 1; }
	@$(TEST) --no-run
	@later=$$(mktemp); trap 'rm "$$later"' EXIT; \
	{ trap 'kill 0' INT; $(TEST) --test '[i-z]*' >"$$later" 2>&1 & other=$$!; failed=0; \
	$(TEST) --lib --bins --test '[a-h]*' 2>&1 || failed=1; \
	wait $$other || failed=1; cat "$$later"; exit $$failed; } | awk '{ print; fflush() } \
		/^test result:/ { passed += $$4; failed += $$6; ignored += $$8 } \
		END { printf "\ntotal: %d passed; %d failed; %d ignored\n", passed, failed, ignored }'

.PHONY: verify
verify: ## Explore the paid-call protocol with one disturbance more: minutes, and no part of `make test`
	cargo test --release -p evercert --lib --features $(FEATURES) -- --ignored --nocapture

HELM := cargo run -q -p control-plane --bin helm --
# Templates of the chart that `manifests` renders; the rest of deploy/ is written by hand.
RENDERED := rbac roles deployment service
INTO := .

.PHONY: manifests
manifests: ## Generate crds/ from the code, the chart's copy of it, and deploy/ from the chart
	@mkdir -p $(INTO)/crds $(INTO)/charts/evercert/files/crds $(INTO)/deploy
	@cargo run -q -- crds --dir $(INTO)/crds
	@cp $(INTO)/crds/*.yaml $(INTO)/charts/evercert/files/crds
	@for name in $(RENDERED); do { \
		echo "# Rendered by \`make manifests\` from charts/evercert/templates/$$name.yaml: edit that."; \
		$(HELM) template evercert charts/evercert --namespace evercert --show-only templates/$$name.yaml | \
			sed -E '/^# Source:|managed-by: Helm$$|helm.sh\/chart:|^$$/d'; \
	} > $(INTO)/deploy/$$name.yaml; done

# Without fault points: nothing but the clock differs from a release.
.PHONY: bench
bench: ## Measure the operator beside plain clients: N="100 1000" for some sizes; 20 minutes, wants a quiet machine
	cargo build --release -p evercert -p bench --features evercert/sandbox-clock
	@exec $(TARGET)/release/bench $(N)

.PHONY: lint
lint: lint-format lint-code lint-dependencies lint-manifests lint-chart ## Run all checks that are not tests

.PHONY: lint-format
lint-format:
	cargo fmt --all --check

.PHONY: lint-code
lint-code:
	cargo clippy --workspace --all-targets --features $(FEATURES) -- -D warnings
	cargo clippy -p evercert -- -D warnings

.PHONY: lint-dependencies
lint-dependencies: $(CARGO_DENY)
	$(CARGO_DENY) --all-features check bans licenses sources

.PHONY: lint-manifests
lint-manifests:
	@fresh=$$(mktemp -d); trap 'rm -r "$$fresh"' EXIT; $(MAKE) -s manifests INTO="$$fresh"; \
	for made in crds charts/evercert/files $(RENDERED:%=deploy/%.yaml); do \
		diff -ru $$made "$$fresh/$$made" || { echo "$$made is stale: run \`make manifests\`"; exit 1; }; \
	done

.PHONY: lint-chart
lint-chart:
	@$(HELM) lint --strict --quiet charts/evercert

.PHONY: advisories
advisories: $(CARGO_DENY) ## Look dependencies up in the RustSec database; needs the network
	$(CARGO_DENY) --all-features check advisories

$(CARGO_DENY):
	cargo install cargo-deny --version $(CARGO_DENY_VERSION) --locked --root $(CACHE)/cargo-deny-$(CARGO_DENY_VERSION)
