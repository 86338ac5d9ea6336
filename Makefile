# Polylens. "make help" lists the targets.
#
# Everything fetched (Go modules, packages, the browser of the tests) stands in
# the caches of its tool or in $POLYLENS_CACHE, never in this folder but for
# bin/, web/ui/node_modules/ and test-artifacts/, which git ignores.

GO       ?= go
BIN      := bin/polylens
LINT     := bin/golangci-lint
UI       := web/ui
PACKAGES ?= ./...

# The tests run real servers and real models: two packages at once are enough.
TESTFLAGS ?= -p 2 -timeout 14m

.DEFAULT_GOAL := help
.PHONY: help run build test test-go test-ui check bench bench-go bench-opponents bench-training matrix parity training-parity mini experiments clean \
	check-format check-modules check-lint check-ui check-api check-vulnerabilities

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## fetch what is missing, index the demo and serve the page on $ADDR or 127.0.0.1:8080
	@$(BIN) setup && exec $(BIN) serve --demo

build: ## build bin/polylens
	@$(GO) build -trimpath -o $(BIN) ./app

test: test-go test-ui ## run every test; fetches what they need first

# One shell: the variables that setup prints must reach the tests. Nothing is
# skipped for want of them.
test-go: build $(UI)/node_modules
	@settings=$$($(BIN) setup --for test --print-env) && eval "$$settings" && \
		$(GO) test $(TESTFLAGS) $(PACKAGES)

test-ui: $(UI)/node_modules
	@cd $(UI) && npm test --silent

$(UI)/node_modules: $(UI)/package.json $(UI)/package-lock.json
	@cd $(UI) && npm ci --silent --no-audit --no-fund && touch node_modules

check: check-format check-modules check-lint check-ui check-api check-vulnerabilities ## format, lint, generated files, known vulnerabilities
	@echo "check: all good"

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

check-lint: $(LINT)
	@$(LINT) run

# The built page is committed, so that building Polylens needs no Node.
check-ui: $(UI)/node_modules
	@cd $(UI) && npm run --silent check
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
		(cd $(UI) && npm run --silent build -- --logLevel warn --emptyOutDir --outDir "$$fresh/dist") && \
		diff -r $(UI)/dist "$$fresh/dist" || { echo "$(UI)/dist is stale: run npm run build in $(UI)"; exit 1; }

check-api:
	@$(GO) test ./web -run OpenAPI

# Exit code 3 says that something is vulnerable, any other but 0 that the
# database of vulnerabilities cannot be reached from here.
check-vulnerabilities:
	@$(GO) build -C tools -o ../bin/govulncheck golang.org/x/vuln/cmd/govulncheck
	@report=$$(bin/govulncheck ./... 2>&1); code=$$?; \
	case $$code in \
	0) ;; \
	3) echo "$$report"; exit 1 ;; \
	*) echo "check-vulnerabilities: NOT DONE, the database cannot be reached: $$(echo "$$report" | tail -n 1)" ;; \
	esac

