// Package label teaches the vision tower from scratch without a text tower: a linear
// layer on the vectors of pictures predicts which item a picture shows, and which
// texts it has of those that several items share. From captions as labels a tower
// learns as well as beside a text tower, in less time (SuperClass: Huang et al. 2024,
// "Classification Done Right for Vision-Language Pre-Training", arXiv 2411.03313).
// The layers are not part of the model that is written.
//
// It is for the start of a training. It knows what pictures are labelled with, and
// reads no picture.
package label
