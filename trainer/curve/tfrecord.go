package curve

import (
	"encoding/binary"
	"hash/crc32"
)

// appendFrame adds data as TFRecord files hold it: length (8 bytes) and its
// checksum (4), data and its checksum (4), little-endian. See
// https://www.tensorflow.org/tutorials/load_data/tfrecord, "TFRecords format details".
func appendFrame(to, data []byte) []byte {
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	to = append(to, length...)
	to = binary.LittleEndian.AppendUint32(to, maskedChecksum(length))
	to = append(to, data...)
	return binary.LittleEndian.AppendUint32(to, maskedChecksum(data))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedChecksum is a CRC-32C, changed so that the checksum of data that hold
// checksums is still a good one.
func maskedChecksum(data []byte) uint32 {
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}
