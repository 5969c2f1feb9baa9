package screen

import (
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

// All that is done with the mouse is done with keys, also while somebody types.
func TestShortcuts(t *testing.T) {
	r := newRig(t, atHome())
	r.window.Canvas().Focus(r.home.people.search)
	everything := model.Answer | model.Decline | model.Hangup | model.Mute | model.Deafen
	r.press(fyne.KeyM)
	if r.desk.has("mute") {
		t.Error("muted without a call")
	}
	r.desk.view.Call.Allowed = everything
	for key, want := range map[fyne.KeyName]string{
		fyne.KeyReturn: "answer", fyne.KeyD: "decline", fyne.KeyH: "hangup", fyne.KeyM: "mute", fyne.KeyL: "deafen", fyne.KeyW: "hide",
	} {
		r.press(key)
		r.toldOf(want)
	}
	r.window.Canvas().Unfocus()
	r.press(fyne.Key2)
	if r.home.tabs.selected != pastTab || !r.desk.seen {
		t.Errorf("the tab is %d", r.home.tabs.selected)
	}
	r.press(fyne.KeyF)
	if r.home.tabs.selected != peopleTab || r.window.Canvas().Focused() != fyne.Focusable(r.home.people.search) {
		t.Error("there is nothing to search with")
	}
	r.press(fyne.KeyQ)
	if r.quits != 1 {
		t.Errorf("%d quits", r.quits)
	}
}

func TestTalkKey(t *testing.T) {
	r := newRig(t, atHome())
	r.home.people.search.KeyDown(&fyne.KeyEvent{Name: talkKey})
	r.toldOf("talk true")
	r.home.people.search.KeyUp(&fyne.KeyEvent{Name: talkKey})
	r.toldOf("talk false")
	before := len(r.desk.told)
	r.home.people.search.KeyDown(&fyne.KeyEvent{Name: fyne.KeyA})
	if len(r.desk.told) != before {
		t.Errorf("another key: %q", r.desk.told)
	}
	// Where the key goes up nobody may be told: then it is let go by who sees that.
	r.LetGo()
	if len(r.desk.told) != before {
		t.Errorf("a key that is up: %q", r.desk.told)
	}
	r.home.people.search.KeyDown(&fyne.KeyEvent{Name: talkKey})
	r.LetGo()
	r.LetGo()
	if told := r.desk.told[before:]; !slices.Equal(told, []string{"talk true", "talk false"}) {
		t.Errorf("let go: %q", told)
	}
}

// With the tabulator one gets to every button that can be pressed, in their order.
func TestTabOrder(t *testing.T) {
	r := newRig(t, atHome())
	r.show(func(v *model.View) {
		v.Call = model.Call{Stage: model.RingsHere, Allowed: model.Answer | model.Decline, With: []string{"Bob"}, Title: words.M("call.rings", "names", "Bob")}
	})
	r.window.Canvas().Unfocus()
	var got []string
	for range 40 {
		r.window.Canvas().FocusNext()
		name := ""
		switch o := r.window.Canvas().Focused().(type) {
		case *button:
			name = o.Text
		case *field:
			name = "field " + o.PlaceHolder
		}
		if slices.Contains(got, name) && name != "" {
			break
		}
		got = append(got, name)
	}
	if len(got) < 4 || got[0] != "Answer" || got[1] != "Decline" || got[2] != "Contacts" || !slices.Contains(got, "field Search") || !slices.Contains(got, "Add a contact") {
		t.Errorf("one gets to %q", got)
	}
}

// Return presses a button that has the focus, and Escape closes a question, wherever
// the cursor is.
func TestReturnAndEscape(t *testing.T) {
	r := newRig(t, atHome())
	overlays := r.window.Canvas().Overlays()
	for _, name := range []fyne.KeyName{fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace} {
		r.home.people.person.remove.TypedKey(&fyne.KeyEvent{Name: name}) // Of nobody.
		if overlays.Top() != nil {
			t.Fatal("it asks for nobody")
		}
		r.home.people.list.Select(0)
		r.home.people.person.remove.TypedKey(&fyne.KeyEvent{Name: name})
		if overlays.Top() == nil {
			t.Fatalf("%s presses nothing", name)
		}
		focused := r.window.Canvas().Focused()
		if b, ok := focused.(*button); !ok || b.Text != "Cancel" {
			t.Errorf("the cursor stands on %v", focused)
		}
		focused.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
		if overlays.Top() != nil {
			t.Fatal("the question stays")
		}
		r.home.people.list.UnselectAll()
		r.home.people.choose("")
	}
	if len(r.desk.told) != 0 {
		t.Errorf("it was told %q", r.desk.told)
	}
	added := r.addPerson()
	added.link.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if overlays.Top() != nil || len(r.boxes) != 0 {
		t.Error("the question for a link stays")
	}
}

// What has the focus can be told from what has not.
func TestFocusShows(t *testing.T) {
	r := newRig(t, atHome())
	b := r.home.people.person.compare
	before := b.ring.StrokeWidth
	b.FocusGained()
	if before != 0 || b.ring.StrokeWidth < 2 || b.ring.StrokeColor != theme.Color(theme.ColorNameForeground) {
		t.Errorf("the ring is %v wide, then %v", before, b.ring.StrokeWidth)
	}
	b.FocusLost()
	if b.ring.StrokeWidth != 0 {
		t.Error("the ring stays")
	}
}

// Who wants to quit is asked once, and the cursor stands on what changes nothing.
func TestAskQuit(t *testing.T) {
	r := newRig(t, atHome())
	quits := 0
	quit := func() { quits++ }
	r.AskQuit(quit)
	r.AskQuit(quit)
	if len(r.boxes) != 1 {
		t.Fatalf("it asks %d times", len(r.boxes))
	}
	focused := r.window.Canvas().Focused()
	if b, ok := focused.(*button); !ok || b.Text != "Cancel" {
		t.Errorf("the cursor stands on %v", focused)
	}
	focused.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if quits != 0 || len(r.boxes) != 0 {
		t.Errorf("%d quits, and there are %d questions", quits, len(r.boxes))
	}
	r.AskQuit(quit)
	r.window.Canvas().FocusNext()
	r.window.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	if quits != 1 || len(r.boxes) != 0 {
		t.Errorf("%d quits, and there are %d questions", quits, len(r.boxes))
	}
}
