package screen

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

// adding is the question for a contact link.
type adding struct {
	s          *Screen
	link, name *field
	found      *widget.Label
	bad        *widget.Label
	add        *button
	content    *fyne.Container
	box        *dialog.CustomDialog
	valid      string // the link, once it is one
	busy       bool   // it is being added
}

// addPerson asks for a contact link.
func (s *Screen) addPerson() *adding {
	a := &adding{s: s, bad: warning(), found: text("")}
	a.found.Importance = widget.SuccessImportance
	a.found.Hide()
	a.link, a.name = s.newLinkField(3, "undertone://…/contact?…"), s.newField()
	a.name.SetPlaceHolder(s.t(words.M("add.name")))
	a.link.OnChanged = func(string) { a.look() }
	a.name.OnChanged = func(string) { a.check() }
	a.name.OnSubmitted = func(string) { a.finish() }
	a.add = s.newMain(s.t(words.M("add.add")), theme.ConfirmIcon(), a.finish)
	paste := s.newButton(s.t(words.M("start.paste")), theme.ContentPasteIcon(), func() { a.link.SetText(s.clip.Content()) })
	load := s.newButton(s.t(words.M("start.picture")), theme.FileImageIcon(), func() {
		s.choosePicture(a.link.SetText, func(problem words.Message) { a.say(problem) })
	})
	a.content = container.NewVBox(text(s.t(words.M("add.text"))), a.link, container.NewHBox(paste, load), a.found, a.name, a.bad)
	a.check()
	a.box = s.box(s.t(words.M("add.title")), a.content, s.closer(words.M("cancel")), a.add)
	s.win.Canvas().Focus(a.link)
	return a
}

// look reads the link.
func (a *adding) look() {
	link, called, problem := model.Link(a.link.Text)
	a.valid = link
	found := ""
	if problem.IsZero() {
		found = a.s.t(words.M("add.found", "name", called))
		if a.name.Text == "" {
			a.name.SetText(called)
		}
	}
	if warn(a.found, found) {
		a.refit()
	}
	if a.link.Text == "" {
		problem = words.Message{}
	}
	if a.check(); !problem.IsZero() {
		a.say(problem)
	}
}

// check says what is wrong with the name, before anything is lost by it.
func (a *adding) check() {
	problem := model.Name(a.name.Text)
	enable(a.add, a.valid != "" && problem.IsZero() && !a.busy)
	if a.name.Text == "" {
		problem = words.Message{}
	}
	a.say(problem)
}

func (a *adding) say(problem words.Message) {
	if warn(a.bad, a.s.t(problem)) {
		a.refit()
	}
}

// refit gives the question the room that it needs now.
func (a *adding) refit() {
	a.content.Refresh()
	if a.box != nil {
		a.box.Resize(fyne.NewSize(dialogWidth, 0))
	}
}

// finish adds the contact, if all that is needed is there. What was typed stays until
// that is done.
func (a *adding) finish() {
	if a.add.Disabled() {
		return
	}
	a.busy = true
	a.check()
	a.s.desk.AddPerson(a.valid, a.name.Text, func(problem words.Message) {
		fyne.Do(func() {
			a.busy = false
			if problem.IsZero() {
				a.box.Hide()
				return
			}
			a.check()
			a.say(problem)
		})
	})
}
