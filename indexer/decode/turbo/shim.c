#include "shim.h"

#include <dlfcn.h>

// Of turbojpeg.h.
enum {
	FLAG_ACCURATE_DCT = 4096,
	FLAG_STOP_ON_WARNING = 8192,
	FLAG_LIMIT_SCANS = 32768,

	PARAMETER_STOP_ON_WARNING = 0,
	PARAMETER_WIDTH = 5,
	PARAMETER_HEIGHT = 6,
	PARAMETER_PRECISION = 7,
	PARAMETER_COLORS = 8,
	PARAMETER_SCAN_LIMIT = 13,
	PARAMETER_LOSSLESS = 15,

	ERROR_WARNING = 0,

	MOST_SCANS = 500, // as FLAG_LIMIT_SCANS means
};

const char *turbo_load(struct turbo *t, const char *name) {
	void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return dlerror();
	struct { const char *name; void **to; int optional; } functions[] = {
		{"tjInitDecompress", (void **)&t->open, 0},
		{"tjDestroy", (void **)&t->close, 0},
		{"tjDecompressHeader3", (void **)&t->header, 0},
		{"tjDecompress2", (void **)&t->decompress, 0},
		{"tjGetErrorStr2", (void **)&t->error, 0},
		{"tjGetErrorCode", (void **)&t->error_code, 0},
		{"tj3Set", (void **)&t->set, 1},
		{"tj3Get", (void **)&t->get, 1},
		{"tj3DecompressHeader", (void **)&t->header_only, 1},
		{"tj3Decompress12", (void **)&t->decompress12, 1},
		{"tj3Decompress16", (void **)&t->decompress16, 1},
	};
	for (unsigned i = 0; i < sizeof functions / sizeof *functions; i++)
		if (!(*functions[i].to = dlsym(library, functions[i].name)) && !functions[i].optional)
			return dlerror();
	return 0;
}

void *turbo_open(const struct turbo *t) { return t->open(); }

void turbo_close(const struct turbo *t, void *handle) { t->close(handle); }

// The older function knows no chroma of rare sampling factors.
static int read_header(const struct turbo *t, void *handle, struct turbo_picture *p) {
	int sampling;
	if (!t->header_only || !t->get)
		return t->header(handle, p->data, p->size, &p->width, &p->height, &sampling, &p->colors);
	int failed = t->header_only(handle, p->data, p->size);
	p->width = t->get(handle, PARAMETER_WIDTH);
	p->height = t->get(handle, PARAMETER_HEIGHT);
	p->colors = t->get(handle, PARAMETER_COLORS);
	return failed;
}

const char *turbo_header(const struct turbo *t, void *handle, struct turbo_picture *p) {
	if (read_header(t, handle, p) && (!p->tolerant || t->error_code(handle) != ERROR_WARNING))
		return t->error(handle);
	p->bits = t->get ? t->get(handle, PARAMETER_PRECISION) : 8;
	p->lossless = t->get ? t->get(handle, PARAMETER_LOSSLESS) : 0;
	return 0;
}

static int decompress(const struct turbo *t, void *handle, const struct turbo_picture *p, void *pixels) {
	if (p->bits <= 8)
		return t->decompress(handle, p->data, p->size, pixels, p->wanted_width, 0, p->wanted_height, p->format,
			FLAG_ACCURATE_DCT | FLAG_LIMIT_SCANS | (p->tolerant ? 0 : FLAG_STOP_ON_WARNING));
	// These have no size: it is that of the whole picture.
	t->set(handle, PARAMETER_STOP_ON_WARNING, !p->tolerant);
	t->set(handle, PARAMETER_SCAN_LIMIT, MOST_SCANS);
	if (p->bits <= 12)
		return t->decompress12(handle, p->data, p->size, pixels, 0, p->format);
	return t->decompress16(handle, p->data, p->size, pixels, 0, p->format);
}

const char *turbo_decompress(const struct turbo *t, void *handle, const struct turbo_picture *p, void *pixels, int *damaged) {
	if (!decompress(t, handle, p, pixels))
		return 0;
	*damaged = p->tolerant && t->error_code(handle) == ERROR_WARNING;
	return t->error(handle);
}
