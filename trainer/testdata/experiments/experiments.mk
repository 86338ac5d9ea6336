# What training does, one experiment after the other: 4 to 20 minutes each. Name one
# with EXPERIMENT, and with WORK=dir where runs and models stay. A part of the
# Makefile at the top.

.PHONY: experiments

EXPERIMENT  ?= twemoji icons language
EXPERIMENTS := trainer/testdata/experiments

experiments: build $(CACHE)/experiments/ready ## show what finetuning does, to another style, another domain and a weakened language
	@settings=$$($(BIN) setup --print-env) && eval "$$settings" && failed=0 && for name in $(EXPERIMENT); do \
		echo "## $$name" && $(CACHE)/experiments/python/bin/python $(EXPERIMENTS)/$$name.py \
			--polylens $(BIN) --work $(or $(WORK),$(CACHE)/experiments)/$$name || failed=1; done; exit $$failed

$(CACHE)/experiments/ready: $(EXPERIMENTS)/requirements.txt
	@python3 -m venv $(CACHE)/experiments/python && \
		$(CACHE)/experiments/python/bin/python -m pip install --quiet --disable-pip-version-check -r $< && touch $@
