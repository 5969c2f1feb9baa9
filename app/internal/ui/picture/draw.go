package picture

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"time"
)

// Colours are those of the window's theme.
type Colours struct {
	Back, Line, Voice, Up, Down color.Color
}

// A Loudness is how loud the microphone was at a time: 1 is the loudest there can be.
type Loudness struct {
	At  time.Time
	RMS float32
}

// A Meter remembers how loud it was for as long as the picture goes back. It is for
// one goroutine at a time.
type Meter struct{ all []Loudness }

// Hear takes in how loud it is now.
func (m *Meter) Hear(l Loudness) {
	m.all = append(m.all, l)
	old := 0
	for old < len(m.all) && m.all[old].At.Before(l.At.Add(-Span)) {
		old++
	}
	m.all = append(m.all[:0], m.all[old:]...)
}

// Heard returns a copy of what it remembers.
func (m *Meter) Heard() []Loudness { return append([]Loudness(nil), m.all...) }

// A Scene is what is to be drawn.
type Scene struct {
	Now    time.Time
	Voice  []Loudness
	Wire   []Crossing
	Colour Colours
}

// range60 is from how many decibels below the loudest on loudness is drawn.
const range60 = 60

// Draw draws a scene: the voice in the upper third, what was sent below it, what was
// received at the bottom. Now is at the right edge.
func Draw(img *image.RGBA, s Scene) {
	b := img.Bounds()
	draw.Draw(img, b, image.NewUniform(s.Colour.Back), image.Point{}, draw.Src)
	if b.Dx() < 2 || b.Dy() < 6 {
		return
	}
	third := b.Dy() / 3
	rows := [3]image.Rectangle{}
	for i := range rows {
		rows[i] = image.Rect(b.Min.X, b.Min.Y+i*third, b.Max.X, b.Min.Y+(i+1)*third)
	}
	drawVoice(img, rows[0], &s)
	drawWire(img, rows[1], &s, true)
	drawWire(img, rows[2], &s, false)
	for _, r := range rows[1:] {
		fill(img, image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+1), s.Colour.Line)
	}
}

// x returns the column of a time.
func (s *Scene) x(r image.Rectangle, at time.Time) int {
	ago := s.Now.Sub(at)
	return r.Max.X - 1 - int(float64(ago)/float64(Span)*float64(r.Dx()-1))
}

// drawVoice draws bars around the middle of r, as high as it was loud. Silence is a
// line.
func drawVoice(img *image.RGBA, r image.Rectangle, s *Scene) {
	middle := (r.Min.Y + r.Max.Y) / 2
	half := r.Dy()/2 - 2
	fill(img, image.Rect(r.Min.X, middle, r.Max.X, middle+1), s.Colour.Voice)
	for i, l := range s.Voice {
		from, to := s.x(r, l.At), r.Max.X
		if i+1 < len(s.Voice) {
			to = s.x(r, s.Voice[i+1].At)
		}
		h := int(Height(l.RMS) * float64(half))
		fill(img, image.Rect(from, middle-h, max(to, from+1), middle+h+1), s.Colour.Voice)
	}
}

// Height is how much of a meter a loudness fills, from 0 to 1: linear in decibels.
func Height(rms float32) float64 {
	if rms <= 0 {
		return 0
	}
	return min(max(1+20*math.Log10(float64(rms))/range60, 0), 1)
}

// drawWire draws a bar for each datagram, as high as it is long.
func drawWire(img *image.RGBA, r image.Rectangle, s *Scene, sent bool) {
	longest := 1
	for _, c := range s.Wire {
		if c.Sent == sent {
			longest = max(longest, c.Size)
		}
	}
	c := s.Colour.Down
	if sent {
		c = s.Colour.Up
	}
	room := r.Dy() - 4
	for _, p := range s.Wire {
		if p.Sent == sent {
			x := s.x(r, p.At)
			fill(img, image.Rect(x, r.Max.Y-1-max(1, room*p.Size/longest), x+1, r.Max.Y-1), c)
		}
	}
	fill(img, image.Rect(r.Min.X, r.Max.Y-1, r.Max.X, r.Max.Y), c)
}

func fill(img *image.RGBA, r image.Rectangle, c color.Color) {
	draw.Draw(img, r.Intersect(img.Bounds()), image.NewUniform(c), image.Point{}, draw.Src)
}
