package screen

import (
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

// blocked lists who is blocked.
type blocked struct {
	s       *Screen
	content *fyne.Container
	names   []string
	ever    bool
}

func (s *Screen) newBlocked() *blocked { return &blocked{s: s, content: container.NewVBox()} }

func (b *blocked) update(all []model.Person) {
	var names []string
	for i := range all {
		if all[i].Blocked {
			names = append(names, all[i].Name)
		}
	}
	if b.ever && slices.Equal(names, b.names) {
		return
	}
	b.names, b.ever = names, true
	b.content.RemoveAll()
	if len(names) == 0 {
		b.content.Add(hint(b.s.t(words.M("settings.blocked.none"))))
		return
	}
	b.content.Add(text(b.s.t(words.M("settings.blocked"))))
	for _, name := range names {
		of := line()
		of.SetText(name)
		free := b.s.newButton(b.s.t(words.M("person.unblock")), theme.ConfirmIcon(), func() { b.s.desk.Block(name, false) })
		b.content.Add(border(nil, nil, nil, free, of))
	}
}

// profilePart lets a person open another profile, or make one.
func (p *settings) profilePart() fyne.CanvasObject {
	s := p.s
	if s.others == nil {
		return container.NewVBox()
	}
	current := s.others.Current()
	if current == "" {
		current = s.t(words.M("profiles.first"))
	}
	all := []fyne.CanvasObject{
		heading(s.t(words.M("profiles.title"))), text(s.t(words.M("profiles.current", "name", current))), hint(s.t(words.M("profiles.text"))),
	}
	bad := warning()
	open := func(name string) {
		problem := ""
		if err := s.others.Open(name); err != nil {
			problem = s.t(words.M("profiles.failed", "why", err.Error()))
		}
		warn(bad, problem)
	}
	for _, name := range s.others.Others() {
		shown := name
		if shown == "" {
			shown = s.t(words.M("profiles.first"))
		}
		of := line()
		of.SetText(shown)
		all = append(all, border(nil, nil, nil, s.newButton(s.t(words.M("profiles.open")), theme.LoginIcon(), func() { open(name) }), of))
	}
	name := s.newField()
	name.SetPlaceHolder(s.t(words.M("profiles.name")))
	create := func() {
		wanted := strings.TrimSpace(name.Text)
		if s.others.Check(wanted) != nil || wanted == "" {
			warn(bad, s.t(words.M("profiles.bad")))
			return
		}
		name.SetText("")
		open(wanted)
	}
	name.OnSubmitted = func(string) { create() }
	return panel(append(all, border(nil, nil, nil, s.newButton(s.t(words.M("profiles.make")), theme.ContentAddIcon(), create), name), bad)...)
}

// keyTable lists the keys and what they do.
func (s *Screen) keyTable() fyne.CanvasObject {
	table := container.NewGridWithColumns(2)
	for _, one := range []struct{ keys, does words.Message }{
		{words.M("keys.answer"), words.M("call.answer")}, {words.M("keys.decline"), words.M("call.decline")},
		{words.M("keys.hangup"), words.M("call.hangup")}, {words.M("keys.mute"), words.M("call.mute")},
		{words.M("keys.deafen"), words.M("call.deafen")}, {words.M("keys.search"), words.M("people.search")},
		{words.M("keys.add"), words.M("people.add")}, {words.M("keys.tabs"), words.M("keys.tabs.text")},
		{words.M("keys.hide"), words.M("keys.hide.text")}, {words.M("keys.quit"), words.M("quit")},
		{words.M("keys.next"), words.M("keys.next.text")}, {words.M("keys.press"), words.M("keys.press.text")},
		{words.M("keys.escape"), words.M("keys.escape.text")},
	} {
		keys := widget.NewLabelWithStyle(s.t(one.keys), fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
		table.Add(border(nil, nil, least(keys, nameWidth), nil, text(s.t(one.does))))
	}
	return table
}
