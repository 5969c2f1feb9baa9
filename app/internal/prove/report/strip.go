package report

import (
	"fmt"
	"math"
	"strings"
)

// A strip is the picture of packets on the wire against speech, over time.
type strip struct {
	Height   float64
	Spans    []span
	Speech   string // the path of the voice
	Up, Down string // the paths of packets, a stroke for each
	Ticks    []tick
	Bottom   string
	Packets  int
}

// A span is a time under one label.
type span struct{ At, Wide, Middle, Label, Class string }

const (
	stripFrom   = 90
	speechTop   = 30.0
	speechHigh  = 70.0
	packetsHigh = 46.0
	upBottom    = speechTop + speechHigh + 14 + packetsHigh
	downBottom  = upBottom + 14 + packetsHigh
	// mostSpans get their label written: more would not be readable.
	mostSpans = 14
)

// unroll draws what was on the wire.
func unroll(w Wire) *strip {
	if w.Seconds <= 0 || len(w.Packets) == 0 {
		return nil
	}
	x := axis{low: 0, high: w.Seconds, from: stripFrom, to: wide - 20}
	s := &strip{Height: downBottom + rowHigh, Bottom: coordinate(downBottom), Packets: len(w.Packets), Ticks: ticks(x, "s")}
	for _, p := range w.Spans {
		from, to := x.at(p.From), x.at(p.To)
		label := p.Label
		if len(w.Spans) > mostSpans {
			label = ""
		}
		s.Spans = append(s.Spans, span{At: coordinate(from), Wide: coordinate(max(0, to-from)),
			Middle: coordinate((from + to) / 2), Label: label, Class: class(p.Call)})
	}
	s.Speech = voice(w.Loudness, x)
	largest := 1
	for _, p := range w.Packets {
		largest = max(largest, p.Bytes)
	}
	var up, down strings.Builder
	for _, p := range w.Packets {
		path, bottom := &down, downBottom
		if p.Up {
			path, bottom = &up, upBottom
		}
		fmt.Fprintf(path, "M%s %sv-%s", coordinate(x.at(p.At)), coordinate(bottom), coordinate(packetsHigh*float64(p.Bytes)/float64(largest)))
	}
	s.Up, s.Down = up.String(), down.String()
	return s
}

// voice is the path around the loudness, the same above and below its middle.
func voice(loudness []float64, x axis) string {
	if len(loudness) == 0 {
		return ""
	}
	middle := speechTop + speechHigh/2
	step := (x.to - x.from) / float64(len(loudness))
	var above, below strings.Builder
	for k, v := range loudness {
		if math.IsNaN(v) {
			v = 0
		}
		half := max(0.4, max(0, min(1, v))*speechHigh/2)
		fmt.Fprintf(&above, "L%s %s", coordinate(x.from+(float64(k)+0.5)*step), coordinate(middle-half))
		back := len(loudness) - 1 - k
		v = loudness[back]
		if math.IsNaN(v) {
			v = 0
		}
		half = max(0.4, max(0, min(1, v))*speechHigh/2)
		fmt.Fprintf(&below, "L%s %s", coordinate(x.from+(float64(back)+0.5)*step), coordinate(middle+half))
	}
	return fmt.Sprintf("M%s %s%s%sZ", coordinate(x.from), coordinate(middle), above.String(), below.String())
}
