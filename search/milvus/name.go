package milvus

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"polylens/indexer/catalog"
	"polylens/search"
)

const (
	collectionPrefix = "polylens_c_"
	aliasPrefix      = "polylens_a_"
	longestSlug      = 40
)

// collectionName names the Milvus collection of key: readable as far as Milvus
// allows (letters, digits and _), unique through a hash. The description of the
// collection holds the key itself.
func collectionName(key search.Key) string {
	return collectionPrefix + slug(string(key.Collection)) + "_" + digest(string(key.Collection), key.Fingerprint)
}

// aliasName names what searches of a collection ask.
func aliasName(collection catalog.CollectionID) string {
	return aliasPrefix + slug(string(collection)) + "_" + digest(string(collection))
}

func isOurs(name string) bool { return strings.HasPrefix(name, collectionPrefix) }

// slug keeps what Milvus and people can read of a name.
func slug(name string) string {
	var out strings.Builder
	for _, r := range strings.ToLower(name) {
		if out.Len() >= longestSlug {
			break
		}
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			out.WriteRune(r)
		} else if r == '-' || r == '_' || r == ' ' || r == '.' {
			out.WriteByte('_')
		}
	}
	return out.String()
}

// digest is 128 bits of SHA-256 over the parts, each with its length.
func digest(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// description is what a collection of Milvus says of itself: which index it is,
// and how long its vectors are.
type description struct {
	search.Key
	Dimension int
}

// String is the description as Milvus keeps it.
func (d description) String() string {
	text, err := json.Marshal(d)
	if err != nil {
		return "" // strings and a number: cannot happen
	}
	return string(text)
}

// readDescription reads a String back.
func readDescription(text string) (description, error) {
	var d description
	err := json.Unmarshal([]byte(text), &d)
	if err != nil || d.Collection == "" {
		return d, fmt.Errorf("collection description %q is not one of Polylens", text)
	}
	return d, nil
}
