#!/usr/bin/env python3
"""Writes the small TIFFs of this folder and reference.json, the right pixels of each.

    pip install pillow==13.0.0 tifffile==2026.3.3 imagecodecs==2026.3.6 numpy
    apt-get install libtiff-tools imagemagick
    python write_fixtures.py

A file is written by the software named in its prefix: tifffile (f_), libtiff's tiffcp (c_), ImageMagick (m_),
Pillow (p_), or byte by byte here (h_). Pillow is the witness: where it reads a file and its pixels are not the right
ones, the script says so and UNLIKE_PILLOW has the reason.
"""
import base64, glob, io, json, os, struct, subprocess, sys, tempfile, zlib
import numpy as np, tifffile
from PIL import Image, ImageCms, ImageDraw

HERE = os.path.dirname(os.path.abspath(__file__))
TEMP = tempfile.mkdtemp()
W, H = 37, 21
UNLIKE_PILLOW = {
    'clips 16 bits and more to white': ['f_grey16', 'f_grey16_be', 'f_int16', 'f_uint32', 'f_float01', 'h_grey12', 'h_white0_16', 'h_grey16_fill2', 'f_int32', 'f_float32_predictor', 'f_predictor_32', 'f_float_be', 'f_int16_be_negative', 'f_float65535', 'f_uint32_16', 'f_float_elevation', 'f_float32_predictor_be', 'h_grey12_be', 'h_white0', 'm_float'],
    'takes the bytes of a palette for the low halves of words': ['h_palette_bytes'],
    'knows neither coefficients nor reference black and white where it reads YCbCr itself': ['h_ycbcr_video'],
    'has a coarse table for Lab': ['p_lab', 'p_lab_zip', 'p_lab_colors'],
    'reads planes of 16 bits as if they had 8': ['f_rgb16_be_planar'],
    'takes four samples without ExtraSamples for RGBA': ['h_noextra'],
}

