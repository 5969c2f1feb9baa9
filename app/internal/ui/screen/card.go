package screen

import (
	"image"
	"image/draw"
	"image/png"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/qr"
	"undertone/app/internal/ui/words"
)

const (
	// qrSide is how large the QR picture is at least.
	qrSide = 240
	// qrPoints is how many points a module has in a picture that is written to a file.
	qrPoints = 8
	// pictureName is what that is called unless somebody wants something else.
	pictureName = "undertone-contact.png"
)

// card is the user's own contact link, as text and as a QR picture.
type card struct {
	s       *Screen
	content fyne.CanvasObject
	column  *fyne.Container
	link    *widget.Label
	code    *canvas.Image
}

func (s *Screen) newCard() *card {
	c := &card{s: s, link: text(""), code: canvas.NewImageFromImage(nil)}
	c.link.Selectable, c.link.Wrapping = true, fyne.TextWrapBreak
	c.code.FillMode, c.code.ScaleMode = canvas.ImageFillContain, canvas.ImageScalePixels
	c.code.SetMinSize(fyne.NewSquareSize(qrSide))
	c.code.Hide()
	copyIt := s.newMain(s.t(words.M("card.copy")), theme.ContentCopyIcon(), func() {
		s.clip.SetContent(c.link.Text)
		s.tell(words.M("card.title"), words.M("card.copied"))
	})
	save := s.newButton(s.t(words.M("card.save")), theme.DocumentSaveIcon(), c.save)
	renew := s.newButton(s.t(words.M("card.renew")), theme.ViewRefreshIcon(), func() {
		s.ask(s.t(words.M("card.renew")), s.t(words.M("card.renew.text")), s.t(words.M("card.renew")), s.desk.NewLink)
	})
	renew.Importance = widget.LowImportance
	c.content, c.column = page(
		title(s.t(words.M("card.title"))), text(s.t(words.M("card.text"))),
		panel(border(nil, nil, container.NewVBox(c.code), nil, container.NewVBox(c.link, copyIt, save, renew))),
		panel(heading(s.t(words.M("card.how"))), text(s.t(words.M("card.how.text")))),
	)
	return c
}

func (c *card) update(v *model.View) {
	if !write(c.link, v.Card.Link) {
		return
	}
	img, err := qr.Image(v.Card.Link)
	if show(c.code, err == nil && v.Card.Link != ""); err == nil {
		c.code.Image = img
		c.code.Refresh()
	}
	c.column.Refresh()
}

// save writes the QR picture to a file.
func (c *card) save() {
	if c.code.Image == nil {
		return
	}
	d := dialog.NewFileSave(func(to fyne.URIWriteCloser, err error) {
		if err == nil && to == nil {
			return // Nobody wants it.
		}
		if err == nil {
			err = png.Encode(to, enlarge(c.code.Image, qrPoints))
			if failed := to.Close(); err == nil {
				err = failed
			}
		}
		if err != nil {
			c.s.tell(words.M("card.save"), words.M("error.other", "why", err.Error()))
		}
	}, c.s.win)
	d.SetFileName(pictureName)
	d.Show()
}

// enlarge makes squares of points.
func enlarge(img image.Image, by int) image.Image {
	b := img.Bounds()
	large := image.NewGray(image.Rect(0, 0, b.Dx()*by, b.Dy()*by))
	for y := range b.Dy() {
		for x := range b.Dx() {
			square := image.Rect(x*by, y*by, (x+1)*by, (y+1)*by)
			draw.Draw(large, square, image.NewUniform(img.At(b.Min.X+x, b.Min.Y+y)), image.Point{}, draw.Src)
		}
	}
	return large
}
