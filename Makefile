# Polylens. "make help" lists the targets.
#
# Everything fetched (Go modules, packages, the browser of the tests) stands in
# the caches of its tool or in $POLYLENS_CACHE, never in this folder but for
# bin/, web/ui/node_modules/ and test-artifacts/, which git ignores.

GO       ?= go
BIN      := bin/polylens
LINT     := bin/golangci-lint
STORE    := bin/versitygw
UI       := web/ui
PACKAGES ?= ./...
CACHE    ?= $(or $(POLYLENS_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/polylens)

# The tests run real servers and real models: two packages at once are enough.
TESTFLAGS ?= -p 2 -timeout 25m

.DEFAULT_GOAL := help
.PHONY: help run build test test-go test-ui check bench bench-go fault-test fleet-test clean \
	check-format check-modules check-lint check-arrows check-ui check-api check-vulnerabilities

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-21s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## fetch what is missing, index the demo and serve the page on $ADDR or 127.0.0.1:8080
	@$(BIN) setup && exec $(BIN) serve --demo

build: ## build bin/polylens
	@test -x $(BIN) || echo "compiling Polylens: the first time takes some minutes"
	@$(GO) build -trimpath -o $(BIN) ./app

test: test-go test-ui ## run every test; fetches what they need first

# One shell: the variables that setup prints must reach the tests. A test that
# lacks something fails.
test-go: build $(UI)/node_modules $(STORE)
	@settings=$$($(BIN) setup --for test --print-env) && eval "$$settings" && \
		POLYLENS_TEST_STRICT=1 $(GO) test $(TESTFLAGS) $(PACKAGES)

test-ui: $(UI)/node_modules
	@cd $(UI) && npm test --silent

$(UI)/node_modules: $(UI)/package.json $(UI)/package-lock.json
	@cd $(UI) && npm ci --silent --no-audit --no-fund && touch node_modules

# The file is there while nobody has looked for vulnerabilities.
UNSCANNED := bin/unscanned

check: LENIENT := yes
check: check-format check-modules check-lint check-arrows check-ui check-api check-vulnerabilities ## format, lint, generated files, known vulnerabilities
	@if [ -e $(UNSCANNED) ]; then \
		echo "check: all good, but NOBODY HAS LOOKED FOR KNOWN VULNERABILITIES: run make check-vulnerabilities where $(VULNERABILITIES) can be reached"; \
	else echo "check: all good"; fi

check-format:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not formatted (run gofmt -w):"; echo "$$unformatted"; exit 1; fi

check-modules:
	@$(GO) mod tidy -diff || { echo "go.mod is stale: run go mod tidy"; exit 1; }
	@$(GO) mod verify >/dev/null

# golangci-lint is built from source once, pinned by tools/go.sum.
$(LINT): tools/go.mod tools/go.sum
	@echo "building golangci-lint (once)" && \
		$(GO) build -C tools -o ../$(LINT) github.com/golangci/golangci-lint/v2/cmd/golangci-lint

# The object store of the tests, likewise pinned by its go.sum.
$(STORE): tools/objectstore/go.mod tools/objectstore/go.sum
	@echo "building an object store for the tests (once)" && \
		$(GO) build -C tools/objectstore -o ../../$(STORE) github.com/versity/versitygw/cmd/versitygw

check-lint: $(LINT)
	@$(LINT) run

check-arrows: $(LINT) ## show that lint fails when an import between rooms turns
	@tools/turned_arrows.sh

# The built page is committed, so that building Polylens needs no Node.
check-ui: $(UI)/node_modules
	@cd $(UI) && npm run --silent check
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
		(cd $(UI) && npm run --silent build -- --logLevel warn --emptyOutDir --outDir "$$fresh/dist") && \
		diff -r $(UI)/dist "$$fresh/dist" || { echo "$(UI)/dist is stale: run npm run build in $(UI)"; exit 1; }

check-api:
	@$(GO) test ./web -run OpenAPI

# Exit code 3 says that something is vulnerable; with another the scan was not done,
# mostly because the database of vulnerabilities cannot be reached from here. That
# fails, but for "make check", which goes on and says so in its last line.
VULNERABILITIES ?= https://vuln.go.dev

check-vulnerabilities: ## look for known vulnerabilities; fails where $VULNERABILITIES cannot be reached
	@mkdir -p bin && rm -f $(UNSCANNED)
	@$(GO) build -C tools -o ../bin/govulncheck golang.org/x/vuln/cmd/govulncheck
	@report=$$(bin/govulncheck -db $(VULNERABILITIES) ./... 2>&1); code=$$?; \
	case $$code in \
	0) ;; \
	3) echo "$$report"; exit 1 ;; \
	*) echo "check-vulnerabilities: NOT DONE: $$(echo "$$report" | tail -n 1)"; touch $(UNSCANNED); $(if $(LENIENT),,exit 1) ;; \
	esac

