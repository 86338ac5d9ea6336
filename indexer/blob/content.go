package blob

import (
	"context"
	"strings"
)

// contents is where pictures lie.
const contents = "contents/"

// ContentName is the name of a picture's file, by the SHA-256 of its bytes, hexadecimal.
func ContentName(sha256 string) string {
	if len(sha256) < 2 {
		return contents + sha256
	}
	return contents + sha256[:2] + "/" + sha256
}

// PutContent keeps a picture, unless it is there already.
func (s *Store) PutContent(ctx context.Context, sha256 string, data []byte) error {
	name := ContentName(sha256)
	if there, err := s.Has(ctx, name); there || err != nil {
		return err
	}
	return s.Put(ctx, name, data)
}

// contentOf is the SHA-256 in the name of a picture's file.
func contentOf(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
