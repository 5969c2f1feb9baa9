package demo

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Print writes the report for a person.
func (r *Report) Print(w io.Writer) {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	ms := func(m milliseconds) int64 { return time.Duration(m).Milliseconds() }
	p("The call, in a set of %d", r.Members)
	p("  ring                %5d ms after dialing", ms(r.Ring))
	p("  first voice         %5d ms after the answer", ms(r.Setup))
	if len(r.Voices) == 0 {
		p("  mouth to ear        %5d ms to bob, %d ms to ann", ms(r.MouthToEar), ms(r.Back))
		p("  speech similarity   %5.2f to bob, %.2f to ann (1 is the same, other speech is below 0.3)", r.Similarity, r.SimilarityBack)
	}
	r.Latency.print(p, "bob")
	r.LatencyBack.print(p, "ann")
	for _, v := range r.Voices {
		p("  %-19s %5d ms, similarity %.2f (1 is the same, other speech is below 0.3)", v.From+" to "+v.To, ms(v.MouthToEar), v.Similarity)
	}
	p("  clicks, gaps, repeats %3d, %d, %d", r.Clicks, r.Gaps, r.Repeats)
	p("  cells               %d sent, %d skipped, %d lost", r.CellsSent, r.CellsSkipped, r.CellsLost)
	if r.Heard != "" {
		p("  what bob heard      %s", r.Heard)
	}
	p("")
	p("What the eavesdropper on ann's line saw")
	p("                          %-28s %s", "idle", "in the call")
	row := func(name string, f func(Flow) string) {
		for _, d := range []struct {
			name       string
			idle, call Flow
		}{{"up", r.Wire.Idle.Up, r.Wire.Call.Up}, {"down", r.Wire.Idle.Down, r.Wire.Call.Down}} {
			p("  %-18s %-4s %-28s %s", name, d.name, f(d.idle), f(d.call))
		}
	}
	row("cells per second", func(f Flow) string { return fmt.Sprintf("%.2f of %d bytes", f.CellsPerSecond, f.CellSize) })
	row("packets per second", func(f Flow) string { return fmt.Sprintf("%.2f", f.PacketsPerSecond) })
	row("sizes in bytes", func(f Flow) string { return strings.Trim(fmt.Sprint(f.Sizes), "[]") })
	row("kbit/s", func(f Flow) string { return fmt.Sprintf("%.1f", f.KbitPerSecond) })
}

// print writes where the time goes, in one line.
func (s *Stages) print(p func(string, ...any), to string) {
	ms := func(m milliseconds) float64 { return float64(m) / float64(time.Millisecond) }
	p("    to %s: capture %.0f, codec %.1f, margin %.1f, up %.1f, mix wait %.1f, down %.1f, playout %.1f, device %.1f: %.1f ms",
		to, ms(s.Capture), ms(s.Codec), ms(s.Margin), ms(s.Up), ms(s.MixWait), ms(s.Down), ms(s.Playout), ms(s.Device), ms(s.Sum))
}
