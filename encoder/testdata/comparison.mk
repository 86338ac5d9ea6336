# How fast and how exact models are beside others, which stand in an environment
# of their own in the cache folder. A part of the Makefile at the top.

.PHONY: bench-opponents matrix parity

REFERENCE := $(CACHE)/reference
PYTHON    := $(REFERENCE)/bin/python
SCRIPTS   := encoder/testdata

$(REFERENCE)/ready: $(SCRIPTS)/requirements.txt
	@echo "installing what Polylens is compared with (once)" && python3 -m venv $(REFERENCE) && \
		$(PYTHON) -m pip install --quiet --disable-pip-version-check -r $(SCRIPTS)/requirements.txt && touch $@

# 16 GB of disk for checkpoints of true size with random weights: WORK=dir keeps them.
bench-opponents: build $(REFERENCE)/ready
	@settings=$$($(BIN) setup --print-env) && eval "$$settings" && \
		$(PYTHON) $(SCRIPTS)/bench_opponents.py --work $(or $(WORK),$(CACHE)/bench)

matrix: build $(REFERENCE)/ready ## compare every architecture with Hugging Face transformers
	@settings=$$($(BIN) setup --for test --print-env) && eval "$$settings" && $(PYTHON) $(SCRIPTS)/parity.py --matrix

parity: build $(REFERENCE)/ready ## compare official models, in MODELS=dir, with published numbers
	@test -n "$(MODELS)" || { echo "name the folder of the models: make parity MODELS=dir"; exit 1; }
	@$(BIN) setup && $(PYTHON) $(SCRIPTS)/golden.py $(MODELS)
