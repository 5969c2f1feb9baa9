package screen

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

// person is the contact that is chosen, and what one can do with him.
type person struct {
	s       *Screen
	list    *people
	content *fyne.Container
	pick    *widget.Label // that one has to be chosen
	one     *fyne.Container

	face    *avatar
	name    *widget.Label
	note    *widget.Label
	more    *widget.Label
	call    *button
	compare *button
	block   *button
	remove  *button
	adds    bool // a call adds to the one that there is
	shown   *model.Person
}

func (s *Screen) newPerson(list *people) *person {
	p := &person{s: s, list: list, face: newAvatar(84), name: title(""), note: hint(""), more: hint(""), pick: hint(s.t(words.M("people.pick")))}
	for _, l := range []*widget.Label{p.name, p.note, p.more, p.pick} {
		l.Alignment = fyne.TextAlignCenter
	}
	p.call = s.newMain(s.t(words.M("person.call")), callSign, p.dial)
	p.compare = s.newButton(s.t(words.M("person.compare")), verifiedSign, func() { s.verify(list.chosen) })
	p.block = s.newButton("", theme.CancelIcon(), p.toggleBlock)
	p.remove = s.newButton(s.t(words.M("person.remove")), theme.DeleteIcon(), p.askRemove)
	p.block.Importance, p.remove.Importance = widget.LowImportance, widget.LowImportance
	p.one = container.NewVBox(container.NewCenter(p.face), container.New(tight{}, p.name, p.note), p.call, p.compare, p.more, widget.NewSeparator(), p.block, p.remove)
	p.one.Hide()
	p.content = container.NewStack(newPatch(theme.ColorNameOverlayBackground, 0), room(container.NewVBox(p.one, p.pick), 22, 16))
	return p
}

// update takes in what a call changes.
func (p *person) update(v *model.View) {
	if adds := v.Call.May(model.Add); adds != p.adds {
		p.adds = adds
		p.show(p.shown)
	}
}

// show shows a contact, or that none is chosen.
func (p *person) show(o *model.Person) {
	p.shown = o
	show(p.pick, o == nil)
	if show(p.one, o != nil); o == nil {
		return
	}
	t := p.s.t
	p.face.of(o.Name)
	write(p.name, o.Name)
	write(p.note, t(o.Note))
	warn(p.more, t(more(o)))
	importance := widget.LowImportance
	switch {
	case o.Changed:
		importance = widget.DangerImportance
	case o.Verified && !o.Blocked:
		importance = widget.SuccessImportance
	}
	stress(p.note, importance)
	call, block, icon := words.M("person.call"), words.M("person.block"), theme.CancelIcon()
	if p.adds {
		call = words.M("person.add")
	}
	switch {
	case o.Changed:
		block, icon = words.M("person.accept"), theme.ConfirmIcon()
	case o.Blocked:
		block, icon = words.M("person.unblock"), theme.ConfirmIcon()
	}
	label(p.call, t(call))
	enable(p.call, o.Callable)
	label(p.block, t(block))
	p.block.SetIcon(icon)
	p.content.Refresh()
}

// more says what one can do about how it stands with a contact.
func more(o *model.Person) words.Message {
	switch {
	case o.Changed:
		return words.M("person.changed.more")
	case o.Blocked:
		return words.M("person.blocked.more")
	case !o.Paired:
		return words.M("person.unpaired.more")
	case !o.Verified:
		return words.M("person.unverified.more")
	}
	return words.Message{}
}

// dial calls who is chosen.
func (p *person) dial() {
	if p.list.chosen != "" && !p.call.Disabled() {
		p.s.desk.Call(p.list.chosen)
	}
}

func (p *person) toggleBlock() {
	o, t := p.list.of(p.list.chosen), p.s.t
	switch {
	case o == nil:
	case o.Changed:
		name := o.Name
		p.s.ask(t(words.M("accept.title", "name", name)), t(words.M("accept.text")), t(words.M("person.accept")), func() { p.s.desk.Block(name, false) })
	default:
		p.s.desk.Block(o.Name, !o.Blocked)
	}
}

func (p *person) askRemove() {
	name, t := p.list.chosen, p.s.t
	if name == "" {
		return
	}
	p.s.ask(t(words.M("remove.title", "name", name)), t(words.M("remove.text")), t(words.M("person.remove")), func() { p.s.desk.RemovePerson(name) })
}
