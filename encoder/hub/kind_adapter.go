package hub

import (
	"polylens/encoder/adapter"
)

func describeAdapter(dir string, info *Info) error {
	opened, err := adapter.Open(dir)
	if err != nil {
		return err
	}
	info.Kind = KindAdapter
	info.Base, _ = opened.Base()
	return nil
}

// adapterFiles leaves out the base: whoever merges the two takes both
// fingerprints.
func adapterFiles(dir string) ([]string, error) {
	return append(companionsIn(dir), adapter.ConfigFile, adapter.WeightsFile), nil
}
