package screen

import (
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

// verifyQR is the side of the QR picture of safety words.
const verifyQR = 148

// verify shows the safety words of a contact, to be compared by voice, or by a picture
// of the other's screen.
func (s *Screen) verify(name string) {
	o := s.home.people.of(name)
	if o == nil {
		return
	}
	code, verified := model.SafetyCode(o.Words), o.Verified
	result := warning()
	var box *dialog.CustomDialog
	bad := func(problem words.Message) {
		warn(result, s.t(problem))
		box.Resize(fyne.NewSize(dialogWidth, 0)) // It needs more room now.
	}
	safe := widget.NewLabelWithStyle(o.Words.String(), fyne.TextAlignCenter, fyne.TextStyle{Monospace: true, Bold: true})
	safe.Selectable, safe.SizeName = true, theme.SizeNameSubHeadingText
	content := container.NewVBox(text(s.t(words.M("verify.text", "name", name))), safe)
	compare := s.newButton(s.t(words.M("verify.picture")), theme.FileImageIcon(), nil)
	if img, err := qr.Image(code); err == nil {
		picture := canvas.NewImageFromImage(img)
		picture.FillMode, picture.ScaleMode = canvas.ImageFillContain, canvas.ImageScalePixels
		picture.SetMinSize(fyne.NewSquareSize(verifyQR))
		content.Add(border(nil, nil, picture, nil, container.NewVBox(text(s.t(words.M("verify.qr", "name", name))), compare)))
	}
	content.Add(result)
	content.Add(hint(s.t(words.M("verify.differ", "name", name))))

	yes := s.newMain(s.t(words.M("verify.same")), theme.ConfirmIcon(), nil)
	if verified {
		label(yes, s.t(words.M("verify.undo")))
		yes.Importance = widget.MediumImportance
	}
	yes.OnTapped = func() {
		s.escape()
		s.desk.Verify(name, !verified)
	}
	compare.OnTapped = func() {
		s.choosePicture(func(read string) { s.compared(name, read, code, bad) }, bad)
	}
	no := s.closer(words.M("cancel"))
	box = s.box(s.t(words.M("verify.title", "name", name)), content, no, yes)
	s.win.Canvas().Focus(no)
}

// compared takes in what stands in the picture of the other side's screen.
func (s *Screen) compared(name, read, code string, bad func(words.Message)) {
	switch model.CompareSafety(read, code) {
	case model.Same:
		s.escape()
		s.desk.Verify(name, true)
		s.tell(words.M("verify.title", "name", name), words.M("verify.match", "name", name))
	case model.Different:
		s.desk.Verify(name, false)
		bad(words.M("verify.mismatch", "name", name))
	default:
		bad(words.M("verify.nocode", "name", name))
	}
}
