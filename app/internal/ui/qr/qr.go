// Package qr turns links into QR pictures, and pictures back into text. It knows
// nothing of links, and a picture may come from a stranger: it is bounded before it
// is decoded. Who may call: the window.
package qr

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif"  // pictures that people have
	_ "image/jpeg" // the same
	_ "image/png"  // the same
	"io"
	"os"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"rsc.io/qr"
)

const (
	// quiet is the width of the margin that a QR picture needs, in modules.
	quiet = 4
	// maxBytes and maxSide bound a picture that is read.
	maxBytes = 16 << 20
	maxSide  = 8192
)

var (
	// ErrNoPicture is wrapped by errors about a file that is no picture, or too large.
	ErrNoPicture = errors.New("this file is no picture that can be read")
	// ErrNoCode is returned for a picture in which no QR code was found.
	ErrNoCode = errors.New("no QR code was found in this picture")
)

// Image returns text as a QR picture, one point for a module, with its margin. It is
// black on white whatever the theme: many readers want it so.
func Image(text string) (image.Image, error) {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return nil, fmt.Errorf("the text is too long for a QR code: %w", err)
	}
	side := code.Size + 2*quiet
	img := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			c := color.Gray{Y: 0xff}
			if code.Black(x-quiet, y-quiet) {
				c.Y = 0
			}
			img.SetGray(x, y, c)
		}
	}
	return img, nil
}

// ReadFile is Read for the picture in a file.
func ReadFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", errors.Join(ErrNoPicture, err)
	}
	defer f.Close()
	return Read(f)
}

// Read returns the text of a QR picture.
func Read(r io.ReadSeeker) (string, error) {
	size, _, err := image.DecodeConfig(io.LimitReader(r, maxBytes))
	if err != nil || size.Width > maxSide || size.Height > maxSide || size.Width < 1 || size.Height < 1 {
		return "", errors.Join(ErrNoPicture, err)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return "", errors.Join(ErrNoPicture, err)
	}
	img, _, err := image.Decode(io.LimitReader(r, maxBytes))
	if err != nil {
		return "", errors.Join(ErrNoPicture, err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", errors.Join(ErrNoPicture, err)
	}
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	if err != nil {
		return "", ErrNoCode
	}
	return result.GetText(), nil
}