# 200 faults take about an hour. The log names the seed: FAULTS_SEED repeats it.
fault-test: build ## make 200 faults of every kind at random moments, and compare what is left with an undisturbed run's
	@settings=$$($(BIN) setup --for test --print-env) && eval "$$settings" && \
		POLYLENS_FAULTS=$(or $(FAULTS),200) POLYLENS_FAULTS_SEED=$(FAULTS_SEED) POLYLENS_TEST_STRICT=1 \
		$(GO) test -v -run 'TestFaults$$' -timeout 180m ./app

# 1,000 kills take about an hour. A log names its seed, and several runs of some seeds are
# as good as one: FAULTS=250 FAULTS_SEED=1.
fleet-test: build $(STORE) ## kill server, workers, Milvus and Postgres 1,000 times while pushes are worked on, and compare what is left with what was sent
	@settings=$$($(BIN) setup --for test --print-env) && eval "$$settings" && \
		POLYLENS_KILLS=$(or $(FAULTS),1000) POLYLENS_FLEET_LINES=5000 POLYLENS_SWITCH_ROUNDS=10 POLYLENS_FAULTS_SEED=$(FAULTS_SEED) POLYLENS_TEST_STRICT=1 \
		$(GO) test -v -count 1 -run 'TestFleet|TestSwitch' -timeout 240m ./app

# What runs beside a measurement falsifies it: one after the other.
bench: ## measure models, search and indexing on this machine, against PyTorch, ONNX Runtime and Milvus; takes an hour, wants it quiet
	@$(MAKE) --no-print-directory bench-go && $(MAKE) --no-print-directory bench-opponents

bench-go: build
	@settings=$$($(BIN) setup --print-env) && eval "$$settings" && \
		$(GO) test -v -run '^$$' -bench . -p 1 -timeout 60m ./encoder/... ./indexer/... ./trainer/autodiff && \
		$(GO) test -v -run '^$$' -bench . -benchtime 1000x -p 1 -timeout 60m ./search/milvus && \
		$(GO) test -v -run '^$$' -bench SearchHTTP -benchtime 1000x -p 1 -timeout 60m ./app && \
		$(GO) test -v -run '^$$' -bench Crowd -benchtime 1x -p 1 -timeout 60m ./app && \
		$(GO) test -v -run '^$$' -bench Index -benchtime 1x -p 1 -timeout 60m ./app

# Comparisons, the recipe of the bundled model and experiments have their rules
# beside their scripts.
include app/conformance/testdata/conformance.mk
include encoder/testdata/comparison.mk
include trainer/testdata/comparison.mk
include trainer/testdata/reference/mini.mk
include trainer/testdata/experiments/experiments.mk
include web/testdata/python/python.mk
include web/testdata/schemathesis/schemathesis.mk

clean: ## remove what make built here; caches and data folders stay
	@rm -rf bin test-artifacts $(UI)/node_modules
