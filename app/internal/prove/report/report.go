// Package report shows what was judged: on a terminal, as JSON, and as a page of
// HTML with pictures for people who have never heard of an AUC.
//
//	Document: judge.Report, --> Text   a table for the terminal
//	facts of the run,       --> JSON   all figures
//	Pictures                --> HTML   one file: no script, nothing from elsewhere
//
// The page has three pictures: the AUC of each feature with its interval, around
// the 0.5 of guessing and the bounds of equality; how late the packets were under
// each label; and packets on the wire against speech, which is the claim itself:
// the speech comes and goes, and the packets do not care. It is drawn as SVG in the
// page, follows the reader's choice of light or dark, and prints.
//
// Whoever ran the measurement passes the series for the pictures; a picture
// without data is left out. Everything is written to an io.Writer and nothing is
// kept. Any goroutine may call it.
package report

import (
	"encoding/json"
	"io"

	"undertone/app/internal/prove/judge"
)

// A Document is all there is to show of one run.
type Document struct {
	Facts    []Fact       `json:"facts"`
	Judged   judge.Report `json:"judged"`
	Pictures Pictures     `json:"-"`
}

// A Fact is something about the run to print as it is: the mode, the interval, the
// line, the date.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Pictures are the series that the page draws.
type Pictures struct {
	// Lateness is how late packets were, in milliseconds against the grid: for each
	// label as many values as there are, in any order.
	Lateness []Distribution
	// Wire is some tens of seconds of one line, with speech in them.
	Wire Wire
}

// A Distribution is the values of one label.
type Distribution struct {
	Label  string
	Call   bool
	Values []float64
}

// Wire is what was on the wire while somebody spoke. Times are in seconds from its
// start.
type Wire struct {
	Seconds float64
	Spans   []Span
	// Loudness of the voice that was spoken, from 0 to 1, evenly over the time.
	Loudness []float64
	Packets  []Packet
}

// A Span is a time under one label.
type Span struct {
	From, To float64
	Label    string
	Call     bool
}

// A Packet is a datagram.
type Packet struct {
	At    float64
	Bytes int
	Up    bool // sent by the user, rather than to them
}

// JSON writes all figures.
func JSON(w io.Writer, d Document) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// headlines say each verdict in a few words.
var headlines = map[judge.Verdict]string{
	judge.Pass:         "No call shows",
	judge.Leak:         "Calls show",
	judge.Inconclusive: "Not enough to say",
	judge.Void:         "This run says nothing",
}

func headline(r judge.Report) string {
	if r.Quick && r.Verdict == judge.Inconclusive {
		return "Nothing gross was found"
	}
	return headlines[r.Verdict]
}
