package metadata

import "bytes"

// WithoutNaN returns JSON in which null stands for the numbers that are none, as Python
// writes them: NaN, Infinity and -Infinity. What holds none is returned as it is.
func WithoutNaN(data []byte) []byte {
	if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) {
		return data
	}
	var clean []byte
	quoted := false
	for at := 0; at < len(data); at++ {
		switch c := data[at]; {
		case quoted && c == '\\' && at+1 < len(data):
			clean = append(clean, c)
			at++
		case c == '"':
			quoted = !quoted
		}
		if word := noNumber(data[at:]); word > 0 && !quoted {
			clean = append(clean, "null"...)
			at += word - 1
			continue
		}
		clean = append(clean, data[at])
	}
	return clean
}

// noNumber is the length of the word that data begins with, if that is none.
func noNumber(data []byte) int {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(data, []byte(word)) {
			return len(word)
		}
	}
	return 0
}
