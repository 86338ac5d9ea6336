// Package caption teaches the vision tower to keep what a picture shows and
// where: beside the towers it trains a decoder that writes the caption of a
// picture from its tokens, before they are pooled. It is the second loss of
// SigLIP 2 (Tschannen et al. 2025, arXiv 2502.14786, section 2), after LocCa (Wan
// et al. 2024, arXiv 2403.19596), with the decoder of CapPa (Tschannen et al.
// 2023, arXiv 2306.07915).
//
// The decoder has three targets, each a text of its own after a prefix:
//
//	Cap:  <caption>         of the picture; half of the time every token is
//	                        predicted at once, from nothing but the picture
//	ARef: <caption> : <box> which part of the picture the caption is about
//	GCap: <box> : <caption> what is in a part of the picture
//
// Its parameters are named "decoder." and are no part of the model: training
// needs them, search does not, and they are left out of what is written. In
// the table below, V is the size of the vocabulary, L the length of texts, D
// the width of the text tower, M that of its hidden layers and W the width of
// the vision tower.
//
//	decoder.embeddings.token_embedding.weight        [V + 1, D], the last row is the mask
//	decoder.embeddings.position_embedding.weight     [L, D]
//	decoder.layers.N.self_attn.X_proj.weight         [D, D], X is q, k, v or out
//	decoder.layers.N.cross_attn.X_proj.weight        [D, D]; k and v [D, W]
//	decoder.layers.N.mlp.fc1.weight, .bias           [M, D], [M]
//	decoder.layers.N.mlp.fc2.weight, .bias           [D, M], [D]
//	decoder.layers.N.layer_norm1.weight, .bias       [D], before self_attn; 2: before cross_attn; 3: before mlp
//	decoder.final_layer_norm.weight, .bias           [D]
//	decoder.head.K.weight, .bias                     [P, D], [P], the K-th part of the vocabulary, P tokens or what is left
//
// The package reads no pictures and cuts no texts into tokens.
package caption
