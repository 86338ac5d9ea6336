#include "shim.h"

#include <dlfcn.h>
#include <stdio.h>

// Of turbojpeg.h.
enum {
	COLORS_YCBCR = 1,
	COLORS_GRAY = 2,
	FORMAT_RGBA = 7,
	FLAG_ACCURATE_DCT = 4096,
	FLAG_STOP_ON_WARNING = 8192,
	FLAG_LIMIT_SCANS = 32768,
};

const char *turbo_load(struct turbo *t, const char *name) {
	void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return dlerror();
	struct { const char *name; void **to; } functions[] = {
		{"tjInitDecompress", (void **)&t->open},
		{"tjDestroy", (void **)&t->close},
		{"tjDecompressHeader3", (void **)&t->header},
		{"tjDecompress2", (void **)&t->decompress},
		{"tjGetErrorStr2", (void **)&t->error},
	};
	for (unsigned i = 0; i < sizeof functions / sizeof *functions; i++)
		if (!(*functions[i].to = dlsym(library, functions[i].name)))
			return dlerror();
	return 0;
}

// refusal is what speaks against the header, NULL if nothing does.
static const char *refusal(const struct turbo *t, void *handle, const unsigned char *data, unsigned long size,
	struct turbo_size full) {
	int width, height, sampling, colors;
	if (t->header(handle, data, size, &width, &height, &sampling, &colors))
		return t->error(handle);
	if (width != full.width || height != full.height)
		return "it has another size";
	if (colors != COLORS_YCBCR && colors != COLORS_GRAY)
		return "its colours are neither grey nor YCbCr";
	return 0;
}

int turbo_decompress(const struct turbo *t, const unsigned char *data, unsigned long size,
	unsigned char *pixels, struct turbo_size full, struct turbo_size reduced,
	char *message, int capacity) {
	void *handle = t->open();
	if (!handle) {
		snprintf(message, capacity, "no memory");
		return -1;
	}
	const char *why = refusal(t, handle, data, size, full);
	if (!why && t->decompress(handle, data, size, pixels, reduced.width, 4 * reduced.width, reduced.height,
		FORMAT_RGBA, FLAG_ACCURATE_DCT | FLAG_STOP_ON_WARNING | FLAG_LIMIT_SCANS))
		why = t->error(handle);
	if (why)
		snprintf(message, capacity, "%s", why);
	t->close(handle);
	return why ? -1 : 0;
}
