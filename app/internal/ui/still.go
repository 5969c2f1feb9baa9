package ui

import "fyne.io/fyne/v2"

// still is an app whose widgets do not move by themselves: a cursor that blinks would have
// the whole window drawn 60 times a second, for as long as somebody could type.
type still struct{ fyne.App }

// Settings returns those of the app, without animations.
func (s still) Settings() fyne.Settings { return stillSettings{s.App.Settings()} }

type stillSettings struct{ fyne.Settings }

// ShowAnimations is what widgets ask.
func (stillSettings) ShowAnimations() bool { return false }
