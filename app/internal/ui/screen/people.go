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

// people lists the contacts, and shows the one that is chosen.
type people struct {
	s       *Screen
	content fyne.CanvasObject
	search  *field
	list    *widget.List
	empty   *fyne.Container // there are no contacts
	nobody  *widget.Label   // the search finds none

	all    []model.Person
	found  []model.Person // those that the search finds
	chosen string         // a name
	ever   bool           // something was shown
	person *person
}

func (s *Screen) newPeople() *people {
	p := &people{s: s, nobody: hint(s.t(words.M("people.nobody")))}
	p.nobody.Hide()
	p.search = s.newField()
	p.search.SetPlaceHolder(s.t(words.M("people.search")))
	p.search.Icon = theme.SearchIcon()
	p.search.OnChanged = func(string) { p.find() }
	p.search.OnSubmitted = func(string) { p.person.dial() }
	p.person = s.newPerson(p)
	p.list = widget.NewList(func() int { return len(p.found) }, func() fyne.CanvasObject { return newPersonRow() },
		func(i widget.ListItemID, o fyne.CanvasObject) {
			if i < len(p.found) {
				o.(*personRow).fill(&p.found[i], s.t(p.found[i].Note))
			}
		})
	p.list.HideSeparators = true
	p.list.OnSelected = func(i widget.ListItemID) {
		if i < len(p.found) {
			p.choose(p.found[i].Name)
		}
	}
	add := s.newButton(s.t(words.M("people.add")), theme.ContentAddIcon(), func() { s.addPerson() })
	p.empty = p.newEmpty()
	left := border(border(nil, nil, nil, add, p.search), nil, nil, nil, container.NewStack(p.list, container.NewVBox(p.nobody)))
	right := least(container.NewVScroll(p.person.content), personWidth)
	p.content = container.NewStack(border(nil, nil, nil, right, room(left, 10, 10)), p.empty)
	return p
}

// personWidth is the width of the part that shows one contact.
const personWidth = 272

// newEmpty says what to do without contacts.
func (p *people) newEmpty() *fyne.Container {
	s := p.s
	none := heading(s.t(words.M("people.none")))
	how := text(s.t(words.M("people.empty")))
	none.Alignment, how.Alignment = fyne.TextAlignCenter, fyne.TextAlignCenter
	add := s.newMain(s.t(words.M("people.first")), theme.ContentAddIcon(), func() { s.addPerson() })
	link := s.newButton(s.t(words.M("people.link")), theme.MailSendIcon(), func() { s.home.tabs.choose(cardTab) })
	inside := container.NewVBox(container.NewCenter(logo()), none, how, container.NewCenter(container.NewHBox(link, add)))
	empty := container.NewStack(newPatch(theme.ColorNameBackground, 0), container.New(narrow{dialogWidth}, container.New(middle{}, inside)))
	empty.Hide()
	return empty
}

// A personRow is a line of the list.
type personRow struct {
	widget.BaseWidget
	face       *avatar
	name, note *widget.Label
	mark       *widget.Icon
}

func newPersonRow() *personRow {
	r := &personRow{face: newAvatar(36), name: line(), note: caption(), mark: widget.NewIcon(nil)}
	r.name.TextStyle.Bold = true
	r.ExtendBaseWidget(r)
	return r
}

// CreateRenderer makes Fyne's half of it.
func (r *personRow) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(room(container.NewBorder(nil, nil, container.NewCenter(r.face), r.mark,
		container.New(tight{}, r.name, r.note)), 0, 6))
}

// fill shows a contact.
func (r *personRow) fill(p *model.Person, note string) {
	r.face.of(p.Name)
	write(r.name, p.Name)
	write(r.note, note)
	switch {
	case p.Changed:
		r.mark.SetResource(theme.NewErrorThemedResource(theme.WarningIcon()))
	case p.Blocked:
		r.mark.SetResource(theme.NewDisabledResource(theme.CancelIcon()))
	case p.Verified:
		r.mark.SetResource(theme.NewSuccessThemedResource(verifiedSign))
	default:
		r.mark.SetResource(nil)
	}
}

// update shows the contacts.
func (p *people) update(v *model.View) {
	p.person.update(v)
	if p.ever && slices.Equal(p.all, v.People) {
		return
	}
	p.ever = true
	p.all = slices.Clone(v.People)
	p.find()
}

// find shows whom the search finds.
func (p *people) find() {
	want := strings.ToLower(strings.TrimSpace(p.search.Text))
	p.found = p.found[:0]
	for _, o := range p.all {
		if strings.Contains(strings.ToLower(o.Name), want) {
			p.found = append(p.found, o)
		}
	}
	show(p.empty, len(p.all) == 0)
	show(p.nobody, len(p.all) > 0 && len(p.found) == 0)
	p.list.Refresh()
	if len(p.found) == 1 && want != "" {
		p.chosen = p.found[0].Name
	}
	p.choose(p.chosen)
}

// choose shows one contact beside the list, and marks it there.
func (p *people) choose(name string) {
	o := p.of(name)
	p.chosen = ""
	if o != nil {
		p.chosen = o.Name
	}
	p.person.show(o)
	if i := slices.IndexFunc(p.found, func(f model.Person) bool { return f.Name == p.chosen }); i >= 0 {
		p.list.Select(i) // Calls choose again, of the same, which changes nothing.
	} else {
		p.list.UnselectAll()
	}
}

// of returns a contact, nil if there is none of that name.
func (p *people) of(name string) *model.Person {
	for i := range p.all {
		if p.all[i].Name == name {
			return &p.all[i]
		}
	}
	return nil
}
