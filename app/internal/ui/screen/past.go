package screen

import (
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

// past is the history.
type past struct {
	s       *Screen
	content fyne.CanvasObject
	list    *widget.List
	empty   *fyne.Container
	clear   *button
	again   *button
	all     []model.Past
	chosen  string
	day     time.Time // as of which "today" is said
}

func (s *Screen) newPast() *past {
	p := &past{s: s}
	none := hint(s.t(words.M("history.empty")))
	none.Alignment = fyne.TextAlignCenter
	p.empty = container.New(middle{}, none)
	p.list = widget.NewList(func() int { return len(p.all) }, func() fyne.CanvasObject { return newPastRow() },
		func(i widget.ListItemID, o fyne.CanvasObject) {
			if i < len(p.all) {
				p.fill(o.(*pastRow), &p.all[i])
			}
		})
	p.list.HideSeparators = true
	p.list.OnSelected = func(i widget.ListItemID) {
		if i < len(p.all) {
			p.chosen = p.all[i].Name
			enable(p.again, p.chosen != "")
		}
	}
	p.again = s.newMain(s.t(words.M("history.again")), callSign, func() {
		if p.chosen != "" {
			s.desk.Call(p.chosen)
		}
	})
	p.again.Disable()
	p.clear = s.newButton(s.t(words.M("history.clear")), theme.DeleteIcon(), func() {
		s.ask(s.t(words.M("history.clear")), s.t(words.M("history.clear.text")), s.t(words.M("history.clear")), s.desk.ClearHistory)
	})
	p.clear.Importance = widget.LowImportance
	p.clear.Disable()
	foot := border(nil, nil, p.again, p.clear, widget.NewLabel(""))
	p.content = room(border(nil, foot, nil, nil, container.NewStack(p.list, p.empty)), 10, 10)
	return p
}

// A pastRow is a line of the history.
type pastRow struct {
	widget.BaseWidget
	face       *avatar
	name, what *widget.Label
	when       *widget.Label
	way        *widget.Icon
}

// whenWidth is the width of the longest time that is shown.
const whenWidth = 160

func newPastRow() *pastRow {
	r := &pastRow{face: newAvatar(36), name: line(), what: caption(), when: widget.NewLabel(""), way: widget.NewIcon(nil)}
	r.name.TextStyle.Bold = true
	r.when.Alignment = fyne.TextAlignTrailing
	r.when.Importance, r.when.SizeName = widget.LowImportance, theme.SizeNameCaptionText
	r.ExtendBaseWidget(r)
	return r
}

// CreateRenderer makes Fyne's half of it.
func (r *pastRow) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(room(container.NewBorder(nil, nil,
		container.NewHBox(container.NewCenter(r.way), container.NewCenter(r.face)), container.NewCenter(least(r.when, whenWidth)),
		container.New(tight{}, r.name, r.what)), 0, 6))
}

func (p *past) fill(r *pastRow, c *model.Past) {
	write(r.name, p.s.t(c.With))
	r.face.of(c.Name)
	write(r.what, p.s.t(c.What))
	write(r.when, p.s.t(whenOf(c.When, p.s.now())))
	name, what := widget.MediumImportance, widget.LowImportance
	var way fyne.Resource = theme.NewDisabledResource(ringedSign)
	switch {
	case c.Missed:
		name, what, way = widget.DangerImportance, widget.DangerImportance, theme.NewErrorThemedResource(ringedSign)
	case c.Out:
		way = theme.NewDisabledResource(calledSign)
	}
	stress(r.name, name)
	stress(r.what, what)
	r.way.SetResource(way)
}

// whenOf says when something was, in the place in which it is now.
func whenOf(at, now time.Time) words.Message {
	at = at.In(now.Location())
	clock := at.Format("15:04")
	year, month, day := now.Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, now.Location())
	switch {
	case !at.Before(today) && at.Before(today.AddDate(0, 0, 1)):
		return words.M("when.today", "time", clock)
	case !at.Before(today.AddDate(0, 0, -1)) && at.Before(today):
		return words.M("when.yesterday", "time", clock)
	}
	return words.M("when.date", "year", at.Year(), "month", at.Format("01"), "day", at.Format("02"), "time", clock)
}

func (p *past) update(v *model.View) {
	year, month, day := p.s.now().Date()
	now := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if slices.Equal(p.all, v.Past) && now.Equal(p.day) {
		return
	}
	p.all, p.day = v.Past, now
	show(p.empty, len(p.all) == 0)
	enable(p.clear, len(p.all) > 0)
	p.list.UnselectAll()
	p.chosen = ""
	p.again.Disable()
	p.list.Refresh()
}
