package main

import (
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"rsc.io/qr"
)

// quiet is the margin around a QR code, in modules, that readers ask for.
const quiet = 4

// qrText draws text as a QR code, two modules in a character: a half block is
// as wide as it is high. On a terminal it sets the colours, since readers want
// dark on light; elsewhere it supposes light text on a dark ground.
func qrText(text string, colours bool) string {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return "" // Longer than any QR code; the link itself is there.
	}
	start, end := "", "\n"
	if colours {
		start, end = "\x1b[38;5;231;48;5;16m", "\x1b[0m\n"
	}
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString(start)
		for x := -quiet; x < code.Size+quiet; x++ {
			b.WriteRune(halfBlock(!code.Black(x, y), !code.Black(x, y+1)))
		}
		b.WriteString(end)
	}
	return b.String()
}

// halfBlock is the character for two modules, one above the other.
func halfBlock(upperLight, lowerLight bool) rune {
	switch {
	case upperLight && lowerLight:
		return '█'
	case upperLight:
		return '▀'
	case lowerLight:
		return '▄'
	}
	return ' '
}

// isTerminal reports whether w is a terminal that a person looks at.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}
