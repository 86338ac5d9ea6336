// Package optim updates weights from their gradients: AdamW with decoupled weight
// decay, Muon for matrices that ask for it, clipping by the global norm and schedules
// of the learning rate. The arithmetic is a small graph that runs on the device, over
// one chunk of the flat memory or one matrix after the other, in place. The package
// computes no gradients and does not know what the weights are.
package optim
