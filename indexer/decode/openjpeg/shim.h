// The part of the OpenJPEG API (2.3 and newer) that openjpeg.go calls, through
// pointers because the library is opened at run time.
#ifndef POLYLENS_OPENJPEG_SHIM_H
#define POLYLENS_OPENJPEG_SHIM_H

#include <stddef.h>
#include <stdint.h>

// openjpeg_component is opj_image_comp_t of openjpeg.h.
struct openjpeg_component {
	uint32_t dx, dy, w, h, x0, y0, prec, bpp, sgnd, resno_decoded, factor;
	int32_t *data;
	uint16_t alpha;
};

// openjpeg_image is opj_image_t of openjpeg.h.
struct openjpeg_image {
	uint32_t x0, y0, x1, y1, numcomps;
	int32_t color_space;
	struct openjpeg_component *comps;
	uint8_t *icc_profile_buf;
	uint32_t icc_profile_len;
};

struct openjpeg {
	const char *(*version)(void);
	void *(*create)(int format);
	void (*destroy)(void *codec);
	void (*defaults)(void *parameters);
	int (*setup)(void *codec, void *parameters);
	int (*strict)(void *codec, int strict); // since version 2.5; NULL in older ones
	int (*header)(void *stream, void *codec, struct openjpeg_image **image);
	int (*decode)(void *codec, void *stream, struct openjpeg_image *image);
	int (*end)(void *codec, void *stream);
	void (*free)(struct openjpeg_image *image);
	int (*on_error)(void *codec, void (*call)(const char *message, void *client), void *client);

	void *(*stream)(size_t buffer, int input);
	void (*stream_destroy)(void *stream);
	void (*stream_read)(void *stream, size_t (*call)(void *to, size_t bytes, void *client));
	void (*stream_skip)(void *stream, int64_t (*call)(int64_t bytes, void *client));
	void (*stream_seek)(void *stream, int (*call)(int64_t position, void *client));
	void (*stream_data)(void *stream, void *client, void (*free)(void *client));
	void (*stream_length)(void *stream, uint64_t bytes);
};

// openjpeg_load fills o from the library called name and returns NULL, or what the
// dynamic loader says.
const char *openjpeg_load(struct openjpeg *o, const char *name);

// openjpeg_version is the number of the library's version.
const char *openjpeg_version(const struct openjpeg *o);

// openjpeg_work is a picture to be decoded.
struct openjpeg_work {
	const uint8_t *data;
	size_t size;
	int codestream;         // bare, without the boxes of JP2
	uint32_t reduce;        // halvings of each side
	int tolerant;           // of data that end early
	uint32_t width, height; // of the whole picture, which must be these
	char message[200];      // what is wrong
};

// openjpeg_decode returns a picture for openjpeg_free, or NULL and a message.
struct openjpeg_image *openjpeg_decode(const struct openjpeg *o, struct openjpeg_work *work);

void openjpeg_free(const struct openjpeg *o, struct openjpeg_image *image);

#endif
