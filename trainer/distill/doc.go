// Package distill teaches the vision tower what parts of a picture show: beside
// the towers it trains the tower, the student, to say of a part of a picture
// what a slow average of itself, the teacher, says of nearly all of it. These
// are the last losses of SigLIP 2 (Tschannen et al. 2025, arXiv 2502.14786,
// section 2.3), and both are the cross-entropy of distributions over prototypes:
//
//	view    the student sees local views, small parts of the picture, and the
//	        teacher a global one; both answer with the pooled embedding (SILC:
//	        Naeem et al. 2023, arXiv 2310.13355)
//	patch   the student sees the global view too, half of its patches replaced
//	        by a mask token; both answer with the tokens at those patches (TIPS:
//	        Maninis et al. 2024, arXiv 2410.16512)
//
// The sigmoid loss stays with the picture as it is, or as the run augments it.
//
// What is not said there follows DINO (Caron et al. 2021, arXiv 2104.14294), as
// SILC does. A head is an MLP of three layers, whose result is of length 1 and is
// compared by its cosine s with each of K prototypes. With the temperatures t,
// and the centre c, an average of the teacher's cosines,
//
//	p = softmax((s_teacher - c) / t_teacher)
//	loss = -sum p log softmax(s_student / t_student)
//
// Sharpening by the teacher's low temperature keeps its answers from becoming the
// same for all prototypes; centring keeps them from becoming one prototype for all
// pictures. TeacherReport shows both failures: it goes to log K in the first case and
// to 0 in the second.
//
// Parameters are named "distill." and are no part of the model: training needs
// them, search does not, and they are left out of what is written. D is the
// width of the vision tower, and HEAD is view or patch.
//
//	distill.HEAD.fc1.weight, .bias    [H, D], [H]
//	distill.HEAD.fc2.weight, .bias    [H, H], [H]
//	distill.HEAD.fc3.weight, .bias    [E, H], [E]
//	distill.HEAD.prototypes           [K, E]
//	distill.mask_token                [D]
//	distill.HEAD.centre               [K], the teacher's, no parameter
//
// What a step costs, in forward passes of a picture, three to a trained one:
// three for the masked view, one for the teacher, and for each local view three
// times its share of the patches. At 8 views of 3/7 of the side, as SILC has
// them, that is 8.4 beside the 3 of the picture itself; at 2 views 5.1. The heads
// add a tenth to what a masked patch costs in the tower of B, but more than its
// tower costs in a model of a few million parameters: make them narrower there.
// The teacher takes as much memory as the trained part of the vision tower.
//
// The package decodes no pictures.
package distill
