# Whether the API is what its description says. A part of the Makefile at the top.

.PHONY: release-test schemathesis

ASKER  := $(CACHE)/schemathesis
ASKING := web/testdata/schemathesis

release-test: schemathesis ## what a release must pass besides check and test: minutes, not seconds

$(ASKER)/ready: $(ASKING)/requirements.txt
	@echo "installing Schemathesis (once)" && python3 -m venv $(ASKER) && \
		$(ASKER)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && touch $@

schemathesis: build $(ASKER)/ready ## ask the API all that its description allows and forbids
	@settings=$$($(BIN) setup --for test --print-env) && eval "$$settings" && \
		POLYLENS_TEST_STRICT=1 POLYLENS_SCHEMATHESIS=$(ASKER)/bin/schemathesis $(GO) test -v -count 1 -timeout 20m -run Schemathesis ./app
