package inspect

// unions joins numbers into sets.
type unions []int

func newUnions(n int) unions {
	u := make(unions, n)
	for i := range u {
		u[i] = i
	}
	return u
}

// find gives the least number of the set.
func (u unions) find(i int) int {
	for u[i] != i {
		u[i] = u[u[i]]
		i = u[i]
	}
	return i
}

func (u unions) join(i, j int) {
	i, j = u.find(i), u.find(j)
	u[max(i, j)] = min(i, j)
}

// number gives each set a number in order of its least member, and -1 where
// used says no.
func (u unions) number(used func(i int) bool) (numbers []int, count int) {
	numbers = make([]int, len(u))
	of := make(map[int]int)
	for i := range u {
		numbers[i] = -1
		if !used(i) {
			continue
		}
		root := u.find(i)
		if _, ok := of[root]; !ok {
			of[root] = len(of)
		}
		numbers[i] = of[root]
	}
	return numbers, len(of)
}

// joinEqual joins all that have one key.
func joinEqual[K comparable](u unions, first map[K]int, key K, i int) {
	if other, ok := first[key]; ok {
		u.join(i, other)
	} else {
		first[key] = i
	}
}

// joinNear joins readable pictures that look the same.
func joinNear(u unions, contents []Content, most int) {
	first := make(map[Signature]int)
	var distinct []int
	for i, c := range contents {
		if c.Err != nil {
			continue
		}
		if _, ok := first[c.Signature]; !ok {
			distinct = append(distinct, i)
		}
		joinEqual(u, first, c.Signature, i)
	}
	for number := range hashCells {
		buckets := make(map[uint16][]int)
		for _, i := range distinct {
			band := contents[i].Signature.band(number)
			for _, j := range buckets[band] {
				if u.find(i) != u.find(j) && contents[i].Signature.Near(contents[j].Signature, most) {
					u.join(i, j)
				}
			}
			buckets[band] = append(buckets[band], i)
		}
	}
}
