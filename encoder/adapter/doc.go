// Package adapter reads LoRA adapters in the layout of Hugging Face PEFT and
// merges them into the weights of the checkpoint that they were trained on. It
// trains nothing, builds no graph and never changes a file: whoever builds the
// model asks it which weights change and how.
//
// An adapter of rank r turns a weight W into W + Scale * B A, see
// https://arxiv.org/abs/2106.09685; with DoRA each row is then brought to a
// length of its own, see https://arxiv.org/abs/2402.09353.
package adapter
