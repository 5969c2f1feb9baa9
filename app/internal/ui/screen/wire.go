package screen

import (
	"fmt"
	"image"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/picture"
	"undertone/app/internal/ui/words"
)

// wire shows what an eavesdropper sees, and what he does not; and who else sees what.
type wire struct {
	s       *Screen
	content fyne.CanvasObject
	raster  *canvas.Raster
	sums    *widget.Label
	promise *widget.Label
	scene   picture.Scene
}

const (
	wireWidth  = 300
	wireHeight = 210
)

func (s *Screen) newWire() *wire {
	w := &wire{s: s, sums: hint(""), promise: text("")}
	w.raster = canvas.NewRaster(w.draw)
	w.raster.SetMinSize(fyne.NewSize(wireWidth, wireHeight))
	labels := container.NewGridWithRows(3,
		text(s.t(words.M("wire.voice"))), text(s.t(words.M("wire.up"))), text(s.t(words.M("wire.down"))))
	w.content, _ = page(
		title(s.t(words.M("wire.title"))), text(s.t(words.M("wire.text"))),
		panel(border(nil, nil, least(labels, nameWidth), nil, w.raster), w.sums),
		panel(heading(s.t(words.M("promise.title"))), w.promise),
	)
	return w
}

// update draws the picture anew.
func (w *wire) update(v *model.View) {
	var lines []string
	for _, m := range v.Promise.Lines() {
		lines = append(lines, "• "+w.s.t(m))
	}
	write(w.promise, strings.Join(lines, "\n"))
	w.scene = w.s.desk.Wire(w.s.now())
	up, down := picture.Flows(w.scene.Wire, picture.Span)
	write(w.sums, w.s.t(words.M("wire.sums",
		"up", fmt.Sprintf("%.0f", up.PerSecond), "upsize", up.Usual,
		"down", fmt.Sprintf("%.0f", down.PerSecond), "downsize", down.Usual)))
	canvas.Refresh(w.raster)
}

// draw is asked by Fyne for the picture.
func (w *wire) draw(width, height int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	w.scene.Colour = picture.Colours{
		Back: theme.Color(theme.ColorNameInputBackground), Line: theme.Color(theme.ColorNameInputBorder),
		Voice: theme.Color(theme.ColorNameSuccess), Up: theme.Color(theme.ColorNamePrimary), Down: theme.Color(theme.ColorNamePrimary),
	}
	picture.Draw(img, w.scene)
	return img
}
