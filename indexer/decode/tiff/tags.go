package tiff

import "fmt"

// Tags of TIFF 6.0, its technical notes, TIFF/EP and DNG.
const (
	tagNewSubfileType      = 254
	tagImageWidth          = 256
	tagImageLength         = 257
	tagBitsPerSample       = 258
	tagCompression         = 259
	tagPhotometric         = 262
	tagFillOrder           = 266
	tagMake                = 271
	tagStripOffsets        = 273
	tagOrientation         = 274
	tagSamplesPerPixel     = 277
	tagRowsPerStrip        = 278
	tagStripByteCounts     = 279
	tagPlanarConfiguration = 284
	tagT4Options           = 292
	tagPredictor           = 317
	tagColorMap            = 320
	tagTileWidth           = 322
	tagTileLength          = 323
	tagTileOffsets         = 324
	tagTileByteCounts      = 325
	tagSubIFDs             = 330
	tagInkSet              = 332
	tagExtraSamples        = 338
	tagSampleFormat        = 339
	tagJPEGTables          = 347
	tagDecode              = 433
	tagJPEGOffset          = 513 // JPEGInterchangeFormat
	tagJPEGRestartInterval = 515
	tagJPEGQTables         = 519
	tagJPEGDCTables        = 520
	tagJPEGACTables        = 521
	tagYCbCrCoefficients   = 529
	tagYCbCrSubsampling    = 530
	tagReferenceBlackWhite = 532
	tagICCProfile          = 34675
	tagDNGVersion          = 50706
)

// Values of tagPhotometric.
const (
	whiteIsZero = 0
	blackIsZero = 1
	rgb         = 2
	palette     = 3
	mask        = 4
	separated   = 5
	ycbcr       = 6
	cieLab      = 8
	iccLab      = 9
	ituLab      = 10
	mosaic      = 32803 // color filter array
	linearRaw   = 34892
)

// notGiven stands for a tag that is absent, and for a sample that there is not.
const notGiven = -1

// Bits of tagNewSubfileType.
const (
	reducedPage = 1
	maskPage    = 4
)

// Values of tagExtraSamples that are alpha.
const (
	associated   = 1
	unassociated = 2
	corelAlpha   = 999 // of Corel Draw 10
)

// otherInks is the value of tagInkSet for inks that are not those of CMYK.
const otherInks = 2

// Values of tagSampleFormat.
const (
	unsignedInteger = 1
	signedInteger   = 2
	floatingPoint   = 3
	untyped         = 4
)

// Values of tagCompression.
const (
	uncompressed   = 1
	faxRLE         = 2
	faxGroup3      = 3
	faxGroup4      = 4
	lzwCompression = 5
	oldJPEG        = 6
	jpegInTIFF     = 7
	deflate        = 8
	faxRLEWords    = 32771
	packBits       = 32773
	oldDeflate     = 32946
	lzmaInTIFF     = 34925
	zstdInTIFF     = 50000
	webpInTIFF     = 50001
)

// unreadCompressions names what is not read, for errors.
var unreadCompressions = map[int]string{
	9: "JBIG", 10: "JBIG", 32766: "NeXT", 32767: "Sony ARW", 32769: "packed raw", 32809: "ThunderScan",
	32895: "IT8 CT", 32896: "IT8 line work", 32897: "IT8 MP", 32898: "IT8 BL",
	32908: "PixarFilm", 32909: "PixarLog", 33003: "JPEG 2000", 33005: "JPEG 2000", 34661: "JBIG", 34676: "SGI LogLuv",
	34677: "SGI LogLuv 24", 34712: "JPEG 2000", 34713: "Nikon NEF", 34887: "LERC", 34892: "lossy JPEG of DNG",
	34926: "zstd, by an old number", 34927: "WebP, by an old number", 50002: "JPEG XL", 52546: "JPEG XL",
}

func unreadCompression(number int) error {
	if name := unreadCompressions[number]; name != "" {
		return unsupported("compression %d (%s)", number, name)
	}
	return unsupported("compression %d", number)
}

// photometricName is for errors.
func photometricName(number int) string {
	switch number {
	case mosaic:
		return "the mosaic of a camera's sensor"
	case linearRaw:
		return "linear raw"
	case 32844:
		return "LogL"
	case 32845:
		return "LogLuv"
	}
	return fmt.Sprintf("photometric interpretation %d", number)
}
