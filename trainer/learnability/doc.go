// Package learnability chooses the pairs of a super-batch from which the learner can
// gain most: those that a teacher can distinguish and the learner cannot yet. SigLIP
// 2 calls it ACID, active curation as implicit distillation (Udandarao et al. 2024,
// https://arxiv.org/abs/2411.18674); how a sub-batch is sampled is from JEST (Evans
// et al. 2024, https://arxiv.org/abs/2406.17711).
//
// For image i and text j of a super-batch, and l the sigmoid loss of that pair,
//
//	S[i,j] = l_learner[i,j] - l_teacher[i,j]
//
// and the learnability of a sub-batch is the sum of S over all its images and
// texts, so that confusable pairs are worth more together than apart. The
// sub-batch is sampled chunk by chunk, each pair with a probability
// proportional to exp(S[i,i] + sum over chosen j of S[i,j] + S[j,i]).
//
// It is given vectors and runs no model.
package learnability
