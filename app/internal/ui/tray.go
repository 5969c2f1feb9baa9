package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"undertone/app/internal/profile"
	"undertone/app/internal/ui/bus"
	"undertone/app/internal/ui/icon"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/notify"
	"undertone/app/internal/ui/words"
)

// trayIconSide is how large the tray's icon is: more than any panel shows.
const trayIconSide = 64

// A tray is the icon beside the clock, with its menu.
type tray struct {
	app   desktop.App
	icons map[icon.State]fyne.Resource
	state icon.State
	menu  trayMenu
	ever  bool
}

// trayMenu is what the menu depends on.
type trayMenu struct {
	language string
	stage    model.Stage
	title    words.Message
	line     words.Message
	page     model.Page
	silent   bool
}

// trayFor is how long a program that starts with the desktop waits for its tray.
const trayFor = 5 * time.Second

// connect finds what the desktop has. Without a bus there is neither tray nor
// notification: Fyne's tray then crashes the program when it ends.
func (w *window) connect(b *bus.Bus) {
	if w.bus = b; b == nil {
		return
	}
	w.notices, _ = notify.New(b) // Without, the window shows who calls, and does anyway.
	wait := time.Duration(0)
	if w.cfg.Hidden {
		wait = trayFor
	}
	a, ok := w.app.(desktop.App)
	if !ok || !b.HasTray(wait) {
		return
	}
	w.tray = &tray{app: a, icons: make(map[icon.State]fyne.Resource)}
	for s, name := range map[icon.State]string{icon.Online: "online.png", icon.Offline: "offline.png", icon.Rings: "rings.png"} {
		w.tray.icons[s] = fyne.NewStaticResource(name, icon.PNG(s, trayIconSide))
	}
	v := w.desk.View(time.Now())
	w.tray.update(w, &v)
}

// disconnect ends what needs the bus.
func (w *window) disconnect() {
	w.talkAnywhere(false)
	w.anywhere.holding.Wait()
	if w.notices != nil {
		w.notices.Close()
	}
}

// update shows how things stand.
func (t *tray) update(w *window, v *model.View) {
	now := trayMenu{w.words().Language, v.Call.Stage, v.Call.Title, v.Line.Text, v.Page, silent(v)}
	state := icon.Offline
	switch {
	case v.Call.Stage == model.RingsHere || v.Missed > 0:
		state = icon.Rings
	case v.Line.On:
		state = icon.Online
	}
	if now != t.menu || !t.ever {
		t.menu = now
		t.app.SetSystemTrayMenu(t.items(w, v))
	}
	if state != t.state || !t.ever {
		t.state = state
		t.app.SetSystemTrayIcon(t.icons[state])
	}
	t.ever = true
}

func (t *tray) items(w *window, v *model.View) *fyne.Menu {
	say := w.words().Say
	var items []*fyne.MenuItem
	if !v.Line.Text.IsZero() {
		state := fyne.NewMenuItem(say(v.Line.Text), nil)
		state.Disabled = true
		items = append(items, state)
	}
	if v.Call.Stage == model.RingsHere {
		items = append(items,
			fyne.NewMenuItem(say(v.Call.Title), w.show),
			fyne.NewMenuItem(say(words.M("call.answer")), w.desk.Answer),
			fyne.NewMenuItem(say(words.M("call.decline")), w.desk.Decline))
	} else if v.Call.May(model.Hangup) {
		items = append(items, fyne.NewMenuItem(say(words.M("call.hangup")), w.desk.Hangup))
	}
	if v.Page == model.Home {
		dnd := fyne.NewMenuItem(say(words.M("tray.dnd")), func() {
			w.desk.Choose(func(s *profile.Settings) { s.DoNotDisturb(s.Answer != profile.AnswerNever) })
		})
		dnd.Checked = silent(v)
		items = append(items, dnd)
	}
	quit := fyne.NewMenuItem(say(words.M("quit")), w.askQuit)
	quit.IsQuit = true
	items = append(items, fyne.NewMenuItem(say(words.M("tray.open")), w.show), quit)
	return fyne.NewMenu("Undertone", items...)
}

// silent reports whether calls do not ring.
func silent(v *model.View) bool { return v.Settings.Answer == profile.AnswerNever }
