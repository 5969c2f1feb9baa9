package node

import (
	"math"
	"time"

	"undertone/server/internal/mix"
	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
)

// A Traffic is about what one user costs on the wire, in a call or not.
type Traffic struct {
	// Up and Down are the rates of the two directions, in kbit/s.
	Up   int `json:"kbit_per_second_up"`
	Down int `json:"kbit_per_second_down"`
	// GigabytesPerMonth counts both directions, for 30 days, in 10^9 bytes.
	GigabytesPerMonth int `json:"gigabytes_per_month_both_ways"`
}

// What messages cost in bytes, measured.
const (
	// around is what IP, UDP, DTLS and SCTP put around a message.
	around = 97
	// ack is what a message costs in the other direction: its share of an
	// acknowledgement.
	ack = 45
	// rest is the share in a slot of what is sent now and then, such as
	// heartbeats, at the longest interval.
	rest = 5
)

// Traffic computes the traffic of a user when so many are online.
func (s Settings) Traffic(online int) Traffic {
	up, down := mix.Shapes(s.Mode, s.shared(), online)
	each := func(own, other half.Shape) float64 {
		bytes := own.Parts*own.Messages*(own.Size+around) + other.Parts*other.Messages*ack
		if s.Interval == cell.Interval100 {
			bytes += rest
		}
		return float64(bytes) * float64(time.Second) / float64(s.Interval.Duration())
	}
	const month = 30 * 24 * 60 * 60
	return Traffic{
		Up:                int(math.Round(each(up, down) * 8 / 1000)),
		Down:              int(math.Round(each(down, up) * 8 / 1000)),
		GigabytesPerMonth: int(math.Round((each(up, down) + each(down, up)) * month / 1e9)),
	}
}

// Datagrams returns about how many come in a second when so many users are online.
func (s Settings) Datagrams(online int) float64 {
	up, down := mix.Shapes(s.Mode, s.shared(), online)
	// Every second message down is acknowledged.
	each := float64(up.Parts*up.Messages) + float64(down.Parts*down.Messages)/2
	return float64(online) * each / s.Interval.Duration().Seconds()
}

// Processors returns about how many processors the server needs when so many
// users are online.
func (s Settings) Processors(online int) float64 {
	return mix.Cost(s.Mode, s.Interval, s.shared(), online)
}
