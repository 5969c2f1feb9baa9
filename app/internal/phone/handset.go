package phone

import "context"

// A Handset is what everybody needs of a Phone, whether he sees a window or a terminal.
// Their tests put others in its place.
type Handset interface {
	Run(ctx context.Context) error
	Events() <-chan Event
	State() State
	Call(names ...string) error
	Add(name string) error
	Answer() error
	Decline() error
	Hangup() error
	Leave(ctx context.Context)
	AwaitIdle(ctx context.Context)
	Mute(on bool)
	Muted() bool
	Deafen(on bool)
	Deafened() bool
}

var _ Handset = (*Phone)(nil)
