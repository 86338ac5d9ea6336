package learnability

// products sets dots to the products of a vector with each row of a matrix,
// four rows at a time, so that the vector is read once for all four.
func products(dots, vector, rows []float32) {
	width := len(vector)
	j := 0
	for ; j+4 <= len(dots); j += 4 {
		block := rows[j*width:][:4*width]
		dots[j], dots[j+1], dots[j+2], dots[j+3] = dot4(vector, block[:width], block[width:2*width], block[2*width:3*width], block[3*width:])
	}
	for ; j < len(dots); j++ {
		dots[j] = dot(vector, rows[j*width:][:width])
	}
}

func dot4(vector, a, b, c, d []float32) (w, x, y, z float32) {
	a, b, c, d = a[:len(vector)], b[:len(vector)], c[:len(vector)], d[:len(vector)] // spares the loop its bounds checks
	for i, value := range vector {
		w += value * a[i]
		x += value * b[i]
		y += value * c[i]
		z += value * d[i]
	}
	return w, x, y, z
}

func dot(a, b []float32) (sum float32) {
	b = b[:len(a)]
	for i, value := range a {
		sum += value * b[i]
	}
	return sum
}
