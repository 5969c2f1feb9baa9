package screen

import (
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

// home is the main window: at the side who one is, the pages and the state of the line,
// above what there is to know and the call, and below a page.
type home struct {
	s       *Screen
	content *fyne.Container
	top     *fyne.Container

	face       *avatar
	who, where *widget.Label
	dot        *patch
	line       *widget.Label
	notices    *fyne.Container
	why        *widget.Label
	beware     *widget.Label
	notice     *widget.Label

	call     *callPanel
	tabs     *tabs
	people   *people
	past     *past
	card     *card
	wire     *wire
	settings *settings
}

// The tabs, in their order.
const (
	peopleTab = iota
	pastTab
	cardTab
	wireTab
	settingsTab
)

func (s *Screen) newHome() *home {
	h := &home{
		s: s, face: newAvatar(40), who: line(), where: caption(), dot: newDot(12), line: text(""),
		why: warning(), beware: warning(), notice: warning(),
	}
	h.who.TextStyle.Bold = true
	h.beware.Importance, h.notice.Importance = widget.WarningImportance, widget.MediumImportance
	h.call, h.people, h.past, h.card, h.wire, h.settings = s.newCallPanel(), s.newPeople(), s.newPast(), s.newCard(), s.newWire(), s.newSettings()
	h.tabs = s.newTabs(
		tab{s.t(words.M("tab.people")), theme.AccountIcon(), h.people.content},
		tab{s.t(words.M("tab.past")), theme.HistoryIcon(), h.past.content},
		tab{s.t(words.M("tab.card")), theme.MailSendIcon(), h.card.content},
		tab{s.t(words.M("tab.wire")), theme.VisibilityIcon(), h.wire.content},
		tab{s.t(words.M("tab.settings")), theme.SettingsIcon(), h.settings.content},
	)
	h.tabs.onSelected = h.selected
	h.notices = container.NewStack(newPatch(theme.ColorNameOverlayBackground, sizes[theme.SizeNameCardRadius]),
		room(container.NewVBox(h.why, h.beware, h.notice), 4, 10))
	h.notices.Hide()
	h.top = container.NewVBox(h.call.content, h.notices)
	h.content = container.New(frame{}, room(h.top, 8, 10), h.newSide(), h.tabs.pages)
	return h
}

// newSide makes what stands at the side.
func (h *home) newSide() fyne.CanvasObject {
	me := border(nil, nil, container.NewCenter(h.face), nil, container.New(tight{}, h.who, h.where))
	state := border(nil, nil, container.NewCenter(h.dot), nil, h.line)
	return container.NewStack(newPatch(theme.ColorNameHeaderBackground, 0),
		room(border(container.NewVBox(me, widget.NewSeparator()), state, nil, nil, h.tabs.bar), 10, 10))
}

// sideWidth is the width of what stands at the side.
const sideWidth = 200

// frame lays out the three parts of the window: what is on top, the side and the page.
// In this order the tabulator goes through them, so that it reaches a call first.
type frame struct{}

// Layout puts them there.
func (frame) Layout(parts []fyne.CanvasObject, size fyne.Size) {
	top, side, page := parts[0], parts[1], parts[2]
	width := size.Width - sideWidth
	side.Move(fyne.NewPos(0, 0))
	side.Resize(fyne.NewSize(sideWidth, size.Height))
	height := float32(0)
	if top.Visible() {
		top.Move(fyne.NewPos(sideWidth, 0))
		top.Resize(fyne.NewSize(width, top.MinSize().Height))
		height = top.MinSize().Height // Its lines may be broken only now.
		top.Resize(fyne.NewSize(width, height))
	}
	page.Move(fyne.NewPos(sideWidth, height))
	page.Resize(fyne.NewSize(width, max(0, size.Height-height)))
}

// MinSize is how small the window can be. A page scrolls where there is less room.
func (frame) MinSize(parts []fyne.CanvasObject) fyne.Size {
	top, side, page := parts[0].MinSize(), parts[1].MinSize(), parts[2].MinSize()
	if !parts[0].Visible() {
		top = fyne.Size{}
	}
	return fyne.NewSize(sideWidth+max(top.Width, page.Width), max(side.Height, top.Height+page.Height))
}

// selected takes in that another tab is shown.
func (h *home) selected() {
	if h.tabs.selected == pastTab {
		h.s.desk.Seen()
	}
	if h.tabs.selected == settingsTab {
		h.settings.list()
	}
	h.s.Update(h.s.desk.View(h.s.now())) // Nobody waits for the next look.
}

func (h *home) update(v *model.View) {
	t := h.s.t
	h.face.of(v.Card.Name)
	write(h.who, v.Card.Name)
	write(h.where, v.Card.Server.Host)
	h.online(&v.Line)
	changed := warn(h.why, t(v.Line.Why))
	var beware []string
	for _, m := range v.Beware {
		beware = append(beware, t(m))
	}
	changed = warn(h.beware, strings.Join(beware, "\n")) || changed
	changed = warn(h.notice, t(v.Notice)) || changed
	changed = show(h.notices, h.why.Visible() || h.beware.Visible() || h.notice.Visible()) || changed
	changed = h.call.update(&v.Call, v.People) || changed
	if above := h.content.Objects[0]; show(above, h.notices.Visible() || h.call.content.Visible()) || changed {
		h.top.Refresh()
		h.content.Refresh()
	}
	h.missed(v.Missed)
	h.people.update(v)
	switch h.tabs.selected {
	case cardTab:
		h.card.update(v)
	case pastTab:
		h.past.update(v)
	case wireTab:
		h.wire.update(v)
	case settingsTab:
		h.settings.update(v)
	}
}

func (h *home) online(l *model.Line) {
	colour := theme.ColorNameWarning
	if l.On {
		colour = theme.ColorNameSuccess
	}
	h.dot.paint(colour)
	write(h.line, h.s.t(l.Text))
}

// missed shows at the tab of the history how many calls were missed.
func (h *home) missed(n int) {
	title := h.s.t(words.M("tab.past"))
	if n > 0 {
		title += " (" + strconv.Itoa(n) + ")"
	}
	label(h.tabs.buttons[pastTab], title)
}