# The opponents of comparisons, in an environment of their own in the cache folder.
CACHE     ?= $(or $(POLYLENS_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/polylens)
REFERENCE := $(CACHE)/reference
PYTHON    := $(REFERENCE)/bin/python
SCRIPTS   := encoder/testdata

$(REFERENCE)/ready: $(SCRIPTS)/requirements.txt
	@echo "installing what Polylens is compared with (once)" && python3 -m venv $(REFERENCE) && \
		$(PYTHON) -m pip install --quiet --disable-pip-version-check -r $(SCRIPTS)/requirements.txt && touch $@

# What runs beside a measurement falsifies it: one after the other.
bench: ## measure models, search and indexing on this machine, against PyTorch, ONNX Runtime and Milvus; takes an hour, wants it quiet
	@$(MAKE) --no-print-directory bench-go && $(MAKE) --no-print-directory bench-opponents

bench-go: build
	@settings=$$($(BIN) setup --print-env) && eval "$$settings" && \
		$(GO) test -v -run '^$$' -bench . -p 1 -timeout 60m ./encoder/... ./indexer/... ./trainer/autodiff && \
		$(GO) test -v -run '^$$' -bench . -benchtime 1000x -p 1 -timeout 60m ./search/milvus && \
		$(GO) test -v -run '^$$' -bench SearchHTTP -benchtime 1000x -p 1 -timeout 60m ./app && \
		$(GO) test -v -run '^$$' -bench Index -benchtime 1x -p 1 -timeout 60m ./app

# 16 GB of disk for checkpoints of true size with random weights: WORK=dir keeps them.
bench-opponents: build $(REFERENCE)/ready
	@settings=$$($(BIN) setup --print-env) && eval "$$settings" && \
		$(PYTHON) $(SCRIPTS)/bench_opponents.py --work $(or $(WORK),$(CACHE)/bench)

matrix: build $(REFERENCE)/ready ## compare every architecture with Hugging Face transformers
	@settings=$$($(BIN) setup --for test --print-env) && eval "$$settings" && $(PYTHON) $(SCRIPTS)/parity.py --matrix

parity: build $(REFERENCE)/ready ## compare official models, in MODELS=dir, with published numbers
	@test -n "$(MODELS)" || { echo "name the folder of the models: make parity MODELS=dir"; exit 1; }
	@$(BIN) setup && $(PYTHON) $(SCRIPTS)/golden.py $(MODELS)

# 0.9 GB of reference states and 4 GB of memory: STATES=dir keeps them elsewhere than in the cache.
STATES ?= $(CACHE)/training-states

training-parity: build $(REFERENCE)/ready ## compare training, and the models that it writes, with PyTorch, transformers and PEFT
	@$(PYTHON) trainer/testdata/write_states.py --out $(STATES) mini base
	@settings=$$($(BIN) setup --print-env) && eval "$$settings" && \
		POLYLENS_TRAINING_STATES=$(abspath $(STATES)) POLYLENS_TRAINING_PYTHON=$(PYTHON) \
		$(GO) test -v -count 1 -timeout 60m -run 'AgainstPyTorch|Written|Native' ./trainer/learner ./trainer

# B/16-224 of true size with random weights: 1.5 GB of disk, 12 GB of memory.
bench-training: build $(REFERENCE)/ready ## measure steps of training against PyTorch and PEFT; wants a quiet machine
	@settings=$$($(BIN) setup --for test --print-env) && eval "$$settings" && \
		$(PYTHON) trainer/testdata/bench_opponents.py --work $(or $(WORK),$(CACHE)/bench-training)

# The bundled model from nothing: each stage begins with the model of the one
# before, and goes on where it was interrupted. MINI=dir keeps all of it elsewhere
# than in the cache; remove the folder to begin anew.
MINI     := $(CACHE)/mini
RECIPE   := trainer/testdata/reference
BUNDLED  := encoder/hub/polylens-mini
mini-model = $(MINI)/data/models/$(1)/config.json

# $(call mini-train,MODEL,STAGE,FILE) trains the model of a stage on a file of pairs.
mini-train = $(BIN) setup && $(BIN) --data $(MINI)/data --model $(1) train --config $(RECIPE)/$(2).json --pairs $(MINI)/pairs/$(3) --name $(2)

mini: build | $(call mini-model,5-pictures) ## train polylens-mini from scratch, without the art that it is judged by; wants a quiet machine
	@$(BIN) --data $(MINI)/data --model 5-pictures eval --pairs demo && \
		echo "to bundle it: cp $(MINI)/data/models/5-pictures/model.safetensors $(BUNDLED)/"

$(call mini-model,1-labels): | $(call mini-model,begin)
	@$(call mini-train,begin,1-labels,english.ndjson)
$(call mini-model,2-texts): | $(call mini-model,1-labels)
	@$(call mini-train,1-labels,2-texts,pairs.ndjson)
$(call mini-model,3-joint): | $(call mini-model,2-texts)
	@$(call mini-train,2-texts,3-joint,pairs.ndjson)
$(call mini-model,4-polish): | $(call mini-model,3-joint)
	@$(call mini-train,3-joint,4-polish,pairs.ndjson)
$(call mini-model,5-pictures): | $(call mini-model,4-polish)
	@$(call mini-train,4-polish,5-pictures,pairs.ndjson)

$(call mini-model,begin): | build $(MINI)/pairs/ready
	@$(BIN) --data $(MINI)/data model new --config $(BUNDLED)/config.json --tokenizer $(BUNDLED) --seed 1 --short --name begin

$(MINI)/pairs/ready: $(RECIPE)/requirements-train.txt
	@echo "drawing the pictures (once)" && python3 -m venv $(MINI)/python && \
		$(MINI)/python/bin/python -m pip install --quiet --disable-pip-version-check -r $(RECIPE)/requirements-train.txt && \
		$(MINI)/python/bin/python $(RECIPE)/mini_pairs.py $(MINI)/pairs --cache $(MINI)/packages && touch $@

# What training does, one experiment after the other: 4 to 20 minutes each. Name one
# with EXPERIMENT, and with WORK=dir where runs and models stay.
EXPERIMENT  ?= twemoji icons language
EXPERIMENTS := trainer/testdata/experiments

experiments: build $(CACHE)/experiments/ready ## show what finetuning does, to another style, another domain and a weakened language
	@settings=$$($(BIN) setup --print-env) && eval "$$settings" && failed=0 && for name in $(EXPERIMENT); do \
		echo "## $$name" && $(CACHE)/experiments/python/bin/python $(EXPERIMENTS)/$$name.py \
			--polylens $(BIN) --work $(or $(WORK),$(CACHE)/experiments)/$$name || failed=1; done; exit $$failed

$(CACHE)/experiments/ready: $(EXPERIMENTS)/requirements.txt
	@python3 -m venv $(CACHE)/experiments/python && \
		$(CACHE)/experiments/python/bin/python -m pip install --quiet --disable-pip-version-check -r $< && touch $@

clean: ## remove what make built here; caches and data folders stay
	@rm -rf bin test-artifacts $(UI)/node_modules
