package screen

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/audio/sound"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/safety"
	"undertone/app/internal/ui/desk"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/picture"
	"undertone/app/internal/ui/words"
	"undertone/transport/cell"
	"undertone/transport/uri"
)

var moment = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// A fakeDesk shows what a test wants, and notes what it is told.
type fakeDesk struct {
	view     model.View
	told     []string
	settings profile.Settings
	hearing  desk.Hearing
	user     desk.NewUser
	scene    picture.Scene
	seen     bool
	problem  words.Message // what is wrong with the next contact that is added
}

func (f *fakeDesk) tell(format string, args ...any) {
	f.told = append(f.told, fmt.Sprintf(format, args...))
}

func (f *fakeDesk) View(time.Time) model.View     { return f.view }
func (f *fakeDesk) Wire(time.Time) picture.Scene  { return f.scene }
func (f *fakeDesk) Open()                         { f.tell("open") }
func (f *fakeDesk) Unlock(p []byte)               { f.tell("unlock %s", p) }
func (f *fakeDesk) Join(u desk.NewUser)           { f.user = u; f.tell("join") }
func (f *fakeDesk) Call(names ...string)          { f.tell("call %s", strings.Join(names, "+")) }
func (f *fakeDesk) Answer()                       { f.tell("answer") }
func (f *fakeDesk) Decline()                      { f.tell("decline") }
func (f *fakeDesk) Hangup()                       { f.tell("hangup") }
func (f *fakeDesk) ToggleMute()                   { f.tell("mute") }
func (f *fakeDesk) Talk(on bool)                  { f.tell("talk %t", on) }
func (f *fakeDesk) ToggleDeafen()                 { f.tell("deafen") }
func (f *fakeDesk) RemovePerson(name string)      { f.tell("remove %s", name) }
func (f *fakeDesk) Block(name string, on bool)    { f.tell("block %s %t", name, on) }
func (f *fakeDesk) Verify(name string, same bool) { f.tell("verify %s %t", name, same) }
func (f *fakeDesk) ClearHistory()                 { f.tell("clear") }
func (f *fakeDesk) NewLink()                      { f.tell("new link") }
func (f *fakeDesk) Seen()                         { f.seen = true }
func (f *fakeDesk) Protect(p []byte)              { f.tell("protect %s", p) }
func (f *fakeDesk) AddPerson(_, name string, then func(words.Message)) {
	f.tell("add %s", name)
	then(f.problem)
}

func (f *fakeDesk) BackUp(to io.WriteCloser, p []byte) {
	f.tell("backup %s", p)
	_, _ = to.Write([]byte("copy"))
	_ = to.Close()
}

func (f *fakeDesk) Restore(from io.ReadCloser, p []byte) {
	b, _ := io.ReadAll(from)
	f.tell("restore %s %s", b, p)
}

func (f *fakeDesk) StartCheck(mic, ear string)       { f.tell("check %s %s", mic, ear) }
func (f *fakeDesk) StopCheck()                       { f.tell("stop") }
func (f *fakeDesk) HearMyself(pace cell.Interval)    { f.tell("hear %v", pace) }
func (f *fakeDesk) Hearing() desk.Hearing            { return f.hearing }
func (f *fakeDesk) Choose(c func(*profile.Settings)) { c(&f.settings) }
func (f *fakeDesk) Devices(then func([]sound.Device, error)) {
	then([]sound.Device{{Name: "hw0", Description: "Headset", Inputs: 1, Outputs: 2}, {Name: "hw1", Outputs: 2}}, nil)
}

func (f *fakeDesk) has(s string) bool { return slices.Contains(f.told, s) }

// A rig is a screen in a window of the test driver.
type rig struct {
	*Screen
	test   *testing.T
	desk   *fakeDesk
	window fyne.Window
	clip   fyne.Clipboard
	quits  int
}

func newRig(t *testing.T, v model.View) *rig {
	t.Helper()
	return newRigWith(t, v, func(*Config) {})
}

func newRigWith(t *testing.T, v model.View, change func(*Config)) *rig {
	t.Helper()
	return newRigOf(t, v, profile.ThemeLight, change)
}

func newRigOf(t *testing.T, v model.View, look profile.Theme, change func(*Config)) *rig {
	t.Helper()
	t.Setenv("LC_ALL", "en_GB.UTF-8") // Fyne wants to know.
	a := test.NewTempApp(t)
	a.Settings().SetTheme(NewLook(look))
	r := &rig{test: t, desk: &fakeDesk{view: v}, window: a.NewWindow("Undertone"), clip: test.NewClipboard()}
	r.window.Resize(fyne.NewSize(860, 640))
	c := Config{
		Desk: r.desk, Words: words.In("en"), Window: r.window, Clipboard: r.clip,
		Quit: func() { r.quits++ }, Hide: func() { r.desk.tell("hide") },
		Now: func() time.Time { return moment },
	}
	change(&c)
	r.Screen = New(c)
	t.Cleanup(r.window.Close)
	return r
}

