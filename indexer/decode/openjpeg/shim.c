#include "shim.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { FORMAT_CODESTREAM = 0, FORMAT_JP2 = 2 };

// parameters begins as opj_dparameters_t of openjpeg.h; the rest is room for what
// a later version may add to that.
union parameters {
	uint32_t reduce;
	char room[16384];
};

const char *openjpeg_load(struct openjpeg *o, const char *name) {
	void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return dlerror();
	struct { const char *name; void **to; int optional; } functions[] = {
		{"opj_version", (void **)&o->version, 0},
		{"opj_create_decompress", (void **)&o->create, 0},
		{"opj_destroy_codec", (void **)&o->destroy, 0},
		{"opj_set_default_decoder_parameters", (void **)&o->defaults, 0},
		{"opj_setup_decoder", (void **)&o->setup, 0},
		{"opj_decoder_set_strict_mode", (void **)&o->strict, 1},
		{"opj_read_header", (void **)&o->header, 0},
		{"opj_decode", (void **)&o->decode, 0},
		{"opj_end_decompress", (void **)&o->end, 0},
		{"opj_image_destroy", (void **)&o->free, 0},
		{"opj_set_error_handler", (void **)&o->on_error, 0},
		{"opj_stream_create", (void **)&o->stream, 0},
		{"opj_stream_destroy", (void **)&o->stream_destroy, 0},
		{"opj_stream_set_read_function", (void **)&o->stream_read, 0},
		{"opj_stream_set_skip_function", (void **)&o->stream_skip, 0},
		{"opj_stream_set_seek_function", (void **)&o->stream_seek, 0},
		{"opj_stream_set_user_data", (void **)&o->stream_data, 0},
		{"opj_stream_set_user_data_length", (void **)&o->stream_length, 0},
	};
	for (unsigned i = 0; i < sizeof functions / sizeof *functions; i++)
		if (!(*functions[i].to = dlsym(library, functions[i].name)) && !functions[i].optional)
			return dlerror();
	return 0;
}

const char *openjpeg_version(const struct openjpeg *o) { return o->version(); }

// reader is data that are read from a position on.
struct reader {
	const uint8_t *data;
	size_t size, position;
};

static size_t read_data(void *to, size_t bytes, void *client) {
	struct reader *r = client;
	size_t left = r->size - r->position;
	if (!left)
		return (size_t)-1;
	if (bytes > left)
		bytes = left;
	memcpy(to, r->data + r->position, bytes);
	r->position += bytes;
	return bytes;
}

static int seek_data(int64_t position, void *client) {
	struct reader *r = client;
	if (position < 0 || (uint64_t)position > r->size)
		return 0;
	r->position = position;
	return 1;
}

static int64_t skip_data(int64_t bytes, void *client) {
	struct reader *r = client;
	if (bytes < 0)
		return -1;
	if ((uint64_t)bytes > r->size - r->position) {
		r->position = r->size;
		return -1;
	}
	r->position += bytes;
	return bytes;
}

// keep_first keeps the first message, which the others follow from.
static void keep_first(const char *message, void *client) {
	struct openjpeg_work *work = client;
	if (!work->message[0])
		snprintf(work->message, sizeof work->message, "%s", message);
}

static int setup(const struct openjpeg *o, void *codec, struct openjpeg_work *work) {
	union parameters parameters;
	memset(&parameters, 0, sizeof parameters);
	o->defaults(&parameters);
	parameters.reduce = work->reduce;
	if (!o->on_error(codec, keep_first, work) || !o->setup(codec, &parameters))
		return 0;
	return !work->tolerant || (o->strict && o->strict(codec, 0));
}

static int decode(const struct openjpeg *o, void *codec, void *stream, struct openjpeg_work *work, struct openjpeg_image **image) {
	if (!setup(o, codec, work) || !o->header(stream, codec, image))
		return 0;
	if ((*image)->x1 - (*image)->x0 != work->width || (*image)->y1 - (*image)->y0 != work->height) {
		keep_first("it has another size", work);
		return 0;
	}
	if (!o->decode(codec, stream, *image))
		return 0;
	return o->end(codec, stream) || work->tolerant;
}

struct openjpeg_image *openjpeg_decode(const struct openjpeg *o, struct openjpeg_work *work) {
	const size_t buffer = 1 << 20;
	struct reader reader = {work->data, work->size, 0};
	struct openjpeg_image *image = 0;
	void *codec = o->create(work->codestream ? FORMAT_CODESTREAM : FORMAT_JP2);
	void *stream = o->stream(buffer, 1);
	if (codec && stream) {
		o->stream_read(stream, read_data);
		o->stream_skip(stream, skip_data);
		o->stream_seek(stream, seek_data);
		o->stream_data(stream, &reader, 0);
		o->stream_length(stream, work->size);
		if (!decode(o, codec, stream, work, &image) && image) {
			o->free(image);
			image = 0;
		}
	} else {
		keep_first("no memory is left", work);
	}
	if (stream)
		o->stream_destroy(stream);
	if (codec)
		o->destroy(codec);
	return image;
}

void openjpeg_free(const struct openjpeg *o, struct openjpeg_image *image) { o->free(image); }
