# The bundled model from nothing. A part of the Makefile at the top.
#
# Each stage begins with the model of the one before, and goes on where it was
# interrupted. MINI=dir keeps all of it elsewhere than in the cache; remove the
# folder to begin anew.

.PHONY: mini

MINI     := $(CACHE)/mini
RECIPE   := trainer/testdata/reference
BUNDLED  := encoder/hub/polylens-mini
mini-model = $(MINI)/data/models/$(1)/config.json

# $(call mini-train,MODEL,STAGE,FILE) trains the model of a stage on a file of pairs.
mini-train = $(BIN) setup && $(BIN) --data $(MINI)/data --model $(1) train --config $(RECIPE)/$(2).json --pairs $(MINI)/pairs/$(3) --name $(2)

mini: build | $(call mini-model,6-half) ## train polylens-mini from scratch, without the art that it is judged by; wants a quiet machine
	@$(BIN) --data $(MINI)/data --model 6-half eval --pairs demo && \
		echo "to bundle it: cp $(MINI)/data/models/6-half/model.safetensors $(BUNDLED)/"

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

# Every byte of it stays in the history of this repository: half as many, then.
$(call mini-model,6-half): | $(call mini-model,5-pictures)
	@$(BIN) --data $(MINI)/data model convert 5-pictures --dtype float16 --name 6-half

$(call mini-model,begin): | build $(MINI)/pairs/ready
	@$(BIN) --data $(MINI)/data model new --config $(BUNDLED)/config.json --tokenizer $(BUNDLED) --seed 1 --short --name begin

$(MINI)/pairs/ready: $(RECIPE)/requirements-train.txt
	@echo "drawing the pictures (once)" && python3 -m venv $(MINI)/python && \
		$(MINI)/python/bin/python -m pip install --quiet --disable-pip-version-check -r $(RECIPE)/requirements-train.txt && \
		$(MINI)/python/bin/python $(RECIPE)/mini_pairs.py $(MINI)/pairs --cache $(MINI)/packages && touch $@
