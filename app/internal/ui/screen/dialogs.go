package screen

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/ui/words"
)

// dialogWidth is wide enough for a sentence.
const dialogWidth = 480

// box shows a question above the window. The buttons stand in the order in which they
// are given, the last one is what a person most likely wants.
func (s *Screen) box(title string, content fyne.CanvasObject, buttons ...*button) *dialog.CustomDialog {
	d := dialog.NewCustomWithoutButtons(title, content, s.win)
	var all []fyne.CanvasObject
	for _, b := range buttons {
		all = append(all, b)
	}
	d.SetButtons(all)
	d.SetOnClosed(func() {
		s.boxes = slices.DeleteFunc(s.boxes, func(o *dialog.CustomDialog) bool { return o == d })
	})
	d.Resize(fyne.NewSize(dialogWidth, 0))
	s.boxes = append(s.boxes, d)
	d.Show()
	return d
}

// escape closes the question that is on top.
func (s *Screen) escape() {
	if n := len(s.boxes); n > 0 {
		s.boxes[n-1].Hide()
	}
}

// closer returns a button that closes the question that is on top.
func (s *Screen) closer(text words.Message) *button {
	return s.newButton(s.t(text), theme.CancelIcon(), s.escape)
}

// ask asks before something that cannot be undone. The cursor stands on the harmless
// answer.
func (s *Screen) ask(title, question, yes string, then func()) *dialog.CustomDialog {
	no := s.closer(words.M("cancel"))
	ok := s.newButton(yes, theme.ConfirmIcon(), func() {
		s.escape()
		then()
	})
	ok.Importance = widget.DangerImportance
	box := s.box(title, text(question), no, ok)
	s.win.Canvas().Focus(no)
	return box
}

// AskQuit says what quitting tells, and asks for then once.
func (s *Screen) AskQuit(then func()) {
	if s.quits != nil && slices.Contains(s.boxes, s.quits) {
		return
	}
	s.quits = s.ask(s.t(words.M("quit.title")), s.t(words.M("quit.text")), s.t(words.M("quit")), then)
}

// tell shows something that a person has to know.
func (s *Screen) tell(title, what words.Message) {
	ok := s.newMain(s.t(words.M("ok")), theme.ConfirmIcon(), s.escape)
	s.box(s.t(title), text(s.t(what)), ok)
	s.win.Canvas().Focus(ok)
}

// askNew asks for a new passphrase, twice. Who gets it wipes it.
func (s *Screen) askNew(title, why words.Message, then func(passphrase []byte)) {
	first, second := s.newSecret(), s.newSecret()
	first.SetPlaceHolder(s.t(words.M("passphrase.new")))
	second.SetPlaceHolder(s.t(words.M("passphrase.again")))
	s.askSecret(title, text(s.t(why)), []*field{first, second}, func() words.Message {
		if first.Text != second.Text {
			return words.M("passphrase.differ")
		}
		return words.Message{}
	}, then)
}

// askOld asks for a passphrase that there is.
func (s *Screen) askOld(title, why words.Message, then func(passphrase []byte)) {
	secret := s.newSecret()
	secret.SetPlaceHolder(s.t(words.M("passphrase")))
	s.askSecret(title, text(s.t(why)), []*field{secret}, func() words.Message { return words.Message{} }, then)
}

// askSecret shows fields for a passphrase, and hands over the first when check finds
// nothing wrong.
func (s *Screen) askSecret(title words.Message, why fyne.CanvasObject, fields []*field, check func() words.Message, then func([]byte)) {
	bad := warning()
	content := container.NewVBox(why)
	done := func() {
		problem := check()
		if fields[0].Text == "" {
			problem = words.M("passphrase.empty")
		}
		if warn(bad, s.t(problem)); !problem.IsZero() {
			return
		}
		secret := []byte(fields[0].Text)
		s.escape()
		then(secret)
	}
	for _, f := range fields {
		f.OnSubmitted = func(string) { done() }
		content.Add(f)
	}
	content.Add(bad)
	s.box(s.t(title), content, s.closer(words.M("cancel")), s.newMain(s.t(words.M("ok")), theme.ConfirmIcon(), done))
	s.win.Canvas().Focus(fields[0])
}

// backupName is what a backup is called unless somebody wants something else.
const backupName = "undertone-backup"

// backUp asks for a passphrase and a file, and writes a backup.
func (s *Screen) backUp() {
	s.askNew(words.M("backup.make"), words.M("backup.passphrase"), func(passphrase []byte) {
		d := dialog.NewFileSave(func(to fyne.URIWriteCloser, err error) {
			switch {
			case err != nil:
				s.tell(words.M("backup.make"), words.M("error.other", "why", err.Error()))
			case to != nil:
				s.desk.BackUp(to, passphrase)
			}
		}, s.win)
		d.SetFileName(backupName)
		d.Show()
	})
}

// restore asks for a backup and its passphrase, and goes on with that.
func (s *Screen) restore() {
	d := dialog.NewFileOpen(func(from fyne.URIReadCloser, err error) {
		switch {
		case err != nil:
			s.tell(words.M("backup.use"), words.M("error.other", "why", err.Error()))
		case from != nil:
			s.askOld(words.M("backup.use"), words.M("backup.once"), func(passphrase []byte) { s.desk.Restore(from, passphrase) })
		}
	}, s.win)
	d.Show()
}
