package qr

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"
	"testing"
)

// picture is a screenshot with the QR picture of a text somewhere in it.
func picture(t *testing.T, text string) *bytes.Reader {
	t.Helper()
	code, err := Image(text)
	if err != nil {
		t.Fatal(err)
	}
	const scale = 4
	side := code.Bounds().Dx() * scale
	img := image.NewRGBA(image.Rect(0, 0, side+200, side+100))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{90, 120, 90, 255}), image.Point{}, draw.Src)
	for y := range side {
		for x := range side {
			img.Set(x+120, y+30, code.At(x/scale, y/scale))
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

func TestWhatIsShownCanBeRead(t *testing.T) {
	link := "undertone://calls.example.org:7443/?pin=" + strings.Repeat("Ab3_", 11) + "&mode=tmix&interval=40ms&v=1#" + strings.Repeat("x-", 11)
	got, err := Read(picture(t, link))
	if err != nil || got != link {
		t.Errorf("read %q (%v)", got, err)
	}
}

func TestWhatIsNoCode(t *testing.T) {
	if _, err := Read(strings.NewReader("undertone://")); !errors.Is(err, ErrNoPicture) {
		t.Errorf("text: %v", err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 50, 50))); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(bytes.NewReader(b.Bytes())); !errors.Is(err, ErrNoCode) {
		t.Errorf("a black picture: %v", err)
	}
	b.Reset()
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, maxSide+1, 1))); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(bytes.NewReader(b.Bytes())); !errors.Is(err, ErrNoPicture) {
		t.Errorf("a huge picture: %v", err)
	}
	if _, err := Image(strings.Repeat("x", 5000)); err == nil {
		t.Error("5000 bytes fit")
	}
}
