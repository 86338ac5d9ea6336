package tiff

import "strings"

// makers are how the makers of cameras call their raw files that are built like a TIFF.
var makers = []struct{ prefix, name string }{
	{"Canon", "Canon CR2"}, {"NIKON", "Nikon NEF"}, {"SONY", "Sony ARW"}, {"PENTAX", "Pentax PEF"}, {"RICOH", "Pentax PEF"},
	{"SAMSUNG", "Samsung SRW"}, {"Hasselblad", "Hasselblad 3FR"}, {"Phase One", "Phase One IIQ"}, {"Leaf", "Leaf MOS"},
	{"KODAK", "Kodak DCR"}, {"EASTMAN KODAK", "Kodak DCR"}, {"SEIKO EPSON", "Epson ERF"}, {"Mamiya", "Mamiya MEF"},
	{"OLYMPUS", "Olympus ORF"}, {"Panasonic", "Panasonic RW2"}, {"LEICA", "Leica RWL"},
}

// rawMagics are the first bytes of raw files that are built like a TIFF but say that they
// are none.
var rawMagics = []struct{ magic, name string }{
	{"IIRO", "Olympus ORF"}, {"IIRS", "Olympus ORF"}, {"MMOR", "Olympus ORF"}, {"IIU\x00", "Panasonic RW2"},
}

// CameraRaw names the kind of raw file that a camera wrote, such as "Nikon NEF"; "" is
// none of them. A page of the sensor's mosaic makes one, unless the first page is an
// ordinary picture of full size.
func CameraRaw(data []byte) string {
	for _, m := range rawMagics {
		if strings.HasPrefix(string(data[:min(len(data), len(m.magic))]), m.magic) {
			return m.name
		}
	}
	f, at, err := open(data)
	if err != nil {
		return ""
	}
	if len(data) > 10 && string(data[8:10]) == "CR" {
		return "Canon CR2"
	}
	first, err := f.directory(at)
	if err != nil {
		return ""
	}
	raw, found := f.rawPage(first)
	if !found && first.tags[tagDNGVersion].len() == 0 || first.ordinary(raw) {
		return ""
	}
	return first.maker()
}

// rawPage looks for the page that holds what the sensor saw: in the chain of
// directories, and among their SubIFDs.
func (f file) rawPage(first directory) (raw directory, found bool) {
	queue := []directory{first}
	for seen := 0; seen < len(queue); seen++ {
		d := queue[seen]
		if d.isRaw() {
			return d, true
		}
		children := d.tags[tagSubIFDs]
		for i := 0; i <= children.len() && len(queue) < mostDirectories; i++ {
			at := d.next
			if i < children.len() {
				at = children.uint(i)
			}
			if child, err := f.directory(at); err == nil {
				queue = append(queue, child)
			}
		}
	}
	return directory{}, false
}

func (d directory) isRaw() bool {
	const nikon, sony = 34713, 32767
	switch d.number(tagPhotometric, notGiven) {
	case mosaic, linearRaw:
		return true
	}
	compression := d.number(tagCompression, uncompressed)
	return compression == nikon || compression == sony
}

// ordinary reports whether the page is a picture to look at, and not a small one of raw.
func (d directory) ordinary(raw directory) bool {
	const mostOf = 0.75
	small := d.area() < mostOf*raw.area() || d.number(tagNewSubfileType, 0)&reducedPage != 0
	return !small && !d.isRaw() && d.area() > 0
}

func (d directory) area() float64 {
	return float64(d.number(tagImageWidth, 0)) * float64(d.number(tagImageLength, 0))
}

// maker names the raw file.
func (d directory) maker() string {
	if d.tags[tagDNGVersion].len() > 0 {
		return "DNG"
	}
	brand := d.tags[tagMake].text()
	for _, m := range makers {
		if len(brand) >= len(m.prefix) && strings.EqualFold(brand[:len(m.prefix)], m.prefix) {
			return m.name
		}
	}
	if brand = strings.TrimSpace(brand); brand != "" {
		return "of " + brand
	}
	return "TIFF/EP"
}
