package decode

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"slices"

	"golang.org/x/image/webp"
)

// Chunks and flags of the WebP container (RFC 9649).
const (
	webpExtended  = "VP8X"
	webpFrame     = "ANMF"
	webpAlpha     = "ALPH"
	webpLossy     = "VP8 "
	webpLossless  = "VP8L"
	webpHasAlpha  = 1 << 4
	webpIsMoving  = 1 << 1
	webpRIFF      = 12 // bytes before the first chunk
	webpChunkHead = 8  // name and size
	webpFrameHead = 16 // place, size, duration, flags
)

// animatedWebP reports whether a WebP says that it is animated.
func animatedWebP(data []byte) bool {
	at := webpRIFF + webpChunkHead
	return len(data) > at && string(data[webpRIFF:webpRIFF+4]) == webpExtended && data[at]&webpIsMoving != 0
}

// firstFrame is what an animated WebP shows first.
type firstFrame struct {
	canvas image.Point
	place  image.Rectangle // on the canvas
	size   []byte          // of the frame, as in the file
	chunks []byte          // of the frame
}

// readFirstFrame reads the container of an animated WebP.
func readFirstFrame(data []byte) (firstFrame, error) {
	chunks := webpChunks(data)
	for len(chunks) > 0 {
		name, content, rest := nextChunk(chunks)
		switch name {
		case "":
			if len(chunks) > webpChunkHead && string(chunks[:4]) == webpFrame {
				return newFirstFrame(data[webpRIFF+webpChunkHead:], chunks[webpChunkHead:])
			}
			return firstFrame{}, faultf(Corrupt, "it is cut off before its first frame")
		case webpFrame:
			return newFirstFrame(data[webpRIFF+webpChunkHead:], content)
		}
		chunks = rest
	}
	return firstFrame{}, faultf(Corrupt, "it has no frame")
}

// webpChunks is what the container says that it holds, up to the end of the file.
func webpChunks(data []byte) []byte {
	if len(data) < webpRIFF {
		return nil
	}
	end := int64(webpChunkHead) + int64(binary.LittleEndian.Uint32(data[4:]))
	if end < webpRIFF+webpChunkHead { // a writer that did not know
		end = int64(len(data))
	}
	return data[webpRIFF:min(end, int64(len(data)))]
}

// nextChunk takes the first of several chunks. A name of "" is one that is cut
// off.
func nextChunk(chunks []byte) (name string, content, rest []byte) {
	if len(chunks) < webpChunkHead {
		return "", nil, nil
	}
	size := int64(binary.LittleEndian.Uint32(chunks[4:]))
	if size > int64(len(chunks)-webpChunkHead) {
		return "", nil, nil
	}
	content = chunks[webpChunkHead : webpChunkHead+size]
	return string(chunks[:4]), content, chunks[min(webpChunkHead+size+size&1, int64(len(chunks))):]
}

// newFirstFrame takes the contents of the chunk that describes the canvas and of
// that of the frame.
func newFirstFrame(canvas, frame []byte) (firstFrame, error) {
	if len(canvas) < 10 || len(frame) < webpFrameHead {
		return firstFrame{}, faultf(Corrupt, "its first frame is cut off")
	}
	f := firstFrame{canvas: image.Pt(1+uint24(canvas[4:]), 1+uint24(canvas[7:]))}
	f.place.Min = image.Pt(2*uint24(frame), 2*uint24(frame[3:]))
	f.place.Max = f.place.Min.Add(image.Pt(1+uint24(frame[6:]), 1+uint24(frame[9:])))
	f.size, f.chunks = frame[6:12], frame[webpFrameHead:]
	config, err := webp.DecodeConfig(bytes.NewReader(stillWebP(f.size, filled(f.chunks, 0, 0))))
	if err != nil {
		return f, err
	}
	if image.Pt(config.Width, config.Height) != f.place.Size() || !f.place.In(image.Rectangle{Max: f.canvas}) {
		return f, faultf(Corrupt, "its first frame has another size than it says, or lies outside")
	}
	return f, nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// stillWebP makes a WebP of the chunks of a frame, whose size is as in the file.
func stillWebP(size, chunks []byte) []byte {
	var body []byte
	for rest := chunks; len(rest) > 0; {
		name, content, after := nextChunk(rest)
		if name == "" {
			break
		}
		if name == webpAlpha {
			body = appendChunk(body, webpExtended, slices.Concat([]byte{webpHasAlpha, 0, 0, 0}, size))
		}
		if name == webpAlpha || name == webpLossy || name == webpLossless {
			body = appendChunk(body, name, content)
		}
		rest = after
	}
	still := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+len(body)))
	return slices.Concat(still, []byte("WEBP"), body)
}

func appendChunk(to []byte, name string, content []byte) []byte {
	to = binary.LittleEndian.AppendUint32(append(to, name...), uint32(len(content)))
	to = append(to, content...)
	return append(to, make([]byte, len(content)&1)...)
}

// webpConfig is that of the canvas where a WebP is animated.
func webpConfig(t task) (image.Config, error) {
	if !animatedWebP(t.data) {
		return streamed(webp.DecodeConfig)(t)
	}
	frame, err := readFirstFrame(t.data)
	return image.Config{ColorModel: color.NRGBAModel, Width: frame.canvas.X, Height: frame.canvas.Y}, err
}

// decodeWebP decodes what a WebP shows first.
func decodeWebP(t task) (image.Image, error) {
	if !animatedWebP(t.data) {
		return decodeStillWebP(t)
	}
	frame, err := readFirstFrame(t.data)
	if err != nil {
		return nil, err
	}
	img, err := decodeChunks(t, frame.size, frame.chunks)
	if err != nil {
		return nil, err
	}
	return onCanvas(plain(img, t.codec.name, t.config), frame.place, frame.canvas), nil
}

// decodeStillWebP also reads a container that promises transparency and has none.
func decodeStillWebP(t task) (image.Image, error) {
	size, chunks := []byte(nil), webpChunks(t.data)
	if !t.meta.cut {
		img, err := streamed(webp.Decode)(t)
		if err == nil || t.ctx.Err() != nil {
			return img, err
		}
	}
	if name, content, rest := nextChunk(chunks); name == webpExtended && len(content) >= 10 {
		size, chunks = content[4:10], rest
	}
	return decodeChunks(t, size, chunks)
}

// decodeChunks decodes a picture of the size that its container says.
func decodeChunks(t task, size, chunks []byte) (image.Image, error) {
	if t.meta.cut && cutOff(chunks) {
		return cutWebP{size, chunks}.decode(t)
	}
	return webp.Decode(untilDone(t.ctx, bytes.NewReader(stillWebP(size, chunks))))
}
