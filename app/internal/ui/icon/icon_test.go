package icon

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the icons of assets anew")

// The files that a package installs are what is drawn here.
func TestFiles(t *testing.T) {
	for _, side := range []int{16, 24, 32, 48, 64, 128, 256} {
		path := filepath.Join("..", "..", "..", "..", "assets", "icons", fmt.Sprintf("%d.png", side))
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, PNG(Online, side), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		want := Draw(Online, side)
		for y := range side {
			for x := range side {
				if got.At(x, y) != want.At(x, y) {
					t.Fatalf("%s differs at %d, %d: write it anew with -update", path, x, y)
				}
			}
		}
	}
}

// The drawing without a size has the same parts.
func TestSVG(t *testing.T) {
	path := filepath.Join("..", "..", "..", "..", "assets", "icons", "undertone.svg")
	if *update {
		if err := os.WriteFile(path, SVG(Online), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, SVG(Online)) {
		t.Errorf("%s differs: write it anew with -update", path)
	}
	var drawing struct {
		Rects []struct {
			Fill string `xml:"fill,attr"`
		} `xml:"rect"`
	}
	if err := xml.Unmarshal(b, &drawing); err != nil {
		t.Fatal(err)
	}
	if len(drawing.Rects) != 1+bars || drawing.Rects[0].Fill != "#2453c4" {
		t.Fatalf("it is of %v", drawing.Rects)
	}
}

func TestDraw(t *testing.T) {
	for state, c := range back {
		img := Draw(state, 64)
		if got := img.At(32, 8); got != color.Color(c) {
			t.Errorf("state %d is %v", state, got)
		}
		if _, _, _, a := img.At(0, 0).RGBA(); a != 0 {
			t.Errorf("the corner is covered: %d", a)
		}
		white := 0
		for x := range 64 {
			if img.At(x, 32) == color.Color(color.NRGBA{0xff, 0xff, 0xff, 0xff}) {
				white++
			}
		}
		if white < 25 || white > 35 {
			t.Errorf("%d of 64 points of the middle are packets", white)
		}
	}
}

func TestPNG(t *testing.T) {
	for _, side := range []int{16, 48, 256} {
		img, err := png.Decode(bytes.NewReader(PNG(Online, side)))
		if err != nil || img.Bounds().Dx() != side || img.Bounds().Dy() != side {
			t.Errorf("%d: %v", side, err)
		}
	}
}
