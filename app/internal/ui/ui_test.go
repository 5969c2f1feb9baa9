package ui

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/desk"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

var errNoDevices = errors.New("nobody has devices here")

// newTestWindow is a window without a profile, in the test driver.
func newTestWindow(t *testing.T) *window {
	t.Helper()
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANGUAGE"} {
		t.Setenv(name, "")
	}
	t.Setenv("LANG", "en_GB.UTF-8")
	w := newWindow(Config{Desk: desk.Config{
		Dir:        filepath.Join(t.TempDir(), "p"),
		NewPhone:   func(phone.Config) (desk.Phone, error) { panic("nobody goes online here") },
		OpenSound:  func(profile.Settings) (audio.Device, error) { return audio.Silence{}, nil },
		OpenRinger: func(string) (desk.Ringer, error) { panic("nobody rings here") },
		// The test driver shows them on another goroutine than the test.
		ListDevices: func(context.Context) ([]sound.Device, error) { return nil, errNoDevices },
	}}, test.NewTempApp(t))
	t.Cleanup(w.desk.Close)
	w.build("")
	return w
}

// until waits until something is so, drawing as the ticker would.
func (w *window) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(10 * time.Second)
	defer end.Stop()
	for !ok() {
		select {
		case now := <-tick.C:
			w.redraw(now)
		case <-end.C:
			t.Fatalf("never: %s", what)
		}
	}
}

func TestFirstWindow(t *testing.T) {
	w := newTestWindow(t)
	if w.visible {
		t.Error("it is shown before it is known what with")
	}
	w.desk.Open()
	w.until(t, "the first run", func() bool { return w.visible && w.screen.Page() == model.FirstRun })
}

// Who starts hidden has no window, if there is a tray to open it from, and nothing to
// be asked.
func TestHidden(t *testing.T) {
	for _, c := range []struct {
		page   model.Page
		tray   bool
		hidden bool
		set    bool
		want   bool
	}{
		{model.Home, true, true, false, false},
		{model.Home, true, false, true, false},
		{model.Home, true, false, false, true},
		{model.Home, false, true, true, true},
		{model.Locked, true, true, false, true},
		{model.FirstRun, true, true, false, true},
	} {
		w := newTestWindow(t)
		w.cfg.Hidden = c.hidden
		if c.tray {
			w.tray = &tray{}
		}
		v := model.View{Page: c.page, Settings: profile.Settings{StartHidden: c.set}}
		w.decide(&v)
		if w.visible != c.want {
			t.Errorf("%+v: shown: %t", c, w.visible)
		}
	}
}

// The tray's menu has who is online be left in peace, and says whether he is.
func TestTrayLeavesInPeace(t *testing.T) {
	w := newTestWindow(t)
	item := func(v *model.View) *fyne.MenuItem {
		for _, i := range (&tray{}).items(w, v).Items {
			if i.Label == "Do not disturb" {
				return i
			}
		}
		return nil
	}
	if item(&model.View{Page: model.Locked}) != nil {
		t.Error("who cannot be called can be left in peace")
	}
	for _, c := range []struct {
		answer profile.AnswerMode
		want   bool
	}{{profile.AnswerAsk, false}, {profile.AnswerNever, true}} {
		i := item(&model.View{Page: model.Home, Settings: profile.Settings{Answer: c.answer}})
		if i == nil || i.Checked != c.want {
			t.Errorf("with answer mode %d it is %+v", c.answer, i)
		}
	}
}

// Who is hidden and cannot go online any more is asked what to do, once.
func TestTroubleBringsTheWindowUp(t *testing.T) {
	w := newTestWindow(t)
	w.tray, w.cfg.Hidden = &tray{}, true
	at := func(p model.Page) bool {
		w.decide(&model.View{Page: p})
		return w.visible
	}
	if at(model.Home) {
		t.Error("it is not hidden")
	}
	if !at(model.Stuck) {
		t.Error("it is stuck unseen")
	}
	w.hide()
	if at(model.Stuck) {
		t.Error("it comes up again and again")
	}
	if at(model.Home) || !at(model.Locked) {
		t.Error("it is locked unseen")
	}
}

