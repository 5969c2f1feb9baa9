// Package ui is the window: it ties the desk, which has all that is behind it, to
// Fyne, which draws it.
//
//	desk.Desk ──View──▶ redraw, 20 times a second at most ──▶ screen.Screen
//	    ▲                    │                                     │
//	    └────── commands ────┼─────────────────────────────────────┘
//	                         └──▶ tray, notification, whether the window is shown
//
// Drawing never holds up anything else: the desk takes the events of the phone whether
// the window draws or hangs, and the phone's pacer knows of neither; the thread that
// draws is behind all others in the queue for a processor. While the window is hidden
// nothing is drawn, and nobody looks whether there is something to draw. It holds no key
// and owns no protocol.
//
// Closing the window hides it where a tray brings it back; Quit ends the program, and
// says before what that tells an observer. Who starts the program once more gets the
// window that there is. app/undertone is the only caller.
package ui

import (
	"context"
	"io"
	"log"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/driver/desktop"

	"undertone/app/internal/profile"
	"undertone/app/internal/ui/bus"
	"undertone/app/internal/ui/desk"
	"undertone/app/internal/ui/icon"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/notify"
	"undertone/app/internal/ui/screen"
	"undertone/app/internal/ui/words"
)

const (
	appID    = "org.undertone.Undertone"
	iconSide = 128
	width    = 860
	height   = 640
)

// Config says what the window is to be.
type Config struct {
	// Desk is what is behind it. Its Changed is the window's own.
	Desk desk.Config
	// Hidden opens no window at first where there is a tray.
	Hidden bool
	// Starter has the program start with the computer; it may be nil.
	Starter screen.Starter
	// Profiles are those of this user of the computer; it may be nil.
	Profiles screen.Profiles
}

// A window is the program's one.
type window struct {
	cfg     Config
	app     fyne.App
	win     fyne.Window
	desk    *desk.Desk
	tray    *tray           // nil where there is none
	bus     *bus.Bus        // nil where there is none
	notices *notify.Notices // nil where there are none

	frames *frames
	asked  atomic.Bool   // a redraw waits for its turn
	wanted chan struct{} // 1 deep: another Undertone wants the window to be seen
	quit   sync.Once

	// Of Fyne's goroutine.
	screen   *screen.Screen
	language string
	theme    profile.Theme
	visible  bool
	decided  bool // whether the window is shown at first
	page     model.Page
	stage    model.Stage
	rings    words.Message // who calls, as it was last shown; zero for nobody
	anywhere anywhere
}

// Run shows the window until a person quits, or ctx ends. It must be called from the
// main goroutine.
func Run(ctx context.Context, cfg Config) error {
	log.SetOutput(io.Discard) // Fyne's: what it misses on this desktop tells a user nothing.
	yield()
	wanted := make(chan struct{}, 1)
	session, err := bus.Connect()
	if err == nil {
		defer session.Close()
		alone, err := session.Alone(cfg.Desk.Dir, func() {
			select {
			case wanted <- struct{}{}:
			default:
			}
		})
		if err == nil && !alone {
			clear(cfg.Desk.Passphrase)
			return nil // The other one shows its window.
		}
	}
	app.SetMetadata(fyne.AppMetadata{ID: appID, Name: "Undertone", Migrations: map[string]bool{"fyneDo": true}})
	a := app.NewWithID(appID)
	fyne.SetCurrentApp(still{a})
	w := newWindow(cfg, a)
	w.wanted = wanted
	w.desk.Open() // The line need not wait for the desktop.
	w.connect(session)
	w.build("")
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { w.frames.run(ctx, w.ask) })
	beside.Go(func() { w.listen(ctx) })
	w.app.Run()
	cancel()
	beside.Wait()
	w.disconnect()
	w.desk.Close()
	return nil
}

// newWindow makes the window, which has nothing in it, and is not shown yet.
func newWindow(cfg Config, a fyne.App) *window {
	w := &window{cfg: cfg, app: a, theme: profile.ThemeSystem, frames: newFrames()}
	cfg.Desk.Changed = w.frames.touch
	w.desk = desk.New(cfg.Desk)
	a.SetIcon(fyne.NewStaticResource("undertone.png", icon.PNG(icon.Online, iconSide)))
	a.Settings().SetTheme(screen.NewLook(w.theme))
	w.win = a.NewWindow("Undertone")
	w.win.Resize(fyne.NewSize(width, height))
	w.win.SetCloseIntercept(w.closed)
	return w
}

// build makes the screen, or makes it anew in another language.
func (w *window) build(language string) {
	if w.screen != nil {
		w.screen.LetGo()
	}
	w.language = language
	c := screen.Config{
		Desk: w.desk, Words: w.words(), Window: w.win, Clipboard: w.app.Clipboard(),
		Quit: w.askQuit, Starter: w.cfg.Starter, Profiles: w.cfg.Profiles, Now: time.Now,
	}
	if w.tray != nil {
		c.Hide = w.hide
	}
	w.screen = screen.New(c)
	w.frames.touch()
}

// words returns the catalogue of the language that the user has chosen, else of the
// system's.
func (w *window) words() *words.Catalogue {
	if words.Known(w.language) {
		return words.In(w.language)
	}
	return words.In(words.OfSystem(os.Getenv)...)
}

