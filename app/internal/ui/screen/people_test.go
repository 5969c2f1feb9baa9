package screen

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

func TestPeople(t *testing.T) {
	r := newRig(t, atHome())
	p := r.home.people
	if len(p.found) != 3 || p.person.one.Visible() {
		t.Errorf("%d contacts, one is chosen: %t", len(p.found), p.person.one.Visible())
	}
	test.Type(p.search, "bo")
	if len(p.found) != 1 || p.chosen != "Bob" {
		t.Errorf("found %v, chosen %q", p.found, p.chosen)
	}
	p.search.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	r.toldOf("call Bob")
	p.search.SetText("")
	p.list.Select(2)
	if p.chosen != "Mallory" || !p.person.call.Disabled() {
		t.Errorf("chosen %q, who can be called: %t", p.chosen, !p.person.call.Disabled())
	}
	r.tap("Unblock")
	r.toldOf("block Mallory false")
	r.tap("Remove")
	if r.desk.has("remove Mallory") {
		t.Error("removed without a question")
	}
	r.tap("Remove") // The one of the question.
	r.toldOf("remove Mallory")
	test.Type(p.search, "zz")
	if len(p.found) != 0 || !p.nobody.Visible() {
		t.Error("nothing says that nobody is called that")
	}
	r.show(func(v *model.View) { v.People = nil })
	if !p.empty.Visible() || p.person.one.Visible() {
		t.Error("nothing says that there are no contacts")
	}
}

func TestAddPerson(t *testing.T) {
	r := newRig(t, atHome())
	r.press(fyne.KeyN)
	if b := r.button("Add"); b == nil || !b.Disabled() {
		t.Fatalf("the button to add: %v", b)
	}
	r.clip.SetContent(contactLink(t))
	r.tap("Paste")
	r.desk.problem = words.M("error.nametaken")
	r.tap("Add")
	if top := r.window.Canvas().Overlays().Top(); top == nil {
		t.Fatal("what was typed is lost")
	}
	if !r.says("has this name already") {
		t.Error("nothing says that the name is taken")
	}
	r.desk.problem = words.Message{}
	r.tap("Add")
	r.toldOf("add Zoe")
	if r.window.Canvas().Overlays().Top() != nil {
		t.Error("the question stays")
	}
}

// A contact link that is dropped on the main window is one to be added.
func TestDropAContact(t *testing.T) {
	r := newRig(t, atHome())
	path := filepath.Join(t.TempDir(), "link.txt")
	if err := os.WriteFile(path, []byte(contactLink(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	r.dropped(fyne.NewPos(1, 1), []fyne.URI{storage.NewFileURI(path)})
	r.tap("Add")
	r.toldOf("add Zoe")
}

// New keys under a known name stop the call until a person has accepted them.
func TestChangedKeys(t *testing.T) {
	r := newRig(t, atHome())
	r.show(func(v *model.View) {
		v.People[1].Changed, v.People[1].Blocked, v.People[1].Callable = true, true, false
		v.People[1].Note = words.M("person.changed")
	})
	p := r.home.people
	p.list.Select(1)
	if !p.person.call.Disabled() || !strings.Contains(p.person.note.Text, "New keys") || p.person.note.Importance != widget.DangerImportance {
		t.Errorf("can be called: %t; says %q", !p.person.call.Disabled(), p.person.note.Text)
	}
	r.tap("Accept the new keys")
	if r.desk.has("block Bob false") {
		t.Error("accepted without a question")
	}
	r.tap("Accept the new keys") // The one of the question.
	r.toldOf("block Bob false")
}

// Who has no contacts is told how to get some.
func TestNoContacts(t *testing.T) {
	r := newRig(t, atHome())
	r.show(func(v *model.View) { v.People = nil })
	r.tap("Show my link")
	if r.home.tabs.selected != cardTab {
		t.Errorf("it shows tab %d", r.home.tabs.selected)
	}
	r.home.tabs.choose(peopleTab)
	r.tap("Add your first contact")
	if !r.says("Paste the contact link") {
		t.Error("nothing asks for a link")
	}
}
