package web

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"polylens/internal/text"
)

// textChecked refuses paths and parameters of the API that are not UTF-8 or hold a
// zero character: no name, text or filter does.
func textChecked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") {
			if err := checkAddress(r.URL); err != nil {
				writeProblem(w, newProblem(kindInvalid, err.Error()))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func checkAddress(address *url.URL) error {
	if err := text.Check(address.Path); err != nil {
		return fmt.Errorf("the path cannot be used: %w", err)
	}
	parameters := address.Query()
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		for _, value := range append(parameters[name], name) {
			if err := text.Check(value); err != nil {
				return fmt.Errorf("parameter %.40q cannot be used: %w", name, err)
			}
		}
	}
	return nil
}

// checkedJSON is JSON without what encoding/json would replace in silence, and without
// zero characters.
var checkedJSON = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(data []byte, into any) error {
		if err := text.CheckJSON(data); err != nil {
			return fmt.Errorf("the body cannot be used: %w", err)
		}
		return huma.DefaultJSONFormat.Unmarshal(data, into)
	},
}
