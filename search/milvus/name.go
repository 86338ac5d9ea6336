package milvus

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

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
	return collectionPrefix + slug(key.Collection) + "_" + digest(key.Collection, key.Fingerprint)
}

// aliasName names what searches of a collection ask.
func aliasName(collection string) string {
	return aliasPrefix + slug(collection) + "_" + digest(collection)
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

// describe is the description of key's collection.
func describe(key search.Key) string {
	text, err := json.Marshal(key)
	if err != nil {
		return "" // strings and a number: cannot happen
	}
	return string(text)
}

// keyOf reads a description back.
func keyOf(description string) (search.Key, error) {
	var key search.Key
	err := json.Unmarshal([]byte(description), &key)
	if err != nil || key.Collection == "" {
		return key, fmt.Errorf("collection description %q is not one of Polylens", description)
	}
	return key, nil
}
