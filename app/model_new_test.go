package main

import (
	"os"
	"path/filepath"
	"testing"

	"polylens/encoder/hub"
	"polylens/encoder/tokenizer"
)

const bundledDir = "../encoder/hub/polylens-mini"

// TestModelNew writes a model to train from scratch, makes its vocabulary
// smaller, then larger, and stores it in 16 bits.
func TestModelNew(t *testing.T) {
	f := newFolders(t)
	words := filepath.Join(t.TempDir(), "words.txt")
	if err := os.WriteFile(words, []byte("polylens\n\nquokkas\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{
		{"model", "new", "--config", bundledDir + "/config.json", "--tokenizer", bundledDir, "--name", "begin", "--seed", "3"},
		{"model", "prune-vocabulary", "begin", "--texts", words, "--name", "small"},
		{"model", "grow-vocabulary", "small", "--words", words, "--name", "grown"},
		{"model", "convert", "grown", "--dtype", "float16", "--name", "half"},
	} {
		f.succeed(t, arguments...)
	}
	sizes := map[string]int{}
	for _, name := range []string{"begin", "small", "grown", "half"} {
		dir := filepath.Join(f.data, "models", name)
		if _, err := hub.Fingerprint(dir); err != nil {
			t.Error(err)
		}
		read, err := tokenizer.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		sizes[name] = read.Size()
	}
	if sizes["begin"] != 16384 || sizes["small"] > 300 || sizes["grown"] <= sizes["small"] || sizes["half"] != sizes["grown"] {
		t.Errorf("numbers of tokens: %v", sizes)
	}
}

func TestModelNewRefuses(t *testing.T) {
	f := newFolders(t)
	empty := filepath.Join(t.TempDir(), "empty.txt")
	if err := os.WriteFile(empty, []byte("\n \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config, vocabulary := bundledDir+"/config.json", []string{"model", "prune-vocabulary", "polylens-mini", "--texts", empty, "--name", "small"}
	f.fail(t, exitUsage, []string{"use 1 to 63 of"}, "model", "new", "--config", config, "--tokenizer", bundledDir, "--name", "Not so")
	f.fail(t, exitFailure, []string{empty, "there is no text"}, vocabulary...)
	f.fail(t, exitUsage, []string{"--dtype", "float16"}, "model", "convert", "polylens-mini", "--dtype", "int8", "--name", "half")
	f.fail(t, exitUsage, []string{"--size -1"}, append(vocabulary, "--size=-1")...)
}
