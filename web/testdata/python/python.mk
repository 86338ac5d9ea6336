# Whether a client in Python can be made of the API's description. A part of the Makefile
# at the top.

.PHONY: python-client

PYTHONIC := $(CACHE)/python-client
PYTHONED := web/testdata/python

release-test: python-client

$(PYTHONIC)/ready: $(PYTHONED)/requirements.txt
	@echo "installing openapi-python-client (once)" && python3 -m venv $(PYTHONIC) && \
		$(PYTHONIC)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && touch $@

python-client: build $(PYTHONIC)/ready ## make a client in Python of the API's description, and use it
	@settings=$$($(BIN) setup --for test --print-env) && eval "$$settings" && \
		POLYLENS_TEST_STRICT=1 POLYLENS_PYTHON=$(PYTHONIC)/bin $(GO) test -v -count 1 -timeout 10m -run PythonClient ./app
