package node

import (
	"math"
	"time"

	"undertone/transport/cell"
)

// A Traffic is about what one user costs on the wire, in a call or not.
type Traffic struct {
	// KilobitsPerSecond is the rate of each of the two directions.
	KilobitsPerSecond int `json:"kbit_per_second_each_way"`
	// GigabytesPerMonth counts both directions, for 30 days, in 10^9 bytes.
	GigabytesPerMonth int `json:"gigabytes_per_month_both_ways"`
}

// bytesPerCell is what one cell costs in one direction, measured: 128 bytes,
// and around them IP, UDP, DTLS and SCTP, and its share of acknowledgements.
// Where those come less often than cells, a cell has a somewhat larger share.
const (
	bytesPerCell     = 270
	bytesPerSlowCell = 275
)

// TrafficOf computes the traffic of a user of a tMIX.
func TrafficOf(i cell.Interval) Traffic {
	perCell := bytesPerCell
	if i == cell.Interval100 {
		perCell = bytesPerSlowCell
	}
	bitsPerSecond := float64(perCell*8) * float64(time.Second) / float64(i.Duration())
	const month = 30 * 24 * 60 * 60
	return Traffic{
		KilobitsPerSecond: int(math.Round(bitsPerSecond / 1000)),
		GigabytesPerMonth: int(math.Round(bitsPerSecond * 2 / 8 * month / 1e9)),
	}
}
