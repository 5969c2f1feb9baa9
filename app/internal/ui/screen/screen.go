package screen

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

// A Screen is the content of the window.
type Screen struct {
	desk    Desk
	in      *words.Catalogue
	win     fyne.Window
	clip    fyne.Clipboard
	quit    func()
	hide    func() // nil where there is no way back
	now     func() time.Time
	starter Starter
	others  Profiles
	content *fyne.Container
	boxes   []*dialog.CustomDialog // the questions above the window
	quits   *dialog.CustomDialog   // the one about quitting, once it was asked

	page    model.Page
	holds   bool // the key that one talks with
	looking *widget.Label
	start   *start
	locked  *locked
	home    *home
}

// Config says what a Screen is made of.
type Config struct {
	Desk      Desk
	Words     *words.Catalogue
	Window    fyne.Window
	Clipboard fyne.Clipboard
	// Quit ends the program, after a question.
	Quit func()
	// Hide closes the window while the program goes on. It is nil where nobody could
	// open it again.
	Hide func()
	// Starter has the program start with the computer. It is nil where nothing can.
	Starter Starter
	// Profiles are those of this user of the computer. It is nil where there can be
	// only one.
	Profiles Profiles
	// Now is the time.
	Now func() time.Time
}

// A Starter has the program start with the computer, or not.
type Starter interface {
	On() bool
	Set(on bool) error
}

// Profiles are several identities of one person, each with a server, contacts and a
// window of its own.
type Profiles interface {
	// Current is the name of this one, "" for the first.
	Current() string
	// Others are the names of all others.
	Others() []string
	// Check says why a name cannot be one, or returns nil.
	Check(name string) error
	// Open opens another one in a window of its own, and makes it if there is none.
	Open(name string) error
}

// New makes the screen and puts it into the window.
func New(c Config) *Screen {
	s := &Screen{desk: c.Desk, in: c.Words, win: c.Window, clip: c.Clipboard, quit: c.Quit, hide: c.Hide, starter: c.Starter, others: c.Profiles, now: c.Now}
	s.looking = widget.NewLabelWithStyle("", fyne.TextAlignCenter, fyne.TextStyle{})
	s.start, s.locked, s.home = s.newStart(), s.newLocked(), s.newHome()
	s.content = container.NewStack(container.NewCenter(container.NewVBox(container.NewCenter(logo()), s.looking)), s.start.content, s.locked.content, s.home.content)
	s.page = model.Leaving + 1 // So that the first Update shows one.
	c.Window.SetPadded(false)
	c.Window.SetContent(s.content)
	c.Window.SetOnDropped(s.dropped)
	s.addShortcuts()
	s.Update(c.Desk.View(c.Now()))
	return s
}

// t says a message in the language of the window.
func (s *Screen) t(m words.Message) string { return s.in.Say(m) }

// Update shows a View.
func (s *Screen) Update(v model.View) {
	if v.Page != s.page {
		s.turn(v.Page)
	}
	switch v.Page {
	case model.Looking:
		write(s.looking, s.t(words.M("page.looking")))
	case model.Leaving:
		write(s.looking, s.t(words.M("page.leaving")))
	case model.FirstRun:
		s.start.update(&v)
	case model.Locked, model.Stuck:
		s.locked.update(&v)
	case model.Home:
		s.home.update(&v)
	}
}

// turn goes to another page, and puts the cursor where a person goes on.
func (s *Screen) turn(p model.Page) {
	s.page = p
	show(s.content.Objects[0], p == model.Looking || p == model.Leaving)
	show(s.start.content, p == model.FirstRun)
	show(s.locked.content, p == model.Locked || p == model.Stuck)
	show(s.home.content, p == model.Home)
	s.content.Refresh()
	switch p {
	case model.FirstRun:
		s.start.begin()
		s.win.Canvas().Focus(s.start.invite)
	case model.Locked:
		s.win.Canvas().Focus(s.locked.passphrase)
	case model.Home:
		s.win.Canvas().Focus(s.home.people.search)
	case model.Looking, model.Stuck, model.Leaving:
		s.win.Canvas().Unfocus()
	}
	if p != model.FirstRun {
		s.start.end()
	}
}

// Page returns the page that is shown.
func (s *Screen) Page() model.Page { return s.page }

// Moves reports whether what is shown moves by itself, so that it is worth drawing
// often.
func (s *Screen) Moves() bool {
	return s.page == model.Home && s.home.tabs.selected == wireTab
}
