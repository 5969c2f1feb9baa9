//go:build !race

package rtc

import (
	"testing"

	"undertone/transport/cell"
)

// TestWire is the table of the package comment: 3,000 cells each way at 100 ms,
// at every combination of delay and loss.
func TestWire(t *testing.T) {
	testWire(t, cell.Interval100, 3000, []int{0, 50, 100, 200, 300}, []float64{0, 0.01, 0.05})
}
