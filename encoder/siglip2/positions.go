package siglip2

// PositionWeights says how each patch of a grid mixes its position from those in a
// NaFlex model's table: a row for each patch, row by row of the grid, and a column
// for each position of the square table. Rows add up to one. The product with the
// table is the table resized to the grid, bilinear and antialiased, as
// torch.nn.functional.interpolate does it with antialias=True and align_corners=False
// (Siglip2VisionEmbeddings.resize_positional_embeddings of transformers).
func PositionWeights(config VisionConfig, rows, columns int) []float32 {
	side := int(config.Grid())
	down, across := resample(side, rows), resample(side, columns)
	weights := make([]float32, rows*columns*side*side)
	for patch := range rows * columns {
		row := weights[patch*side*side:][:side*side]
		for y, wy := range down[patch/columns] {
			for x, wx := range across[patch%columns] {
				row[y*side+x] = wy * wx
			}
		}
	}
	return weights
}

// resample is the linear interpolation of one axis from in to out samples as a
// matrix [out][in]. Going down, its triangle is stretched to cover all samples
// (aten/src/ATen/native/cpu/UpSampleKernel.cpp, upsample_bilinear2d_aa).
func resample(in, out int) [][]float32 {
	scale := float32(in) / float32(out)
	support := max(scale, 1)
	matrix := make([][]float32, out)
	for i := range matrix {
		matrix[i] = make([]float32, in)
		center := scale * (float32(i) + 0.5)
		first := max(int(center-support+0.5), 0)
		last := min(int(center+support+0.5), in)
		var sum float32
		for x := first; x < last; x++ {
			distance := (float32(x) - center + 0.5) / support
			matrix[i][x] = max(0, 1-max(distance, -distance))
			sum += matrix[i][x]
		}
		for x := first; x < last; x++ {
			matrix[i][x] /= sum
		}
	}
	return matrix
}
