# How fast and how exact training is beside others, those that
# encoder/testdata/comparison.mk installs. A part of the Makefile at the top.

.PHONY: training-parity bench-training

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
