// The part of the TurboJPEG API (libjpeg-turbo 2.1 and newer) that turbo.go
// calls, through pointers because the library is opened at run time.
#ifndef POLYLENS_TURBO_SHIM_H
#define POLYLENS_TURBO_SHIM_H

struct turbo {
	void *(*open)(void);
	int (*close)(void *handle);
	int (*header)(void *handle, const unsigned char *data, unsigned long size,
		int *width, int *height, int *sampling, int *colors);
	int (*decompress)(void *handle, const unsigned char *data, unsigned long size,
		unsigned char *pixels, int width, int pitch, int height, int format, int flags);
	char *(*error)(void *handle);
};

// turbo_load fills t from the library called name and returns NULL, or what
// the dynamic loader says.
const char *turbo_load(struct turbo *t, const char *name);

struct turbo_size {
	int width, height;
};

// turbo_decompress writes as many pixels as reduced says, of four bytes, R G B
// A, from a JPEG of the full size. It returns 0, or not 0 with a message of at
// most capacity bytes.
int turbo_decompress(const struct turbo *t, const unsigned char *data, unsigned long size,
	unsigned char *pixels, struct turbo_size full, struct turbo_size reduced,
	char *message, int capacity);

#endif