// How often it is drawn follows from what there is to see.
func TestPace(t *testing.T) {
	w := newTestWindow(t)
	home, calls := &model.View{Page: model.Home}, &model.View{Page: model.Home, Call: model.Call{Stage: model.Talking}}
	if w.pace(home) != 0 || w.pace(calls) != 0 {
		t.Error("it is drawn while it is hidden")
	}
	w.show()
	if w.pace(home) != calm || w.pace(calls) != frame || w.pace(&model.View{Page: model.FirstRun}) != frame {
		t.Errorf("%v at home, %v in a call", w.pace(home), w.pace(calls))
	}
	w.hide()
	if w.pace(calls) != 0 || w.frames.pace.Load() != 0 {
		t.Error("it is drawn while it is hidden again")
	}
}

// While it is hidden nothing is drawn; a call brings it up.
func TestACallBringsTheWindowUp(t *testing.T) {
	w := newTestWindow(t)
	v := model.View{Page: model.Home, Call: model.Call{Stage: model.RingsHere, Title: words.M("call.rings", "names", "Ann")}}
	w.ring(&v)
	if !w.visible {
		t.Error("it rings unseen")
	}
	w.hide()
	w.ring(&v) // It was brought up once; who hides it again has seen it.
	if w.visible {
		t.Error("it comes up again and again")
	}
	v.Call.Stage = model.NoCall
	w.ring(&v)
	v.Call.Stage = model.RingsHere
	w.ring(&v)
	if !w.visible {
		t.Error("the next call rings unseen")
	}
	w.hide()
	v.Call.Title = words.M("call.rings", "names", "Bob") // At the same moment.
	w.ring(&v)
	if !w.visible {
		t.Error("another who calls rings unseen")
	}
}

func TestLanguageAndThemeFollow(t *testing.T) {
	w := newTestWindow(t)
	if w.words().Language != "en" {
		t.Errorf("speaks %s", w.words().Language)
	}
	before := w.screen
	w.follow(profile.Settings{Language: "de", Theme: profile.ThemeDark})
	if w.words().Language != "de" || w.screen == before || w.theme != profile.ThemeDark {
		t.Errorf("speaks %s, looks %v", w.words().Language, w.theme)
	}
	w.follow(profile.Settings{})
	if w.words().Language != "en" {
		t.Errorf("speaks %s again", w.words().Language)
	}
}

// A window that hangs is asked for a redraw once, and holds up nobody: neither the
// ticker nor the desk.
func TestAWindowThatHangsHoldsUpNobody(t *testing.T) {
	w := newTestWindow(t)
	w.asked.Store(true) // The redraw before has not been done, and never is.
	ctx, cancel := context.WithCancel(t.Context())
	var drawing sync.WaitGroup
	drawing.Go(func() { w.frames.run(ctx, w.ask) })
	w.desk.Open()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(frame)
	defer tick.Stop()
	for w.desk.View(time.Now()).Page != model.FirstRun {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal("the desk waits for the window")
		}
	}
	if w.screen.Page() != model.Looking {
		t.Error("it was drawn, so it did not hang")
	}
	cancel()
	drawing.Wait()
}

func TestQuitAtTheFirstRunAsksNothing(t *testing.T) {
	w := newTestWindow(t)
	w.desk.Open()
	w.until(t, "the first run", func() bool { return w.screen.Page() == model.FirstRun })
	w.closed()
	w.until(t, "the end", func() bool { return w.desk.View(time.Now()).Page == model.Leaving })
}

// A window that nobody touches is not drawn again and again for a cursor that blinks.
func TestStill(t *testing.T) {
	a := still{test.NewTempApp(t)}
	if a.Settings().ShowAnimations() || a.Settings().Theme() != a.App.Settings().Theme() {
		t.Error("it moves, or looks otherwise")
	}
}
