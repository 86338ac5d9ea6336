package milvus

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"polylens/search"
)

// Fields of every collection. No partition key: an upsert into a collection
// with one loses rows from filtered search.
const (
	idField       = "id"
	vectorField   = "vector"
	metadataField = "metadata"

	longestID       = 64
	longestMetadata = 65536 // Milvus' bound on a JSON value
	largestVector   = 32768 // Milvus' bound on the dimension
)

var fingerprintForm = regexp.MustCompile(`^[0-9a-f]{1,128}$`)

func schemaOf(key search.Key, dimension int) *entity.Schema {
	return entity.NewSchema().WithName(collectionName(key)).WithDescription(description{key, dimension}.String()).
		WithField(entity.NewField().WithName(idField).WithDataType(entity.FieldTypeVarChar).WithMaxLength(longestID).WithIsPrimaryKey(true)).
		WithField(entity.NewField().WithName(vectorField).WithDataType(entity.FieldTypeFloatVector).WithDim(int64(dimension))).
		WithField(entity.NewField().WithName(metadataField).WithDataType(entity.FieldTypeJSON))
}

// checkNew refuses keys and dimensions that no index can have.
func checkNew(key search.Key, dimension int) error {
	switch {
	case key.Collection == "":
		return errors.New("a collection needs a name")
	case !fingerprintForm.MatchString(key.Fingerprint):
		return fmt.Errorf("model fingerprint %s is not lower-case hex", strconv.Quote(key.Fingerprint))
	case dimension < 1 || dimension > largestVector:
		return fmt.Errorf("vectors of %d numbers: Milvus keeps 1 to %d", dimension, largestVector)
	}
	return nil
}
