// The part of the TurboJPEG API (libjpeg-turbo 2.1 and newer) that turbo.go
// calls, through pointers because the library is opened at run time.
#ifndef POLYLENS_TURBO_SHIM_H
#define POLYLENS_TURBO_SHIM_H

#include <stddef.h>

struct turbo {
	void *(*open)(void);
	int (*close)(void *handle);
	int (*header)(void *handle, const unsigned char *data, unsigned long size,
		int *width, int *height, int *sampling, int *colors);
	int (*decompress)(void *handle, const unsigned char *data, unsigned long size,
		unsigned char *pixels, int width, int pitch, int height, int format, int flags);
	char *(*error)(void *handle);
	int (*error_code)(void *handle);

	// Since version 3; NULL in older ones, which know 8 bits only.
	int (*set)(void *handle, int parameter, int value);
	int (*get)(void *handle, int parameter);
	int (*header_only)(void *handle, const unsigned char *data, size_t size); // may be missing
	int (*decompress12)(void *handle, const unsigned char *data, size_t size, short *pixels, int pitch, int format);
	int (*decompress16)(void *handle, const unsigned char *data, size_t size, unsigned short *pixels, int pitch, int format);
};

// turbo_load fills t from the library called name and returns NULL, or what
// the dynamic loader says.
const char *turbo_load(struct turbo *t, const char *name);

// turbo_picture is a JPEG, and what is wanted of it.
struct turbo_picture {
	const unsigned char *data;
	size_t size;
	int width, height; // of the whole picture
	int colors;        // as TurboJPEG numbers colour spaces
	int bits;          // of a sample
	int lossless;

	int wanted_width, wanted_height;
	int format; // of the pixels, as TurboJPEG numbers them
	int tolerant;
};

void *turbo_open(const struct turbo *t);
void turbo_close(const struct turbo *t, void *handle);

// turbo_header reads what the JPEG is. It returns NULL, or what is wrong.
const char *turbo_header(const struct turbo *t, void *handle, struct turbo_picture *p);

// turbo_decompress writes the wanted pixels, row after row, of two bytes a sample when
// it has more than 8 bits. It returns NULL, or what is wrong; damaged says that the
// pixels are there all the same.
const char *turbo_decompress(const struct turbo *t, void *handle, const struct turbo_picture *p, void *pixels, int *damaged);

#endif