// settled is how long after the start all is made that the window needs.
const settled = 10 * time.Second

// listen does what is wanted from outside until ctx ends, which ends the program. Once
// it gives back what starting took and nothing needs any more: a window that is hidden
// all day makes no garbage, and so nobody would for long.
func (w *window) listen(ctx context.Context) {
	tidy := time.NewTimer(settled)
	defer tidy.Stop()
	for {
		select {
		case <-w.wanted:
			fyne.Do(w.show)
		case <-tidy.C:
			debug.FreeOSMemory()
		case <-ctx.Done():
			// Only the driver: the system's signal may have ended that already, and with
			// it the windows that the app would close.
			fyne.Do(w.app.Driver().Quit)
			return
		}
	}
}

// ask asks for a redraw. It waits for none: a window that hangs is asked once.
func (w *window) ask() {
	if w.asked.CompareAndSwap(false, true) {
		fyne.Do(func() {
			w.asked.Store(false)
			w.redraw(time.Now())
		})
	}
}

// redraw shows how things stand.
func (w *window) redraw(now time.Time) {
	v := w.desk.View(now)
	if v.Page == model.Home {
		w.follow(v.Settings)
	}
	w.decide(&v)
	w.ring(&v)
	w.release(&v)
	if w.tray != nil {
		w.tray.update(w, &v)
	}
	if w.visible {
		w.screen.Update(v)
	}
	w.frames.every(w.pace(&v))
}

// pace is how often there is something to draw without anything having happened.
func (w *window) pace(v *model.View) time.Duration {
	switch {
	case !w.visible:
		return 0
	case v.Call.Stage != model.NoCall || v.Page == model.FirstRun || w.screen.Moves():
		return frame
	}
	return calm
}

// follow has the window look and speak as the settings say.
func (w *window) follow(s profile.Settings) {
	if s.Theme != w.theme {
		w.theme = s.Theme
		w.app.Settings().SetTheme(screen.NewLook(s.Theme))
	}
	if s.Language != w.language {
		w.build(s.Language)
	}
	w.talkAnywhere(s.PushToTalk && s.TalkAnywhere)
}

// decide decides whether the program begins with a window, and brings it up later when
// a person has to do something: who has to needs one.
func (w *window) decide(v *model.View) {
	before := w.page
	w.page = v.Page
	switch v.Page {
	case model.Looking, model.Leaving:
		return
	case model.Home:
		if !w.decided && (w.tray == nil || !w.cfg.Hidden && !v.Settings.StartHidden) {
			w.show()
		}
	case model.FirstRun, model.Locked, model.Stuck:
		if v.Page != before {
			w.show()
		}
	}
	w.decided = true
}

// ring brings the window up when somebody calls, and shows a notification to who wants
// one.
func (w *window) ring(v *model.View) {
	var who words.Message
	if v.Call.Stage == model.RingsHere {
		who = v.Call.Title
	}
	if who == w.rings {
		return
	}
	w.rings = who
	if !who.IsZero() {
		w.show()
	}
	switch {
	case w.notices == nil:
	case who.IsZero() || !v.Settings.Notify:
		w.notices.Hide()
	default:
		say := w.words().Say
		w.notices.Show(notify.Texts{
			Title: say(words.M("notify.title")), Body: say(who),
			Answer: say(words.M("call.answer")), Decline: say(words.M("call.decline")),
		}, notify.Actions{Answer: w.desk.Answer, Decline: w.desk.Decline})
	}
}

// release lets go of the key that one talks with when it is not down any more, of which
// Fyne tells nobody while a button has the focus. A call begins without such a focus.
func (w *window) release(v *model.View) {
	d, ok := w.app.Driver().(desktop.Driver)
	if ok && d.CurrentKeyModifiers()&fyne.KeyModifierControl == 0 {
		w.screen.LetGo()
	}
	before := w.stage
	if w.stage = v.Call.Stage; w.stage == before || w.stage != model.Talking || !v.Settings.PushToTalk {
		return
	}
	if focused := w.win.Canvas().Focused(); focused != nil {
		if _, hears := focused.(desktop.Keyable); !hears {
			w.win.Canvas().Unfocus()
		}
	}
}

func (w *window) show() {
	w.visible = true
	w.frames.touch()
	w.win.Show()
	w.win.RequestFocus()
}

func (w *window) hide() {
	w.visible = false
	w.screen.LetGo()
	w.win.Hide()
	w.frames.every(0)
}

// closed is for the button that closes the window.
func (w *window) closed() {
	if w.tray != nil && w.screen.Page() == model.Home {
		w.hide()
		return
	}
	w.askQuit()
}

// askQuit says what quitting tells, and quits.
func (w *window) askQuit() {
	if p := w.screen.Page(); p != model.Home {
		w.leave()
		return
	}
	w.show()
	w.screen.AskQuit(w.leave)
}

// leave takes leave of the set, which takes a while, and ends the program.
func (w *window) leave() {
	w.quit.Do(func() {
		go func() {
			w.desk.Close()
			fyne.Do(w.app.Driver().Quit)
		}()
	})
}
