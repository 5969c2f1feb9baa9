// Package icon draws Undertone's icon at any size: a row of packets, each like the
// other. Its colour says how the line is. Who may call: the window, and whoever writes
// the files of assets.
package icon

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
)

// A State is what the icon says.
type State uint8

// The states.
const (
	// Online: all is well.
	Online State = iota
	// Offline: there is no line.
	Offline
	// Rings: somebody calls, or has called.
	Rings
)

var back = map[State]color.NRGBA{
	Online:  {0x24, 0x53, 0xc4, 0xff},
	Offline: {0x5f, 0x65, 0x72, 0xff},
	Rings:   {0x1b, 0x6e, 0x37, 0xff},
}

const (
	// points is how many points of a pixel's side are looked at, so that edges are soft.
	points = 4
	// The drawing, in parts of its side.
	corner = 0.22
	bars   = 5
	first  = 0.17 // where the first bar begins
	pitch  = 0.14
	width  = 0.10
	top    = 0.36
	bottom = 0.64
)

// Draw returns the icon, side points wide and high.
func Draw(s State, side int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			img.SetNRGBA(x, y, pixel(s, x, y, side))
		}
	}
	return img
}

// PNG returns the icon as a file.
func PNG(s State, side int) []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, Draw(s, side)) // A buffer takes all, and the image is sound.
	return b.Bytes()
}

// SVG returns the icon as a drawing that has no size.
func SVG(s State) []byte {
	const unit = 100
	c := back[s]
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d">`+"\n", unit, unit)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="%g" ry="%g" fill="#%02x%02x%02x"/>`+"\n", unit, unit, corner*unit, corner*unit, c.R, c.G, c.B)
	for i := range bars {
		fmt.Fprintf(&b, `<rect x="%.4g" y="%.4g" width="%.4g" height="%.4g" fill="#ffffff"/>`+"\n",
			(first+float64(i)*pitch)*unit, top*unit, width*unit, (bottom-top)*unit)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func pixel(s State, x, y, side int) color.NRGBA {
	inside, white := 0, 0
	for i := range points * points {
		px := (float64(x) + (float64(i%points)+0.5)/points) / float64(side)
		py := (float64(y) + (float64(i/points)+0.5)/points) / float64(side)
		if !inSquare(px, py) {
			continue
		}
		inside++
		if inBar(px, py) {
			white++
		}
	}
	if inside == 0 {
		return color.NRGBA{}
	}
	mix := func(v uint8) uint8 { return uint8((int(v)*(inside-white) + 0xff*white) / inside) } //nolint:gosec // a mean of bytes
	c := back[s]
	return color.NRGBA{mix(c.R), mix(c.G), mix(c.B), uint8(0xff * inside / (points * points))} //nolint:gosec // at most 255
}

// inSquare reports whether a point is in the square with round corners.
func inSquare(x, y float64) bool {
	dx, dy := max(corner-x, x-(1-corner), 0), max(corner-y, y-(1-corner), 0)
	return dx*dx+dy*dy <= corner*corner
}

func inBar(x, y float64) bool {
	if y < top || y > bottom {
		return false
	}
	for i := range bars {
		if from := first + float64(i)*pitch; x >= from && x <= from+width {
			return true
		}
	}
	return false
}
