package screen

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"undertone/app/internal/ui/model"
)

// shortcuts are the keys of the window. All are with Control, so that they work while
// somebody types as well.
func (s *Screen) shortcuts() map[fyne.KeyName]func() {
	alone := func(does func()) func() {
		return func() {
			if s.page == model.Home && len(s.boxes) == 0 {
				does()
			}
		}
	}
	may := func(c model.Command, does func()) func() {
		return func() {
			if v := s.desk.View(s.now()); v.Page == model.Home && v.Call.May(c) {
				does()
			}
		}
	}
	tab := func(i int) func() {
		return alone(func() { s.home.tabs.choose(i) })
	}
	keys := map[fyne.KeyName]func(){
		fyne.KeyReturn: may(model.Answer, s.desk.Answer),
		fyne.KeyD:      may(model.Decline, s.desk.Decline),
		fyne.KeyH:      may(model.Hangup, s.desk.Hangup),
		fyne.KeyM:      may(model.Mute, s.desk.ToggleMute),
		fyne.KeyL:      may(model.Deafen, s.desk.ToggleDeafen),
		fyne.KeyQ:      s.quit,
		fyne.KeyF: alone(func() {
			s.home.tabs.choose(peopleTab)
			s.win.Canvas().Focus(s.home.people.search)
		}),
		fyne.KeyN: alone(func() { s.addPerson() }),
		fyne.Key1: tab(peopleTab), fyne.Key2: tab(pastTab), fyne.Key3: tab(cardTab), fyne.Key4: tab(wireTab), fyne.Key5: tab(settingsTab),
	}
	if s.hide != nil {
		keys[fyne.KeyW] = s.hide
	}
	return keys
}

func (s *Screen) addShortcuts() {
	for key, does := range s.shortcuts() {
		c := &desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierControl}
		s.win.Canvas().AddShortcut(c, func(fyne.Shortcut) { does() })
	}
	s.win.Canvas().SetOnTypedKey(func(e *fyne.KeyEvent) {
		if e.Name == fyne.KeyEscape {
			s.escape()
		}
	})
	if c, ok := s.win.Canvas().(desktop.Canvas); ok {
		c.SetOnKeyDown(func(e *fyne.KeyEvent) { s.held(e.Name, true) })
		c.SetOnKeyUp(func(e *fyne.KeyEvent) { s.held(e.Name, false) })
	}
}

// talkKey is held by who talks with a key held.
const talkKey = desktop.KeyControlRight

// held takes in that a key went down, or up.
func (s *Screen) held(key fyne.KeyName, down bool) {
	if key != talkKey || down && s.page != model.Home {
		return
	}
	s.holds = down
	s.desk.Talk(down)
}

// LetGo is for who has seen that the key is up, or that nobody can see it any more.
func (s *Screen) LetGo() {
	if s.holds {
		s.held(talkKey, false)
	}
}

// shortcut does what a field has handed on.
func (s *Screen) shortcut(pressed fyne.Shortcut) {
	c, ok := pressed.(*desktop.CustomShortcut)
	if !ok || c.Modifier != fyne.KeyModifierControl {
		return
	}
	if does := s.shortcuts()[c.KeyName]; does != nil {
		does()
	}
}
