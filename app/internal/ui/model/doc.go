// Package model is the window without a window: what it shows in each state, which
// commands are allowed there, and what events change. It is pure: it has no toolkit,
// no lock, no goroutine and no clock (time is an argument), it holds no key, and it
// speaks no language (package words does).
//
//	phone.Event ──▶ Hear ──┐
//	                       ▼
//	Input (phone.State, …) ──▶ Model ──▶ View ──▶ screens
//	                                        │
//	what a person types ──▶ Invite, Name, Explain ──▶ words.Message
//
// The window is on one of these pages:
//
//	          no profile              joined
//	[looking] ──────────▶ [first run] ───────▶ [home] ──quit──▶ [leaving]
//	    │  passphrase needed                     ▲  ▲
//	    ├──────────▶ [locked] ───────────────────┘  │
//	    │  in use, damaged, newer      once more    │
//	    └──────────▶ [stuck] ───────────────────────┘
//
// Package desk has the one Model of a program, and guards it.
package model

import (
	"time"

	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/words"
)

// A Page is what the window is about.
type Page uint8

// The pages.
const (
	// Looking: the profile is being opened.
	Looking Page = iota
	// FirstRun: there is no profile.
	FirstRun
	// Locked: the profile wants its passphrase.
	Locked
	// Stuck: the profile cannot be opened; View.Problem says why.
	Stuck
	// Home: the phone runs.
	Home
	// Leaving: the program takes leave, and ends.
	Leaving
)

// An Input is how things stand outside of the model.
type Input struct {
	At      time.Time
	State   phone.State
	Bell    error // of what to beware with the bell's loudspeaker now, nil for nothing
	Deaf    bool
	Mic     float32 // how loud the last slot was: the RMS
	Speaker float32
	// Others are the names of who is in the call besides the user.
	Others []string
	// These change only when an event or a command changes them.
	People   []phone.Person
	Calls    []phone.PastCall
	Card     phone.Card
	Settings profile.Settings
}

// A View is all that the window shows. It is a value; nothing in it is changed.
type View struct {
	Page Page
	// Busy: the last command is not done yet.
	Busy bool
	// Problem is what a person has to know before anything else.
	Problem words.Message

	Line   Line
	Call   Call
	People []Person
	Past   []Past
	// Missed is how many missed calls were not looked at.
	Missed int
	// Notice is the last thing that happened, as long as it is news.
	Notice   words.Message
	Beware   []words.Message
	Promise  Promise
	Card     phone.Card
	Settings profile.Settings
}

// A Line is the state of the line.
type Line struct {
	On   bool
	Text words.Message
	// Why is what is wrong with it, and what to do.
	Why words.Message
}

// A Person is a line of the list of contacts.
type Person struct {
	phone.Person
	// Note is what else there is to know of him.
	Note words.Message
	// Callable: a call may begin.
	Callable bool
}

// A Past is a line of the history.
type Past struct {
	With    words.Message
	Name    string // "" if he is no contact any more
	What    words.Message
	When    time.Time
	Missed  bool
	Out     bool
	Unknown bool
}
