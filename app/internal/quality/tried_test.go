package quality

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"undertone/codec"
	"undertone/codec/opus"
	"undertone/transport/cell"
)

// inUse is what is in use at an interval, with an ear that does what is best.
func inUse(i cell.Interval) trial {
	c := trial{what: i.String() + ": in use", format: opus.FormatOf(i)}
	if c.format.Redundant {
		c.repair = next
	}
	return c
}

// withLoss is c for another expected loss, with a copy or without.
func withLoss(c trial, redundant bool, expected int) trial {
	c.format.Redundant, c.format.ExpectedLoss, c.repair = redundant, expected, guess
	head, _, _ := strings.Cut(c.what, ":")
	c.what = fmt.Sprintf("%s: no copy, %d %% expected", head, expected)
	if redundant {
		c.what, c.repair = fmt.Sprintf("%s: copy, %d %% expected", head, expected), next
	}
	return c
}

// withTwin is c with a second encoder that has some of the bytes for a copy.
func withTwin(c trial, bytes int) trial {
	p := c.format.Packets[0]
	c = withLoss(c, false, 5)
	c.format.Packets = []opus.Packet{{Samples: p.Samples, Bytes: p.Bytes - bytes}}
	c.twin = opus.Format{
		Packets: []opus.Packet{{Samples: p.Samples, Bytes: bytes}}, Band: opus.Narrow, Complexity: c.format.Complexity,
	}
	head, _, _ := strings.Cut(c.what, ":")
	c.what, c.repair = fmt.Sprintf("%s: second encoder, %d+%d bytes", head, p.Bytes-bytes, bytes), twin
	return c
}

// packet is one packet at a bit rate, in the band that is good for it.
func packet(ms, kbit int) trial {
	f := opus.FormatOf(cell.Interval20)
	f.Packets = []opus.Packet{{Samples: ms * SampleRate / 1000, Bytes: min(ms*kbit/8, cell.VoiceSize)}}
	switch {
	case kbit < 12:
		f.Band = opus.Narrow
	case kbit < 24:
		f.Band = opus.Wide
	}
	return trial{what: fmt.Sprintf("%d ms, %d kbit/s", ms, kbit), format: f}
}

// tried is what was tried against loss.
func tried() (all []trial) {
	for _, i := range cell.Intervals() {
		c := inUse(i)
		all = append(all, c)
		for _, expected := range []int{0, 2, 5, 10, 20} {
			all = append(all, withLoss(c, false, expected))
		}
		for _, expected := range []int{1, 2, 5, 10, 20} {
			all = append(all, withLoss(c, true, expected))
		}
		if len(c.format.Packets) == 1 {
			unused := withLoss(c, true, 1)
			unused.what, unused.repair = i.String()+": copy that is not used", guess
			all = append(all, unused, withTwin(c, 16), withTwin(c, 24), withTwin(c, 30))
		}
	}
	narrow := inUse(cell.Interval40)
	narrow.what, narrow.format.Band = "40ms, narrow band", opus.Narrow
	list := []trial{narrow}
	for _, p := range []struct{ ms, kbit int }{
		{20, 8}, {20, 12}, {20, 16}, {20, 24}, {20, 32}, {20, 38}, {40, 8}, {40, 12}, {40, 16}, {40, 19}, {60, 8}, {60, 12},
	} {
		list = append(list, packet(p.ms, p.kbit))
	}
	for _, c := range list {
		all = append(all, withLoss(c, false, 5), withLoss(c, true, 1), withLoss(c, true, 5), withLoss(c, true, 20))
	}
	return all
}

// lossTable writes down what each trial is worth at each rate of loss.
func lossTable(t *testing.T) {
	t.Helper()
	speech := lossMaterial(t)
	var out strings.Builder
	fmt.Fprintf(&out, "%-48s", "STOI/ESTOI, loss")
	rates := []float64{0, 0.01, 0.03, 0.05, 0.10}
	for _, r := range rates {
		fmt.Fprintf(&out, "  %8.0f %%", 100*r)
	}
	for _, c := range tried() {
		if *lossTried != "all" && !strings.Contains(c.what, *lossTried) {
			continue
		}
		fmt.Fprintf(&out, "\n%-48s", c.what)
		for _, r := range rates {
			stoi, estoi := c.score(t, speech, r, *lossSeeds)
			fmt.Fprintf(&out, "  %.3f/%.3f", stoi, estoi)
		}
	}
	t.Log(out.String())
}

// BenchmarkComplexity is what an encoder gives for its time: STOI and ESTOI of
// the bundled speech, without loss and at 5 %, and the processor's time for a
// slot, in which other programs do not show.
func BenchmarkComplexity(b *testing.B) {
	speech := lossMaterial(b)
	for _, i := range cell.Intervals() {
		for complexity := range 11 {
			b.Run(fmt.Sprintf("%v/%d", i, complexity), func(b *testing.B) {
				c := inUse(i)
				c.format.Complexity = complexity
				stoi, estoi := c.score(b, speech, 0, 1)
				_, at5 := c.score(b, speech, 0.05, 1)
				e, err := c.format.NewEncoder()
				if err != nil {
					b.Fatal(err)
				}
				var f codec.Frame
				n, at := i.Samples(), 0
				b.ReportAllocs()
				before := processorTime(b)
				for b.Loop() {
					e.Encode(speech[at:at+n], &f)
					if at += n; at+n > len(speech) {
						at = 0
					}
				}
				used := processorTime(b) - before
				b.ReportMetric(float64(used.Microseconds())/float64(b.N), "µs-CPU/slot")
				b.ReportMetric(stoi, "STOI")
				b.ReportMetric(estoi, "ESTOI")
				b.ReportMetric(at5, "ESTOI@5%")
			})
		}
	}
}

// processorTime is how long this process has computed.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
