// Package screen draws what package model says, with Fyne. A Screen is the content of
// the window in one language; Update has it show a View, and what a person does goes
// to the Desk.
//
//	model.View ──▶ Screen ──┬─ start.go     first run
//	                        ├─ locked.go    passphrase; what went wrong
//	                        └─ home.go ─┬─ callpanel.go  the call, above all else
//	                                    ├─ people.go     contacts
//	                                    │    └─ person.go, addperson.go, verify.go
//	                                    ├─ past.go       history
//	                                    ├─ card.go       own link
//	                                    ├─ wire.go       what an eavesdropper sees
//	                                    └─ settings.go
//
// Nothing here decides anything: what is shown and allowed comes in the View. All of
// it belongs to Fyne's goroutine. Update is called up to 20 times a second, so it
// touches a widget only when there is something else to show. Who may call: package ui.
package screen

import (
	"io"
	"time"

	"undertone/app/internal/audio/sound"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/desk"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/picture"
	"undertone/app/internal/ui/words"
	"undertone/transport/cell"
)

// A Desk does what a person wants (desk.Desk). None of it waits.
type Desk interface {
	View(at time.Time) model.View
	Wire(at time.Time) picture.Scene
	Open()
	Unlock(passphrase []byte)
	Join(u desk.NewUser)
	Call(names ...string)
	Answer()
	Decline()
	Hangup()
	ToggleMute()
	Talk(on bool)
	ToggleDeafen()
	AddPerson(link, name string, then func(problem words.Message))
	RemovePerson(name string)
	Block(name string, on bool)
	Verify(name string, same bool)
	ClearHistory()
	NewLink()
	Seen()
	Choose(change func(*profile.Settings))
	Protect(passphrase []byte)
	BackUp(to io.WriteCloser, passphrase []byte)
	Restore(from io.ReadCloser, passphrase []byte)
	// Devices hands the devices there are to then, or why not, on any goroutine.
	Devices(then func([]sound.Device, error))
	StartCheck(microphone, speaker string)
	StopCheck()
	HearMyself(pace cell.Interval)
	Hearing() desk.Hearing
}