// show changes what there is to show.
func (r *rig) show(change func(*model.View)) {
	change(&r.desk.view)
	r.Update(r.desk.view)
}

// press presses keys together with Control, wherever the cursor is.
func (r *rig) press(key fyne.KeyName) {
	r.test.Helper()
	s := &desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierControl}
	if focused, ok := r.window.Canvas().Focused().(fyne.Shortcutable); ok {
		focused.TypedShortcut(s)
		return
	}
	r.shortcut(s) // As the canvas does, which cannot be asked to in a test.
}

// walk visits all that can be seen, from an object on.
func walk(o fyne.CanvasObject, visit func(fyne.CanvasObject)) {
	if o == nil || !o.Visible() {
		return
	}
	visit(o)
	switch o := o.(type) {
	case *fyne.Container:
		for _, child := range o.Objects {
			walk(child, visit)
		}
	case fyne.Widget:
		for _, child := range test.WidgetRenderer(o).Objects() {
			walk(child, visit)
		}
	}
}

// roots are the window's content, and the dialog above it if there is one, first.
func (r *rig) roots() []fyne.CanvasObject {
	if top := r.window.Canvas().Overlays().Top(); top != nil {
		return []fyne.CanvasObject{top, r.content}
	}
	return []fyne.CanvasObject{r.content}
}

// button finds a button that can be seen, by what it says; nil if there is none.
func (r *rig) button(text string) (found *button) {
	for _, root := range r.roots() {
		walk(root, func(o fyne.CanvasObject) {
			if b, ok := o.(*button); ok && b.Text == text && found == nil {
				found = b
			}
		})
	}
	return found
}

// field finds a field that can be seen, by its hint.
func (r *rig) field(hint string) (found *field) {
	r.test.Helper()
	for _, root := range r.roots() {
		walk(root, func(o fyne.CanvasObject) {
			if f, ok := o.(*field); ok && f.PlaceHolder == hint && found == nil {
				found = f
			}
		})
	}
	if found == nil {
		r.test.Fatalf("there is no field %q", hint)
	}
	return found
}

// says reports whether a text can be read in the window.
func (r *rig) says(text string) (found bool) {
	for _, root := range r.roots() {
		walk(root, func(o fyne.CanvasObject) {
			if l, ok := o.(*widget.Label); ok && strings.Contains(l.Text, text) {
				found = true
			}
		})
	}
	return found
}

// tap presses a button that must be there.
func (r *rig) tap(text string) {
	r.test.Helper()
	b := r.button(text)
	if b == nil {
		r.test.Fatalf("there is no button %q", text)
	}
	test.Tap(b)
}

// told checks that the desk was told something.
func (r *rig) toldOf(s string) {
	r.test.Helper()
	if !r.desk.has(s) {
		r.test.Errorf("nobody was told to %q, but %q", s, r.desk.told)
	}
}

var testServer = uri.Server{Host: "calls.example:7443", Pin: uri.Pin{1}, Mode: cell.BMIX, Interval: cell.Interval40}

func testInvite() uri.Invite { return uri.Invite{Server: testServer, Token: uri.Token{1}} }

var testWords = safety.Words{"abandon", "ability", "able", "about", "above", "absent", "absorb", "abstract"}

// atHome is the main window of somebody with contacts, online.
func atHome() model.View {
	person := func(p phone.Person, note words.Message) model.Person {
		p.Words = testWords
		return model.Person{Person: p, Note: note, Callable: !p.Blocked}
	}
	return model.View{
		Page: model.Home,
		Line: model.Line{On: true, Text: words.M("line.on")},
		Call: model.Call{Allowed: model.Dial},
		People: []model.Person{
			person(phone.Person{Name: "Ann", Paired: true, Verified: true}, words.M("person.verified")),
			person(phone.Person{Name: "Bob", Paired: true}, words.M("person.unverified")),
			person(phone.Person{Name: "Mallory", Paired: true, Blocked: true}, words.M("person.blocked")),
		},
		Past: []model.Past{
			{With: words.M("history.name", "name", "Ann"), Name: "Ann", What: words.M("history.missed"), When: moment, Missed: true},
			{With: words.M("history.unknown"), What: words.M("history.called", "time", "0:07"), When: moment, Out: true, Unknown: true},
		},
		Promise: model.PromiseOf(testServer),
		Card:    phone.Card{Name: "Me", Server: testServer, Link: "undertone://calls.example:7443/contact?v=1&name=Me&id=x#y"},
	}
}
