package indexer

import (
	"context"
	"slices"

	"polylens/indexer/catalog"
)

// rows compares the rows of the index with the catalogue, number by number: those of
// images in the part that is read, which the index has acknowledged as they are now.
func (x *examination) rows(ctx context.Context) error {
	if x.read == (Sample{}) {
		return nil
	}
	for after := ""; ; {
		page, last, err := x.store.IndexedRows(ctx, x.known.ID, x.known.Fingerprint, after, mirrorPage)
		if err != nil {
			return err
		}
		if last == "" {
			return x.sendWrong(ctx)
		}
		after = last
		page = slices.DeleteFunc(page, func(row catalog.IndexRow) bool { return !x.read.has(row.ID) })
		wrong, err := x.wrongRows(ctx, page)
		if err != nil {
			return err
		}
		for _, id := range wrong {
			x.found.add(RowWrong, id)
		}
		if x.repair {
			if err := x.store.ForgetIndexedImages(ctx, x.known.Fingerprint, wrong); err != nil {
				return err
			}
		}
	}
}

// sendWrong sends the rows again that were found to be wrong.
func (x *examination) sendWrong(ctx context.Context) error {
	if !x.repair || x.found[RowWrong] == nil {
		return nil
	}
	if _, err := x.mirror.repair(ctx); err != nil {
		return err
	}
	x.found.repaired(RowWrong, x.found[RowWrong].Count)
	return nil
}

// wrongRows are those that differ when they are compared twice: an image may be changed
// between the look into the catalogue and that into the index.
func (x *examination) wrongRows(ctx context.Context, rows []catalog.IndexRow) ([]string, error) {
	wrong, err := x.differing(ctx, rows)
	if err != nil || len(wrong) == 0 {
		return nil, err
	}
	again, err := x.store.IndexedRowsOf(ctx, x.known.ID, x.known.Fingerprint, wrong)
	if err != nil {
		return nil, err
	}
	return x.differing(ctx, again)
}

func (x *examination) differing(ctx context.Context, rows []catalog.IndexRow) ([]string, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	wanted := make(map[string]catalog.IndexRow, len(rows))
	ids := make([]string, len(rows))
	for i, row := range rows {
		wanted[row.ID], ids[i] = row, row.ID
	}
	held, err := x.mirror.rowsOf(ctx, ids)
	var wrong []string
	for _, row := range held { // one that is missing was counted before
		want := wanted[row.ID]
		if !slices.Equal(row.Vector, want.Vector) || !sameMetadata(row.Metadata, want.Metadata) {
			wrong = append(wrong, row.ID)
		}
	}
	return wrong, err
}

func sameMetadata(a, b map[string]any) bool {
	one, err1 := catalog.MarshalMetadata(a)
	two, err2 := catalog.MarshalMetadata(b)
	return err1 == nil && err2 == nil && one == two
}
