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
// zero character: no name, text or filter does. A parameter that is given twice is refused,
// too, since one of the two would be passed over in silence; lists have commas.
func textChecked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := len(r.RequestURI); n > maxAddress {
			writeProblem(w, newProblem(kindLongAddress, fmt.Sprintf(
				"the address has %d bytes, more than %d: send a long filter as JSON with POST %s/collections/{name}/query", n, maxAddress, apiPrefix)))
			return
		}
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
		if times := len(parameters[name]); times > 1 {
			return fmt.Errorf("parameter %.40q is given %d times: give it once, with commas in it if it is a list", name, times)
		}
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
