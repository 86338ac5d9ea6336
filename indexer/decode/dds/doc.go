// Package dds reads textures of DirectDraw (DDS): RGB and RGBA by bit masks, luminance,
// palettes of 256 colours, and the compressed blocks BC1, BC2 and BC3 (DXT1, DXT3, DXT5).
// Of several pictures, as of mipmaps and cubes, it reads the first. Other kinds of blocks,
// and numbers of more than 8 bits, are named.
package dds