def scene():
    big = Image.new('RGB', (W*4, H*4)); d = ImageDraw.Draw(big)
    for y in range(H*4): d.line([(0, y), (W*4, y)], fill=(90 + y, 160 + y//2, 250 - 2*y))
    d.ellipse([20, 20, 80, 78], fill=(215, 25, 30)); d.rectangle([90, 10, 130, 40], fill=(250, 210, 30)); d.polygon([(88, 80), (140, 50), (146, 82)], fill=(20, 90, 20))
    return big.resize((W, H), Image.LANCZOS)

BASE = scene(); RGB = np.asarray(BASE); GREY = np.asarray(BASE.convert('L'))
X, Y = np.meshgrid(np.arange(W), np.arange(H))
ALPHA = np.where((X - 12)**2 + (Y - 12)**2 < 60, 255, 128).astype(np.uint8)
BILEVEL = GREY > 128
rights, files, strange = {}, [], []

def on_white(rgb, alpha):
    im = Image.fromarray(np.dstack([rgb, alpha]), 'RGBA')
    return np.asarray(Image.alpha_composite(Image.new('RGBA', im.size, 'white'), im).convert('RGB'))

def rgb_of(a):
    a = np.asarray(a)
    return a if a.ndim == 3 else np.dstack([a, a, a])

def right(name, pixels):
    rights[name] = pixels = rgb_of(pixels).astype(np.uint8)
    return name

right('rgb', RGB); right('grey', GREY); right('bilevel', np.where(BILEVEL, 255, 0)); right('rgba', on_white(RGB, ALPHA)); right('greya', on_white(rgb_of(GREY), ALPHA))
P = lambda name: os.path.join(HERE, name + '.tif')

def pillow(path):
    im = Image.open(path); im.load()
    if im.mode in ('RGBA', 'LA', 'PA', 'La', 'RGBa'):
        im = im.convert({'La': 'LA', 'RGBa': 'RGBA'}.get(im.mode, im.mode)).convert('RGBA'); im = Image.alpha_composite(Image.new('RGBA', im.size, 'white'), im)
    return np.asarray(im.convert('RGB'))

def add(name, want, tolerance=0, warns=False):
    """The file is there; want names the right picture, or is 'pillow': whatever Pillow sees."""
    try: seen, why = pillow(P(name)), ''
    except Exception as e: seen, why = None, f'{type(e).__name__}: {e}'
    if want == 'pillow': want = right(name, seen)
    files.append(dict(Name=name + '.tif', Right=want, Tolerance=tolerance, Warns=warns, Pillow=seen is not None))
    r = rights[want]
    if seen is None: print(f'{name:28s} not read by Pillow ({why[:70]})')
    elif seen.shape != r.shape: print(f'{name:28s} SHAPE {seen.shape} {r.shape}')
    elif (off := np.abs(seen.astype(int) - r).max()) > tolerance + 1:
        known = [k for k, v in UNLIKE_PILLOW.items() if name in v]
        print(f'{name:28s} Pillow is off by {off}' + (f': {known[0]}' if known else '   <<<<'))

def fail(name, says): files.append(dict(Name=name + '.tif', Says=says))

# ---- tifffile --------------------------------------------------------------------------------------
def f(name, a, want, tolerance=0, photometric='rgb', **kw):
    kw.setdefault('metadata', None)
    tifffile.imwrite(P('f_' + name), np.ascontiguousarray(a), photometric=photometric, **kw); add('f_' + name, want, tolerance)
planes = np.moveaxis(RGB, 2, 0); g = dict(photometric='minisblack'); tile = dict(tile=(16, 16))
f('rgb_strips', RGB, 'rgb', rowsperstrip=5)
f('rgb_tiles', RGB, 'rgb', **tile)
f('rgb_planar', planes, 'rgb', planarconfig='separate', rowsperstrip=4)
f('rgb_planar_tiles', planes, 'rgb', planarconfig='separate', compression='zlib', **tile)
f('rgb_be', RGB, 'rgb', byteorder='>')
f('rgb_big_be', RGB, 'rgb', byteorder='>', bigtiff=True, rowsperstrip=8)
f('rgb_big_tiles', RGB, 'rgb', bigtiff=True, compression='lzw', **tile)
for c in ('packbits', 'lzw', 'zlib', 'zstd', 'lzma'):
    f('grey_' + c, GREY, 'grey', compression=c, rowsperstrip=8, **g)
    f('rgb_' + c, RGB, 'rgb', compression=c, **tile)
f('rgb_deflate_old', RGB, 'rgb', compression=32946)
for c in ('lzw', 'zlib', 'zstd', 'lzma'): f(f'{c}_predictor', RGB, 'rgb', compression=c, predictor=True, rowsperstrip=8)
f('planar_predictor', planes, 'rgb', planarconfig='separate', compression='zlib', predictor=True)
f('lzw_predictor_16', RGB.astype(np.uint16)*257, 'rgb', compression='lzw', predictor=True)
f('predictor_16_be', RGB.astype(np.uint16)*257, 'rgb', compression='zlib', predictor=True, byteorder='>')
f('predictor_32', GREY.astype(np.uint32)*16843009, 'grey', compression='zlib', predictor=True, **g)
f('grey16', GREY.astype(np.uint16)*257, 'grey', **g)
f('grey16_be', GREY.astype(np.uint16)*257, 'grey', byteorder='>', **g)
f('rgb16', RGB.astype(np.uint16)*257, 'rgb')
f('rgb16_be_planar', planes.astype(np.uint16)*257, 'rgb', byteorder='>', planarconfig='separate')
f('rgba16', np.dstack([RGB, ALPHA]).astype(np.uint16)*257, 'rgba', 1, extrasamples=['unassalpha'])
f('int8', GREY.view(np.int8), 'grey', **g)
f('int16', GREY.astype(np.int16)*128, 'grey', **g)
f('int16_be_negative', np.where(ALPHA == 255, -GREY.astype(np.int16), GREY.astype(np.int16)*128), right('negative', np.where(ALPHA == 255, 0, GREY)), byteorder='>', **g)
f('uint32', GREY.astype(np.uint32)*16843009, 'grey', **g)
f('uint32_small', GREY.astype(np.uint32), 'grey', **g)
f('int32', GREY.astype(np.int32)*8421504, 'grey', 1, **g)
f('uint64_be', GREY.astype(np.uint64)*72340172838076673, 'grey', byteorder='>', **g)
unit = GREY.astype(np.float64)/255
f('float01', unit.astype(np.float32), 'grey', **g)
f('float255', GREY.astype(np.float32), 'grey', **g)
f('float65535', GREY.astype(np.float32)*257, right('stretched', np.round(GREY.astype(float)/GREY.max()*255)), 1, **g)
f('uint32_16', GREY.astype(np.uint32)*257, 'grey', **g)
f('float_elevation', np.where(ALPHA == 255, np.nan, (GREY.astype(np.float32)/255*9e5)), right('elevation', np.where(ALPHA == 255, 0, np.round(GREY.astype(float)/GREY[ALPHA != 255].max()*255))), 1, **g)
f('float_be', unit.astype(np.float32), 'grey', byteorder='>', **g)
f('float16', unit.astype(np.float16), 'grey', 1, **g)
f('float64', unit, 'grey', **g)
f('float64_be_tiles', unit, 'grey', byteorder='>', **tile, **g)
f('float_rgb', (RGB/255).astype(np.float32), 'rgb')
f('float_rgb_planar', (planes/255).astype(np.float32), 'rgb', planarconfig='separate')
f('float_rgba', (np.dstack([RGB, ALPHA])/255).astype(np.float32), 'rgba', 1, extrasamples=['unassalpha'])
for bits, kind in ((16, np.float16), (32, np.float32), (64, np.float64)):
    for order, suffix in (('<', ''), ('>', '_be')):
        f(f'float{bits}_predictor{suffix}', unit.astype(kind), 'grey', 1, compression='zlib', predictor=3, byteorder=order, **g)
f('float_rgb_predictor', (RGB/255).astype(np.float32), 'rgb', compression='lzw', predictor=3)
f('grey_alpha', np.dstack([GREY, ALPHA]), 'greya', 1, extrasamples=['unassalpha'], **g)
f('grey_extra', np.dstack([GREY, ALPHA]), 'grey', extrasamples=['unspecified'], **g)
f('grey_planes', np.stack([GREY, ALPHA, ALPHA]), 'grey', planarconfig='separate', extrasamples=['unspecified']*2, **g)
f('rgba', np.dstack([RGB, ALPHA]), 'rgba', 1, extrasamples=['unassalpha'])
f('rgba_planar', np.stack([*planes, ALPHA]), 'rgba', 1, extrasamples=['unassalpha'], planarconfig='separate')
f('rgba_second', np.dstack([RGB, ALPHA//2, ALPHA]), 'rgba', 1, extrasamples=['unspecified', 'unassalpha'])
pre = (RGB.astype(int)*ALPHA[..., None]//255).astype(np.uint8)
f('rgb_premultiplied', np.dstack([pre, ALPHA]), 'rgba', 2, extrasamples=['assocalpha'], compression='zlib', predictor=True)
f('webp_lossless', RGB, 'rgb', compression='webp', compressionargs=dict(lossless=True))
f('webp_rgba', np.dstack([RGB, ALPHA]), 'rgba', 1, extrasamples=['unassalpha'], compression='webp', compressionargs=dict(lossless=True), rowsperstrip=8)
f('webp_lossy', RGB, right('webp', RGB), compression='webp', compressionargs=dict(level=90)); right('webp', tifffile.imread(P('f_webp_lossy'))); files[-1]['Tolerance'] = 4
quant = BASE.quantize(200); lut = np.zeros((3, 256), np.uint16); pal = np.array(quant.getpalette()).reshape(-1, 3); lut[:, :len(pal)] = pal.T*257
f('palette', np.asarray(quant), right('palette', quant.convert('RGB')), photometric='palette', colormap=lut)
f('palette_tiles_be', np.asarray(quant), 'palette', photometric='palette', colormap=lut, byteorder='>', compression='lzw', predictor=True, **tile)
CMYK = np.array(BASE.convert('CMYK')); CMYK[..., 3] = 255 - CMYK[..., :3].max(axis=2)//3; CMYK[..., 3] //= 4
right('cmyk', Image.fromarray(CMYK, 'CMYK').convert('RGB'))
f('cmyk', CMYK, 'cmyk', 1, photometric='separated')
f('cmyk_planar', np.moveaxis(CMYK, 2, 0), 'cmyk', 1, photometric='separated', planarconfig='separate')
f('cmyk16', CMYK.astype(np.uint16)*257, 'cmyk', 1, photometric='separated', compression='zlib', predictor=True)
f('cmyk_extra', np.dstack([CMYK, ALPHA]), 'cmyk', 1, photometric='separated', extrasamples=['unspecified'])
f('cmyk_alpha', np.dstack([CMYK, ALPHA]), 'cmyk', 1, photometric='separated', extrasamples=['unassalpha'])
f('jpeg_grey', GREY, 'pillow', 2, compression='jpeg', compressionargs=dict(level=92), **tile, **g)
f('jpeg_ycbcr', RGB, 'pillow', 4, compression='jpeg', compressionargs=dict(level=92), **tile)
f('jpeg_cmyk', CMYK, 'pillow', 4, photometric='separated', compression='jpeg', compressionargs=dict(level=95), rowsperstrip=16)
f('jpeg_planar', planes, 'pillow', 4, planarconfig='separate', compression='jpeg', compressionargs=dict(level=95))
f('bilevel', BILEVEL, 'bilevel', **g)
f('bilevel_white0', ~BILEVEL, 'bilevel', photometric='miniswhite', compression='packbits')
black = np.zeros_like(RGB)
with tifffile.TiffWriter(P('f_pages')) as t:
    for a in (RGB, black, black): t.write(a, photometric='rgb', metadata=None)
add('f_pages', 'rgb')
with tifffile.TiffWriter(P('f_pyramid'), bigtiff=True) as t:
    t.write(RGB, photometric='rgb', subifds=2, metadata=None, **tile)
    for n in (2, 4): t.write(black[::n, ::n], photometric='rgb', subfiletype=1, metadata=None, **tile)
add('f_pyramid', 'rgb')
with tifffile.TiffWriter(P('f_thumbnail_first')) as t:
    t.write(RGB, photometric='rgb', subfiletype=1, metadata=None); t.write(np.zeros((80, 80, 3), np.uint8), photometric='rgb', metadata=None)
add('f_thumbnail_first', 'rgb')
with tifffile.TiffWriter(P('f_mask_first')) as t:
    t.write(BILEVEL, photometric='mask', subfiletype=4, metadata=None); t.write(RGB, photometric='rgb', metadata=None)
add('f_mask_first', 'rgb')

# ---- libtiff's tiffcp ------------------------------------------------------------------------------
def run(*a): subprocess.run(a, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
def temp(name, im): path = os.path.join(TEMP, name + '.tif'); im.save(path); return path
rgb_file, grey_file, one_file = temp('rgb', BASE), temp('grey', BASE.convert('L')), temp('one', Image.fromarray(BILEVEL))
def c(name, *args, source=rgb_file, want='rgb', tolerance=0): run('tiffcp', *args, source, P('c_' + name)); add('c_' + name, want, tolerance)
c('jpeg_rgb', '-r', '8', '-c', 'jpeg:r:95', want='pillow', tolerance=2)
c('jpeg_ycbcr', '-r', '16', '-c', 'jpeg:90', want='pillow', tolerance=4)
c('jpeg_tiles', '-t', '-w', '16', '-l', '16', '-c', 'jpeg:90', want='pillow', tolerance=4)
c('zip_be_tiles', '-B', '-t', '-w', '32', '-l', '16', '-c', 'zip:2')
c('lsb', '-f', 'lsb2msb'); c('lsb_lzw', '-f', 'lsb2msb', '-c', 'lzw'); c('lsb_packbits', '-f', 'lsb2msb', '-c', 'packbits')
for name, args in dict(g3=['g3:1d'], g3_2d=['g3:2d'], g3_fill=['g3:1d:fill'], g3_2d_fill=['g3:2d:fill'], g4=['g4']).items():
    c('fax_' + name, '-c', *args, source=one_file, want='bilevel')
    c('fax_lsb_' + name, '-f', 'lsb2msb', '-r', '8', '-c', *args, source=one_file, want='bilevel')
c('fax_g4_tiles', '-t', '-w', '16', '-l', '16', '-c', 'g4', source=one_file, want='bilevel')
c('lsb_bilevel', '-f', 'lsb2msb', '-c', 'none', source=one_file, want='bilevel')

# ---- Pillow ----------------------------------------------------------------------------------------
def p(name, im, want, tolerance=0, **kw): im.save(P('p_' + name), **kw); add('p_' + name, want, tolerance)
one = Image.fromarray(BILEVEL)
p('fax_rle', one, 'bilevel', compression='tiff_ccitt')
wide = np.zeros((16, 3000), bool); wide[3:9, 40:2900] = True; wide[5, 100:2000:3] = False; wide[10:, ::7] = True
for compression in ('tiff_ccitt', 'group3', 'group4'): p('wide_' + compression, Image.fromarray(wide), right('wide', np.where(wide, 255, 0)), compression=compression)
p('ycbcr', BASE.convert('YCbCr'), 'pillow', 1)
p('ycbcr_jpeg', BASE.convert('YCbCr'), 'pillow', 4, compression='jpeg')
p('ycbcr_lzw', BASE.convert('YCbCr'), 'pillow', 2, compression='tiff_lzw')
# Lab: Pillow's own conversion goes by a coarse table that lcms2 makes for speed, and is off by up to 28 from
# what lcms2 computes without it, which is the right one here.
EXACT = ImageCms.buildTransform(ImageCms.createProfile('LAB'), ImageCms.createProfile('sRGB'), 'LAB', 'RGB', flags=ImageCms.Flags.NOOPTIMIZE)
lab = BASE.convert('LAB'); right('lab', ImageCms.applyTransform(lab, EXACT))
p('lab', lab, 'lab', 1); p('lab_zip', lab, 'lab', 1, compression='tiff_adobe_deflate')
saturated = Image.fromarray(np.dstack([(X*6).clip(0, 255), (Y*12).clip(0, 255), ((X + Y)*5) % 256]).astype(np.uint8)).convert('LAB')
p('lab_colors', saturated, right('lab_colors', ImageCms.applyTransform(saturated, EXACT)), 1)
p('pa', quant.convert('PA'), 'palette')
p('cmyk_lzw', Image.fromarray(CMYK, 'CMYK'), 'cmyk', 1, compression='tiff_lzw')

# ---- ImageMagick -----------------------------------------------------------------------------------
def m(name, *args, want='rgb', tolerance=0):
    subprocess.run(['convert', rgb_file, *args, P('m_' + name)], stderr=subprocess.DEVNULL) # it ends with 1 after a warning
    add('m_' + name, want, tolerance)
m('rgb16', '-depth', '16'); m('rgb32', '-depth', '32'); m('float', '-depth', '32', '-define', 'quantum:format=floating-point')
m('float64', '-depth', '64', '-define', 'quantum:format=floating-point'); m('planar', '-interlace', 'plane', '-compress', 'zip'); m('be', '-endian', 'MSB', '-compress', 'lzw')
m('cmyk', '-colorspace', 'CMYK', want='pillow', tolerance=1); m('palette4', '-colors', '16', '-type', 'Palette', '-depth', '4', want='pillow'); m('jpeg', '-compress', 'jpeg', '-quality', '92', want='pillow', tolerance=4)
m('white0', '-colorspace', 'Gray', '-define', 'quantum:polarity=min-is-white', want='pillow', tolerance=1)

# ---- by hand ---------------------------------------------------------------------------------------
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 11: 4}
def pack(order, kind, v):
    if kind == 5: return b''.join(struct.pack(order + 'II', int(x*10000), 10000) for x in v)
    return b''.join(struct.pack(order + {1: 'B', 2: 'B', 3: 'H', 4: 'I', 7: 'B', 11: 'f'}[kind], x) for x in v)
HAND_OFFSETS = {273, 513} # their values count from the end of the directory
def h(name, data, entries, w=W, h=H, order='<', drop=(), cut=0):
    """A TIFF of one strip, the directory before the pixels. entries: tag -> (type, values), or a number as SHORT."""
    e = {256: (4, [w]), 257: (4, [h]), 258: 8, 259: 1, 262: 1, 273: (4, [0]), 277: 1, 278: (4, [h]), 279: (4, [len(data)])}
    e.update(entries)
    e = {t: v if isinstance(v, tuple) else (3, [v]) for t, v in sorted(e.items()) if t not in drop}
    at = 8 + 2 + 12*len(e) + 4; body = b''
    total = at + sum(n + n % 2 for n in (SIZES[k]*len(v) for k, v in e.values()) if n > 4)
    out = (b'II*\0' if order == '<' else b'MM\0*') + struct.pack(order + 'IH', 8, len(e))
    for t, (k, v) in e.items():
        if t in HAND_OFFSETS: v = [x + total for x in v]
        raw = pack(order, k, v)
        if len(raw) > 4: raw, body = struct.pack(order + 'I', at + len(body)), body + raw + b'\0'*(len(raw) % 2)
        out += struct.pack(order + 'HHI', t, k, len(v)) + raw.ljust(4, b'\0')
    out += b'\0\0\0\0' + body + data
    open(P('h_' + name), 'wb').write(out[:len(out) - cut])
def hand(name, data, want, entries, tolerance=0, warns=False, **kw): h(name, data, entries, **kw); add('h_' + name, want, tolerance, warns)
def bits(a, n):
    """Samples of n bits, each row from a new byte on."""
    out = b''
    for row in np.asarray(a).reshape(len(a), -1):
        s = ''.join(format(int(v), f'0{n}b') for v in row); s += '0'*(-len(s) % 8)
        out += int(s, 2).to_bytes(len(s)//8, 'big')
    return out
three = dict([(258, (3, [8, 8, 8])), (262, 2), (277, 3)])
for n in (2, 3, 4, 6): v = GREY >> (8 - n); hand(f'grey{n}', bits(v, n), right(f'grey{n}', (v.astype(int)*255//(2**n - 1))), {258: n})
hand('grey2_white0', bits(3 - (GREY >> 6), 2), 'grey2', {258: 2, 262: 0})
hand('grey4_fill2', bytes(int(format(b, '08b')[::-1], 2) for b in bits(GREY >> 4, 4)), 'grey4', {258: 4, 266: 2})
hand('grey12', bits(GREY.astype(int)*16, 12), 'grey', {258: 12})
hand('grey12_be', bits(GREY.astype(int)*16, 12), 'grey', {258: 12}, order='>')
hand('grey10', bits(GREY.astype(int)*4, 10), 'grey', {258: 10}); hand('grey14', bits(GREY.astype(int)*64, 14), 'grey', {258: 14})
hand('rgb12', bits(RGB.astype(int)*16, 12), 'rgb', {**three, 258: (3, [12]*3)}); hand('rgb4', bits(RGB >> 4, 4), right('rgb4', (RGB >> 4)*17), {**three, 258: (3, [4]*3)})
hand('grey24', b''.join(int(v*65793).to_bytes(3, 'little') for v in GREY.astype(int).flat), 'grey', {258: 24}); hand('grey24_be', b''.join(int(v*65793).to_bytes(3, 'big') for v in GREY.astype(int).flat), 'grey', {258: 24}, order='>')
hand('grey20', bits(GREY.astype(int) << 12, 20), 'grey', {258: 20}, 1)
hand('white0', (255 - GREY).tobytes(), 'grey', {262: 0}); hand('white0_16', ((255 - GREY).astype('<u2')*257).tobytes(), 'grey', {258: 16, 262: 0}); hand('no_photometric', (255 - GREY).tobytes(), 'grey', {}, drop=[262])
hand('white0_alpha', np.dstack([255 - GREY, ALPHA]).tobytes(), 'greya', {258: (3, [8, 8]), 262: 0, 277: 2, 338: 2}, 1)
hand('grey16_fill2', bytes(int(format(b, '08b')[::-1], 2) for b in (GREY.astype('<u2')*257).tobytes()), 'grey', {258: 16, 266: 2})
hand('bits_once', RGB.tobytes(), 'rgb', {**three, 258: 8}); hand('bits_missing', bits(BILEVEL, 1), 'bilevel', {}, drop=[258]); hand('void', GREY.tobytes(), 'grey', {339: 4})
hand('rows_absurd', RGB.tobytes(), 'rgb', {**three, 278: (4, [2**32 - 1])}); hand('rows_zero', RGB.tobytes(), 'rgb', {**three, 278: (4, [0])}); hand('rows_missing', RGB.tobytes(), 'rgb', three, drop=[278])
hand('counts_missing', RGB.tobytes(), 'rgb', three, drop=[279]); hand('counts_zero', RGB.tobytes(), 'rgb', {**three, 279: (4, [0])}); hand('counts_wrong', RGB.tobytes(), 'rgb', {**three, 279: (4, [7])}); hand('counts_huge', zlib.compress(RGB.tobytes()), 'rgb', {**three, 259: 8, 279: (4, [2**32 - 1])})
hand('counts_missing_zip', zlib.compress(RGB.tobytes()), 'rgb', {**three, 259: 8}, drop=[279])
hand('noextra', np.dstack([RGB, ALPHA]).tobytes(), 'rgb', {258: (3, [8]*4), 262: 2, 277: 4}); hand('corel', np.dstack([RGB, ALPHA]).tobytes(), 'rgba', {258: (3, [8]*4), 262: 2, 277: 4, 338: 999}, 1)
hand('palette_bytes', np.asarray(quant).tobytes(), 'palette', {262: 3, 320: (3, [int(x) for x in (lut//257).flat])})
hand('palette_short', np.minimum(np.asarray(quant), 99).tobytes(), right('palette_short', np.where(np.asarray(quant)[..., None] < 50, pal[np.minimum(np.asarray(quant), 49)], 0)), {262: 3, 320: (3, [int(x) for x in lut[:, :50].flat])})
q16 = BASE.quantize(16); q4 = BASE.quantize(4); q2 = BASE.quantize(2)
for n, q in ((4, q16), (2, q4), (1, q2)):
    l = np.zeros((3, 2**n), int); c_ = np.array(q.getpalette()).reshape(-1, 3)[:2**n]; l[:, :len(c_)] = c_.T*257
    hand(f'palette{n}', bits(np.asarray(q), n), right(f'palette{n}', q.convert('RGB')), {258: n, 262: 3, 320: (3, [int(x) for x in l.flat])})
hand('palette_alpha', np.dstack([np.asarray(quant), ALPHA]).tobytes(), right('palette_alpha', on_white(np.asarray(quant.convert('RGB')), ALPHA)), {258: (3, [8, 8]), 262: 3, 277: 2, 338: 2, 320: (3, [int(x) for x in lut.flat])}, 1)
# Lab of other kinds
L, A, B = (np.asarray(lab.getchannel(i)).astype(int) for i in range(3)); A, B = A - 128, B - 128
three_of = lambda bits, photo, **k: {258: (3, [bits]*3), 262: photo, 277: 3, **k}
hand('icclab', np.dstack([L, A + 128, B + 128]).astype(np.uint8).tobytes(), 'lab', three_of(8, 9), 1)
hand('lab16', np.dstack([L*257, A*256, B*256]).astype('<i4').astype('<u2').tobytes(), 'lab', three_of(16, 8), 1)
hand('icclab16', np.dstack([L*256, (A + 128)*256, (B + 128)*256]).astype('<u2').tobytes(), 'lab', three_of(16, 9), 2)
hand('itulab', np.dstack([L, (A + 85)*255/170, (B + 75)*255/200]).round().clip(0, 255).astype(np.uint8).tobytes(), 'lab', three_of(8, 10), 6)
hand('itulab_decode', np.dstack([L, A + 128, B + 128]).astype(np.uint8).tobytes(), 'lab', {**three_of(8, 10), 433: (11, [0, 100, -128, 127, -128, 127])}, 1)
neutral = Image.new('L', (W, H), 128); lightness = Image.merge('LAB', [lab.getchannel(0), neutral, neutral])
hand('lab_lightness', L.astype(np.uint8).tobytes(), right('lab_lightness', ImageCms.applyTransform(lightness, EXACT)), {262: 8}, 1)
# YCbCr whose pixels share chroma: units of luma, then Cb and Cr
YCC = np.asarray(BASE.convert('YCbCr'))
def units(sx, sy, ycc=YCC):
    a = np.pad(ycc, ((0, -H % sy), (0, -W % sx), (0, 0)), 'edge'); out = b''
    for y in range(0, a.shape[0], sy):
        for x in range(0, a.shape[1], sx):
            b = a[y:y+sy, x:x+sx]; out += b[..., 0].tobytes() + bytes(b[..., 1:].reshape(-1, 2).mean(axis=0).round().astype(np.uint8))
    return out
def shared(sx, sy):
    a = np.pad(YCC, ((0, -H % sy), (0, -W % sx), (0, 0)), 'edge').astype(float)
    for y in range(0, a.shape[0], sy):
        for x in range(0, a.shape[1], sx): a[y:y+sy, x:x+sx, 1:] = a[y:y+sy, x:x+sx, 1:].reshape(-1, 2).mean(axis=0).round()
    return np.asarray(Image.fromarray(a[:H, :W].astype(np.uint8), 'YCbCr').convert('RGB'))
ycc = {258: (3, [8]*3), 262: 6, 277: 3}
for sx, sy in ((2, 1), (2, 2), (1, 2), (4, 1), (4, 4), (1, 1)):
    hand(f'ycbcr{sx}{sy}', zlib.compress(units(sx, sy)), right(f'ycbcr{sx}{sy}', shared(sx, sy)), {**ycc, 259: 8, 530: (3, [sx, sy])}, 1)
hand('ycbcr_default', units(2, 2), 'ycbcr22', ycc, 1); hand('ycbcr_whole', YCC.tobytes(), 'ycbcr11', ycc, 1)
kr, kg, kb = .2126, .7152, .0722; f_ = RGB.astype(float); y_ = f_ @ [kr, kg, kb]
video = np.dstack([16 + y_*219/255, 128 + (f_[..., 2] - y_)/(2 - 2*kb)*224/255, 128 + (f_[..., 0] - y_)/(2 - 2*kr)*224/255]).round().clip(0, 255).astype(np.uint8)
hand('ycbcr_video', video.tobytes(), 'rgb', {**ycc, 530: (3, [1, 1]), 529: (5, [kr, kg, kb]), 532: (5, [16, 235, 128, 240, 128, 240])}, 3)
# orientation of other types
hand('orientation_long', RGB.tobytes(), 'rgb', {**three, 274: (4, [1])}); hand('orientation_nonsense', RGB.tobytes(), 'rgb', {**three, 274: 77})
# files that end early: IFD first, the end of the pixels missing
half = RGB.copy(); half[10:] = 0; half[10, :20] = RGB[10, :20]
hand('cut_raw', RGB.tobytes(), right('half', half), three, warns=True, cut=(H - 10)*W*3 - 60)
z = zlib.compress(RGB.tobytes(), 0); hand('cut_zip', z, right('half', half), {**three, 259: 8}, warns=True, cut=len(z) - 7 - 10*W*3 - 60)
def jpg(im, **kw): b = io.BytesIO(); im.save(b, 'JPEG', quality=95, **kw); return b.getvalue()
right('jpeg', Image.open(io.BytesIO(jpg(BASE, subsampling=0))).convert('RGB'))
j = jpg(BASE, subsampling=0)
hand('jpeg_old', j, 'jpeg', {**ycc, 259: 6, 273: (4, [len(j)//2]), 513: (4, [0]), 514: (4, [len(j)]), 530: (3, [1, 1])}, 3)
def apart(j):
    """What the tags of old style point to, and the coded data."""
    q, dc, ac, at = {}, {}, {}, 2
    while j[at + 1] != 0xDA:
        n = struct.unpack('>H', j[at+2:at+4])[0]; body = j[at+4:at+2+n]
        while j[at + 1] in (0xDB, 0xC4) and body:
            k = 64 if j[at + 1] == 0xDB else 16 + sum(body[1:17])
            (q if j[at + 1] == 0xDB else ac if body[0] >> 4 else dc)[body[0] & 15] = body[1:1+k]; body = body[1+k:]
        at += 2 + n
    return q, dc, ac, j[at + 2 + struct.unpack('>H', j[at+2:at+4])[0]:-2]
q_, dc_, ac_, coded = apart(j); tables, where = b'', {}
for kind, t in (('q', q_), ('dc', dc_), ('ac', ac_)):
    for n in sorted(t): where[kind, n] = len(coded) + len(coded) % 2 + len(tables); tables += t[n] + b'\0'*(len(t[n]) % 2)
HAND_OFFSETS |= {519, 520, 521}
entries = {**ycc, 259: 6, 279: (4, [len(coded)]), 512: 1, 530: (3, [1, 1])}
for tag, kind in ((519, 'q'), (520, 'dc'), (521, 'ac')): entries[tag] = (4, [where[kind, min(n, 1)] for n in range(3)])
hand('jpeg_old_tables', coded + b'\0'*(len(coded) % 2) + tables, 'jpeg', entries, 3)
hand('tiles_as_strips', b''.join(np.pad(RGB, ((0, 11), (0, 11), (0, 0)))[y:y+16, x:x+16].tobytes() for y in (0, 16) for x in (0, 16, 32)), 'rgb', {**three, 322: 16, 323: 16, 273: (4, [768*i for i in range(6)]), 279: (4, [768]*6)}, drop=[278])
over = np.dstack([np.full_like(RGB, 200), ALPHA]); hand('premultiplied_beyond', over.tobytes(), right('beyond', np.where((ALPHA == 255)[..., None], 200, 255) + 0*RGB), {258: (3, [8]*4), 262: 2, 277: 4, 338: 1}, 1)
hand('jpeg_old_strip', jpg(BASE, subsampling=0), 'jpeg', {**ycc, 259: 6, 530: (3, [1, 1])}, 3)
for name, kw in (('jpeg_cut', {}), ('jpeg_cut_progressive', dict(progressive=True))):
    im = BASE.resize((160, 120)); big = im.convert('L'); j = jpg(big, **kw); keep = np.asarray(Image.open(io.BytesIO(j)))[:24]
    h(name, j, {262: 1, 259: 7}, w=160, h=120, cut=len(j)//2 if not kw else len(j)//8); files.append(dict(Name='h_' + name + '.tif', Right=right(name, np.asarray(Image.open(io.BytesIO(j)))), Tolerance=4 if not kw else 90, Warns=True, Rows=24))
# what is not read, by name
h('no_jpeg2000', RGB.tobytes(), {**three, 259: 34712}); fail('h_no_jpeg2000', 'compression 34712 (JPEG 2000)')
h('no_logluv', RGB.tobytes(), {**three, 259: 34676, 262: 32845}); fail('h_no_logluv', 'LogLuv')
h('no_complex', GREY.tobytes(), {258: 64, 339: 6}); fail('h_no_complex', 'complex')
h('no_mixed', RGB.tobytes(), {**three, 258: (3, [5, 6, 5])}); fail('h_no_mixed', '5 and 6 bits')
h('no_inks', RGB.tobytes(), {**three, 262: 5}); fail('h_no_inks', '3 inks')
h('no_old_jpeg', b'\x12\x34' + RGB.tobytes(), {**ycc, 259: 6}); fail('h_no_old_jpeg', 'old-style JPEG')
h('no_jpeg12', GREY.tobytes(), {258: 12, 259: 7}); fail('h_no_jpeg12', '12 bits')

for path in set(glob.glob(os.path.join(HERE, '*.tif'))) - {os.path.join(HERE, x['Name']) for x in files}: os.remove(path)
json.dump(dict(Width=W, Height=H, Rights={k: dict(Width=v.shape[1], Height=v.shape[0], RGB=base64.b64encode(zlib.compress(v.tobytes(), 9)).decode()) for k, v in rights.items()}, Files=files), open(os.path.join(HERE, 'reference.json'), 'w'), indent=1)
print(len(files), 'files,', sum(os.path.getsize(os.path.join(HERE, x['Name'])) for x in files)//1024, 'KiB')
