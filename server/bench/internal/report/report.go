package report

import (
	"encoding/json"
	"io"
	"time"

	"undertone/server/bench/internal/crowd"
	"undertone/server/bench/internal/meter"
)

// A Report is one run.
type Report struct {
	Facts    Facts     `json:"facts"`
	Subjects []Subject `json:"subjects"`
}

// Facts are what the run was like.
type Facts struct {
	Began      time.Time   `json:"began"`
	Mode       string      `json:"mode"`
	Interval   string      `json:"interval"`
	Users      int         `json:"users"`
	Seconds    float64     `json:"seconds"`
	Margin     float64     `json:"margin_ms"`
	Calls      int         `json:"calls_percent"`
	Churn      crowd.Churn `json:"churn"`
	Processors int         `json:"processors"`
	System     string      `json:"system"`
	Go         string      `json:"go"`
}

// A Subject is a server that was measured.
type Subject struct {
	Name string `json:"name"`
	// Seconds is for how long it was measured, Users how many were online
	// meanwhile, on average.
	Seconds float64 `json:"seconds"`
	Users   float64 `json:"users_online"`

	CPU    CPU    `json:"cpu"`
	Memory Memory `json:"memory"`
	Wire   Wire   `json:"wire"`
	// Goroutines and Threads are those of the end.
	Goroutines int `json:"goroutines"`
	Threads    int `json:"threads"`

	// Counts are what the crowd has counted. Online is that of the end.
	Counts crowd.Counts `json:"crowd"`
	// Late is the lateness of what the server sent, against each line's own beat, where
	// it has one; Trip the time until an answer, where it has none.
	Late meter.Summary `json:"lateness"`
	Trip meter.Summary `json:"answers"`
	// Beats is from where to where the beats of all lines are, after the start of a
	// slot; nil where there are none.
	Beats *meter.Span `json:"beats,omitempty"`
	// Own is the lateness of the crowd's sending, and Back how long users were away
	// who had lost their line or their program.
	Own  meter.Summary `json:"crowd_lateness"`
	Back meter.Summary `json:"away"`
	// Served is what the server says itself, nil if it says nothing.
	Served *Served `json:"server,omitempty"`

	// Tail is the whole curve of Late, or of Trip.
	Tail   []meter.Point `json:"tail"`
	Series []Sample      `json:"series"`
}

// A CPU is processor time: 1 is all of one processor.
type CPU struct {
	Server float64 `json:"server"`
	Crowd  float64 `json:"crowd"`
	// PerUser is the server's, in millionths of a processor for each user.
	PerUser float64 `json:"server_per_user_us_per_s"`
	// PerSlot is the server's for one user in one interval, in microseconds.
	PerSlot float64 `json:"server_per_user_and_slot_us"`
	// Stolen is what the host of a virtual machine took from all its processors for
	// others, and StolenMost the most of that between two samples. What is late or
	// skipped then says nothing about the server.
	Stolen     float64 `json:"stolen"`
	StolenMost float64 `json:"stolen_most"`
}

// A Memory is what the server has resident, in bytes.
type Memory struct {
	// Empty is before the first user, Begin and End are those of the measurement,
	// and Most the most of it.
	Empty int64 `json:"empty"`
	Begin int64 `json:"begin"`
	End   int64 `json:"end"`
	Most  int64 `json:"most"`
	// PerUser is the most, less the empty one, for each user.
	PerUser float64 `json:"per_user"`
}

// A Wire is what one user's line carries, with IP and UDP around it.
type Wire struct {
	Up   Rate `json:"up"`
	Down Rate `json:"down"`
}

// A Rate is of one direction.
type Rate struct {
	Kbit      float64 `json:"kbit_per_s"`
	Datagrams float64 `json:"datagrams_per_s"`
}

// A Served is what Undertone's server says of the time of the measurement, but for
// the worst lateness, which is since its start.
type Served struct {
	Online  int    `json:"online"`
	Slots   uint64 `json:"slots"`
	Skipped uint64 `json:"slots_skipped"`
	Late    uint64 `json:"cells_late"`
	Missing uint64 `json:"cells_missing"`
	Unsent  uint64 `json:"cells_unsent"`
	Faults  uint64 `json:"faults"`
	// MixingMean and MixingMax tell how late the work of a slot began, SendingMax how
	// late a message was handed to its line, in milliseconds.
	MixingMean float64 `json:"mixing_mean_ms"`
	MixingMax  float64 `json:"mixing_max_ms"`
	SendingMax float64 `json:"sending_max_ms"`
	// Registered is how many users are in the registry in the end, and Expected how
	// many came online at one time or another.
	Registered int `json:"registered"`
	Expected   int `json:"registered_expected"`
	// Odd is how many messages could not be read by the users, and Voice how many
	// cells of calls came through.
	Odd   uint64 `json:"cells_unreadable"`
	Voice uint64 `json:"cells_of_calls"`
}

// A Sample is the state of things at one moment.
type Sample struct {
	Second    float64 `json:"second"`
	Online    int64   `json:"online"`
	ServerCPU float64 `json:"server_cpu"`
	CrowdCPU  float64 `json:"crowd_cpu"`
	StolenCPU float64 `json:"stolen_cpu"`
	Resident  int64   `json:"resident"`
	Threads   int     `json:"threads"`
	Received  uint64  `json:"received"`
	Lost      uint64  `json:"lost"`
}

// JSON writes all of it.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
