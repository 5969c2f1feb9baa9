package meter

// A Mean is that of numbers that come one by one. Its zero value has none.
type Mean struct {
	sum float64
	n   int
}

// Add takes in a number.
func (m *Mean) Add(v float64) {
	m.sum += v
	m.n++
}

// Value returns the mean, 0 of none.
func (m *Mean) Value() float64 {
	if m.n == 0 {
		return 0
	}
	return m.sum / float64(m.n)
}
