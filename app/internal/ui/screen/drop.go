package screen

import (
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/storage"

	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/qr"
	"undertone/app/internal/ui/words"
)

// maxLink is how long a file with a link may be: a link and what mail programs put
// around it.
const (
	maxLink    = 16 << 10
	linkBegins = "undertone://"
)

// choosePicture hands the text of a QR picture to then, or tells bad what is wrong.
func (s *Screen) choosePicture(then func(string), bad func(words.Message)) {
	d := dialog.NewFileOpen(func(r fyne.URIReadCloser, err error) {
		if err == nil && r != nil {
			r.Close() //nolint:errcheck,gosec // it is opened again, with a way back to its start
			readLink(r.URI(), then, bad)
		}
	}, s.win)
	d.SetFilter(storage.NewExtensionFileFilter([]string{".png", ".jpg", ".jpeg", ".gif", ".txt"}))
	d.Show()
}

// readLink hands the link in a file to then: of a QR picture, or of a text.
func readLink(file fyne.URI, then func(string), bad func(words.Message)) {
	text, err := qr.ReadFile(file.Path())
	if errors.Is(err, qr.ErrNoPicture) {
		if t, ok := readText(file.Path()); ok {
			text, err = t, nil
		}
	}
	switch {
	case errors.Is(err, qr.ErrNoCode):
		bad(words.M("picture.nocode"))
	case err != nil:
		bad(words.M("picture.none"))
	default:
		then(text)
	}
}

// readText returns the link in a text file.
func readText(path string) (string, bool) {
	f, err := os.Open(path) //nolint:gosec // the user has chosen it
	if err != nil {
		return "", false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxLink))
	at := strings.Index(string(b), linkBegins)
	if err != nil || at < 0 || !utf8.Valid(b) {
		return "", false
	}
	return strings.TrimSpace(string(b[at:])), true
}

// dropped takes in what somebody drops on the window: a link as a file, or as a
// picture. At the first run that is an invite, later a contact.
func (s *Screen) dropped(_ fyne.Position, files []fyne.URI) {
	if len(files) == 0 {
		return
	}
	switch s.page {
	case model.FirstRun:
		readLink(files[0], s.start.invite.SetText, s.start.complain)
	case model.Home:
		readLink(files[0], func(link string) { s.addPerson().link.SetText(link) },
			func(problem words.Message) { s.tell(words.M("add.title"), problem) })
	case model.Looking, model.Locked, model.Stuck, model.Leaving:
	}
}
