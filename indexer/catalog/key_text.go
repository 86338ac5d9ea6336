package catalog

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// The text of a key is
//
//	polylens_ID_SECRET
//
// where ID names the key and is no secret. SECRET is 260 random bits and a checksum of
// all before it, so that programs that look for leaked keys recognize one for sure, and a
// mistyped one is refused without a look into the catalogue.
const (
	keyPrefix    = "polylens_"
	keyIDLength  = 12 // of letters and digits: 60 bits
	secretLength = 52 // 260 bits
	checkLength  = 7  // 32 bits
	keyLength    = len(keyPrefix) + keyIDLength + 1 + secretLength + checkLength
)

// NewKeyText makes a key. Only who gets the text can use it: nothing else tells it.
func NewKeyText() (key string) {
	id := strings.ToLower(rand.Text()[:keyIDLength])
	secret := (rand.Text() + rand.Text())[:secretLength]
	key = keyPrefix + id + "_" + strings.ToLower(secret)
	return key + keyCheck(key)
}

func keyCheck(key string) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(key)))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum))
}

// KeyIDOf is the ID of the key with a text. It is false for what is no key's text.
func KeyIDOf(key string) (id string, ok bool) {
	if len(key) != keyLength || !strings.HasPrefix(key, keyPrefix) || key[len(keyPrefix)+keyIDLength] != '_' {
		return "", false
	}
	at := len(key) - checkLength
	if key[at:] != keyCheck(key[:at]) {
		return "", false
	}
	return key[len(keyPrefix) : len(keyPrefix)+keyIDLength], true
}

// SetText makes k the key with a text.
func (k *Key) SetText(key string) {
	k.ID, _ = KeyIDOf(key)
	hash := sha256.Sum256([]byte(key))
	k.Hash, k.Signing = hash[:], SigningSecret(key)
}

// IsText reports whether key is the text of k, in a time that does not depend on it.
func (k Key) IsText(key string) bool {
	hash := sha256.Sum256([]byte(key))
	return subtle.ConstantTimeCompare(hash[:], k.Hash) == 1
}

// SigningSecret is what the holder of a key signs tokens for searches with:
// HMAC-SHA-256 of the words "polylens tenant token", keyed with the key's text. It says
// nothing about the key.
func SigningSecret(key string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("polylens tenant token")) // a hash never fails to write
	return mac.Sum(nil)
}
