// Package preprocess makes pixel tensors exactly as the Hugging Face
// processors do, including Pillow's fixed-point resampling: one size for
// SiglipImageProcessor, patches that keep the aspect ratio for
// Siglip2ImageProcessor (NaFlex). It also follows the preprocess_cfg.json of
// open_clip. It does not decode files, and it does not pad or batch.
//
// The references are SiglipImageProcessorPil and Siglip2ImageProcessorPil of
// transformers 5.23 with Pillow 13. (SiglipImageProcessor itself is backed by
// torchvision there, whose resize of the same picture differs by up to one
// step of 255 in places.)
//
// JPEGs: Pillow decodes them with libjpeg-turbo, so *image.YCbCr is converted as
// that library does. What remains is the inverse cosine transform of image/jpeg,
// which differs by one step here and there.
//
// Transparency: that processor composites a picture with alpha onto white
// before anything else, where earlier versions dropped the alpha channel and
// showed whatever colour transparent pixels happened to store. This package
// follows it: transparent pixels are white.
//
// Speed: the inner loops are in kernel.c, compiled for every processor and once
// more for AVX2, and work on one row at a time. Sums are of integers modulo
// 2^32, so that their order does not matter and all paths agree to the bit.
package preprocess
