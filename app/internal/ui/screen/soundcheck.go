package screen

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/audio/sound"
	"undertone/app/internal/ui/words"
	"undertone/transport/cell"
)

// A chooser is a list of devices of one kind; the first is the system's choice.
type chooser struct {
	widget.Select
	input bool
	names []string // as the sound helper knows them
}

func (s *Screen) newChooser(input bool, changed func()) *chooser {
	c := &chooser{input: input}
	c.ExtendBaseWidget(c)
	c.fill(s, nil, "")
	c.OnChanged = func(string) { changed() }
	return c
}

// fill lists devices, and selects one by its name.
func (c *chooser) fill(s *Screen, devices []sound.Device, chosen string) {
	c.names = []string{""}
	titles := []string{s.t(words.M("device.system"))}
	for i := range devices {
		if d := &devices[i]; d.Fits(c.input) {
			title := d.Title()
			if slices.Contains(titles, title) {
				title = d.Name // Two of one kind.
			}
			c.names, titles = append(c.names, d.Name), append(titles, title)
		}
	}
	if !slices.Contains(c.names, chosen) {
		c.names, titles = append(c.names, chosen), append(titles, s.t(words.M("device.gone", "name", chosen)))
	}
	c.Options = titles
	c.Selected = titles[slices.Index(c.names, chosen)]
	c.Refresh()
}

// chosen returns the name of the device, "" for the system's choice.
func (c *chooser) chosen() string {
	if i := slices.Index(c.Options, c.Selected); i >= 0 {
		return c.names[i]
	}
	return ""
}

// soundCheck lets a person choose devices, see how loud he is and hear himself.
type soundCheck struct {
	s          *Screen
	content    fyne.CanvasObject
	mic, ear   *chooser
	level      *meter
	again      *button
	advice     *widget.Label
	trouble    *widget.Label
	on, listed bool
	pace       cell.Interval
}

func (s *Screen) newSoundCheck() *soundCheck {
	c := &soundCheck{s: s, pace: cell.Interval40, level: newMeter(), advice: text(""), trouble: warning()}
	restart := func() {
		if c.on {
			s.desk.StartCheck(c.chosen())
		}
	}
	c.mic, c.ear = s.newChooser(true, restart), s.newChooser(false, restart)
	c.again = s.newButton(s.t(words.M("check.again")), micSign, func() { s.desk.HearMyself(c.pace) })
	c.content = container.NewVBox(
		row(s.t(words.M("device.mic")), c.mic),
		row(s.t(words.M("device.speaker")), c.ear),
		row(s.t(words.M("check.level")), border(nil, nil, nil, c.again, c.level)),
		c.advice, c.trouble,
	)
	return c
}

// begin opens the devices.
func (c *soundCheck) begin() {
	if c.on {
		return
	}
	c.on = true
	if !c.listed {
		c.listed = true
		c.s.desk.Devices(func(all []sound.Device, err error) {
			fyne.Do(func() {
				if err == nil {
					c.mic.fill(c.s, all, c.mic.chosen())
					c.ear.fill(c.s, all, c.ear.chosen())
				}
			})
		})
	}
	c.s.desk.StartCheck(c.chosen())
}

// end closes the devices.
func (c *soundCheck) end() {
	if c.on {
		c.on = false
		c.s.desk.StopCheck()
	}
}

func (c *soundCheck) chosen() (mic, speaker string) { return c.mic.chosen(), c.ear.chosen() }

// quietest is how loud a voice should be at least (RMS).
const quietest = 0.01

func (c *soundCheck) update() {
	if !c.on {
		return
	}
	h := c.s.desk.Hearing()
	c.level.set(h.Mic)
	var advice words.Message
	switch {
	case h.Says:
		advice = words.M("check.says")
	case h.Hears:
		advice = words.M("check.hears")
	case !h.On:
		advice = words.M("check.opens")
	case h.Mic < quietest:
		advice = words.M("check.speak")
	default:
		advice = words.M("check.good")
	}
	write(c.advice, c.s.t(advice))
	enable(c.again, h.On && !h.Says)
	show(c.advice, h.Trouble.IsZero())
	if warn(c.trouble, c.s.t(h.Trouble)) {
		c.content.Refresh()
	}
}
