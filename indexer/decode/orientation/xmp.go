package orientation

import "regexp"

// inXMP finds tiff:Orientation as an attribute and as an element.
var inXMP = regexp.MustCompile(`tiff:Orientation\s*(?:=\s*["']|>)\s*([0-9])`)

// fromXMP returns the orientation of a packet, 0 if it has none.
func fromXMP(packet []byte) int {
	match := inXMP.FindSubmatch(packet)
	if match == nil {
		return 0
	}
	return int(match[1][0] - '0')
}
