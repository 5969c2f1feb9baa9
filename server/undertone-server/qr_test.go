package main

import (
	"strings"
	"testing"

	"rsc.io/qr"
)

// Every module of the code, and the margin around it, is drawn where it belongs.
func TestQRText(t *testing.T) {
	const link = "undertone://calls.example.org:7443/?pin=x#y"
	code, err := qr.Encode(link, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	plain := qrText(link, false)
	lines := strings.Split(strings.TrimSuffix(plain, "\n"), "\n")
	for row, line := range lines {
		cells := []rune(line)
		if len(cells) != code.Size+2*quiet {
			t.Fatalf("line %d has %d characters", row, len(cells))
		}
		for column, r := range cells {
			x, y := column-quiet, 2*row-quiet
			upper, lower := r == '█' || r == '▀', r == '█' || r == '▄'
			if upper == code.Black(x, y) || lower == code.Black(x, y+1) {
				t.Fatalf("the modules at %d, %d are %q", x, y, r)
			}
		}
	}
	if want := (code.Size + 2*quiet + 1) / 2; len(lines) != want {
		t.Errorf("%d lines, want %d", len(lines), want)
	}
	coloured := qrText(link, true)
	coloured = strings.NewReplacer("\x1b[38;5;231;48;5;16m", "", "\x1b[0m", "").Replace(coloured)
	if coloured != plain {
		t.Error("with colours another code is drawn")
	}
}
