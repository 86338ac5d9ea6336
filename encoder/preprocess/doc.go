// Package preprocess makes pixel tensors exactly as the Hugging Face
// SiglipImageProcessor does, including Pillow's fixed-point resampling. It
// does not decode files.
//
// The reference is SiglipImageProcessorPil of transformers 5.23 with Pillow 13.
// (SiglipImageProcessor itself is backed by torchvision there, whose resize of
// the same picture differs by up to one step of 255 in places.)
//
// JPEGs: Pillow decodes them with libjpeg-turbo, so *image.YCbCr is converted as
// that library does. What remains is the inverse cosine transform of image/jpeg,
// which differs by one step here and there.
//
// Transparency: that processor composites a picture with alpha onto white
// before anything else, where earlier versions dropped the alpha channel and
// showed whatever colour transparent pixels happened to store. This package
// follows it: transparent pixels are white.
package preprocess
