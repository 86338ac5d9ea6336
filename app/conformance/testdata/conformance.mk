# Whether pictures of every kind are seen as other programs see them. A part of
# the Makefile at the top.

.PHONY: conformance conformance-files

CONFORMANCE := app/conformance/testdata
WITNESSES   := $(CACHE)/conformance
FILES       ?= $(WITNESSES)/files

$(WITNESSES)/ready: $(CONFORMANCE)/requirements.txt
	@echo "installing the witnesses (once)" && python3 -m venv $(WITNESSES) && \
		$(WITNESSES)/bin/python -m pip install --quiet --disable-pip-version-check -r $(CONFORMANCE)/requirements.txt && touch $@

# The files are made anew each time, and so is the part that every test reads:
# 4 GB of memory, ten minutes. FILES=dir keeps them elsewhere than in the cache.
conformance-files: $(WITNESSES)/ready
	@$(WITNESSES)/bin/python $(CONFORMANCE)/write_table.py $(FILES) --small $(CONFORMANCE)/small

conformance: build conformance-files ## decode some 1,000 files of every kind and compare with Pillow; needs ImageMagick and the like
	@settings=$$($(BIN) setup --for test --print-env) && eval "$$settings" && \
		POLYLENS_CONFORMANCE=$(abspath $(FILES)) $(GO) test -v -count 1 -timeout 60m -run Table ./app/conformance
