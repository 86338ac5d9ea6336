// Package trainer is where finetuning will live. Today it holds, under
// testdata/reference, the PyTorch script that trained the bundled model.
package trainer
