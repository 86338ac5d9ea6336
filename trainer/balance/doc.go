// Package balance weights the examples of a data set so that the attributes that the
// user names occur as often as wanted (first-order bias: representation) and do not
// correlate with labels (second-order bias: association). It follows "CLIP the Bias:
// How Useful is Balancing Data in Multimodal Learning?" (Alabdulmohsin et al. 2024,
// https://arxiv.org/abs/2403.04547), whose M4, Multi-Modal Moment Matching, was among
// the filters of SigLIP 2's data.
//
// With the attributes s_k in {0, 1}, their wanted means pi_k, the labels y_r
// and the weights q in [0, 1], the constraints of its section 5 are
//
//	|E[q (s_k - pi_k)]|     <= eps_R    for every k
//	|E[q (s_k - pi_k) y_r]| <= eps_D    for every k and r
//
// Three things differ here. The bounds are relative to E[q], so that they bound what
// a model sees however many examples are kept, and weights may be scaled down to any
// rate. The second is in units of correlation, so that a rare label is held to the
// same standard as a frequent one. And the dual, one variable for each side of each
// constraint as in the paper, is ascended with gradients over all the data, which is
// available, rather than one example at a time: the same data gives the same weights.
//
// Whether balanced data makes a better model is not decided here: the paper
// found that it helps classification and can cost retrieval.
package balance
