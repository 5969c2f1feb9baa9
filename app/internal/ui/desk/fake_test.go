package desk

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/join"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/model"
	"undertone/mixclient/call"
	"undertone/transport/cell"
	"undertone/transport/uri"
)

// A fake is a phone without a server. What it is told it notes.
type fake struct {
	Phone  // of the methods that no test calls there are none
	cfg    phone.Config
	events chan phone.Event
	result error
	runs   chan struct{} // closed when it runs: before, nobody answers

	mu    sync.Mutex
	told  []string
	state phone.State
	s     profile.Settings
}

func (f *fake) Run(ctx context.Context) error {
	defer close(f.events)
	close(f.runs)
	if f.result != nil {
		return f.result
	}
	f.events <- phone.Event{Kind: phone.Online, At: time.Now()}
	<-ctx.Done()
	return nil
}

func (f *fake) tell(s string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, s)
	return nil
}

func (f *fake) has(s string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.told, s)
}

func (f *fake) count(s string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, told := range f.told {
		if told == s {
			n++
		}
	}
	return n
}

func (f *fake) set(s call.State, with string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Call, f.state.With, f.state.Online = s, with, true
}

func (f *fake) State() phone.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// heeded returns when all that came of the events before is done.
func (f *fake) heeded() { f.events <- phone.Event{Kind: phone.Paired, Name: "Ann", At: time.Now()} }

func (f *fake) Events() <-chan phone.Event { return f.events }
func (f *fake) Call(names ...string) error { return f.tell("call " + strings.Join(names, "+")) }
func (f *fake) Add(name string) error      { return f.tell("add " + name) }
func (f *fake) Answer() error              { return f.tell("answer") }
func (f *fake) Decline() error             { return call.ErrNoCall }
func (f *fake) Hangup() error              { return f.tell("hangup") }
func (f *fake) Leave(context.Context)      { _ = f.tell("leave") }
func (f *fake) AwaitIdle(context.Context)  {}
func (f *fake) Muted() bool                { return f.count("mute true") >= f.count("mute false") }
func (f *fake) Mute(on bool)               { _ = f.tell(fmt.Sprintf("mute %t", on)) }
func (f *fake) Deafen(on bool)             { f.cfg.Sound.(*audio.Jack).Deafen(on); _ = f.tell("deafen") }
func (f *fake) Deafened() bool             { return f.cfg.Sound.(*audio.Jack).Deafened() }
func (f *fake) Levels() (a, b sound.Level) { return sound.Level{RMS: 0.5}, sound.Level{} }
func (f *fake) Participants() []string     { <-f.runs; return nil }
func (f *fake) People() []phone.Person     { return []phone.Person{{Name: "Ann", Paired: true}} }
func (f *fake) History() []phone.PastCall  { return nil }
func (f *fake) Card() phone.Card           { return phone.Card{Name: "Me"} }

func (f *fake) AddPerson(link, name string) (string, error) {
	if link == "taken" {
		return "", phone.ErrNameTaken
	}
	return name, f.tell("add person " + link + " as " + name)
}

func (f *fake) Settings() profile.Settings {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.s
}

func (f *fake) Choose(change func(*profile.Settings)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.s)
	return nil
}

// A room has the devices that were opened.
type room struct {
	mu    sync.Mutex
	notes []string
	rings bool
	calls bool
}

func (r *room) note(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, s)
}

func (r *room) ringing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rings
}

type device struct {
	audio.Silence
	r    *room
	name string
}

func (d *device) Missing(context.Context) error {
	switch d.name {
	case "gone":
		return errors.Join(sound.Caution("it is on Bluetooth"), sound.Lack("no microphone was found"))
	case "radio":
		return sound.Caution("it is on Bluetooth")
	}
	return nil
}

func (d *device) Close() error { d.r.note("closed " + d.name); return nil }

type bell struct {
	r    *room
	name string
}

func (b *bell) Ring(on bool) {
	b.r.mu.Lock()
	defer b.r.mu.Unlock()
	b.r.rings = on
}
func (b *bell) Calls(on bool) {
	b.r.mu.Lock()
	defer b.r.mu.Unlock()
	b.r.calls = on
}
func (b *bell) Knock()     { b.r.note("knock") }
func (b *bell) Softer(int) { b.r.note("softer " + b.name) }
func (b *bell) Caution() error {
	if b.name == "radio" {
		return sound.Caution("the bell is on Bluetooth")
	}
	return nil
}
func (b *bell) Close() error { b.r.note("closed bell " + b.name); return nil }

// A rig is a desk in a room without a server.
type rig struct {
	*Desk
	t       *testing.T
	room    room
	phones  chan *fake
	changes chan struct{}
	result  error // what Run of the next phone returns
}

func newRig(t *testing.T, dir string) *rig {
	t.Helper()
	r := &rig{t: t, phones: make(chan *fake, 8), changes: make(chan struct{}, 1)}
	r.Desk = New(Config{
		Dir: dir,
		NewPhone: func(c phone.Config) (Phone, error) {
			f := &fake{cfg: c, events: make(chan phone.Event), runs: make(chan struct{}), result: r.result}
			r.phones <- f
			return f, nil
		},
		OpenSound: func(s profile.Settings) (audio.Device, error) {
			r.room.note("opened " + s.Microphone)
			return &device{r: &r.room, name: s.Microphone}, nil
		},
		OpenRinger:  func(name string) (Ringer, error) { return &bell{&r.room, name}, nil },
		ListDevices: func(context.Context) ([]sound.Device, error) { return []sound.Device{{Name: "mic", Inputs: 1}}, nil },
		Changed: func() {
			select {
			case r.changes <- struct{}{}:
			default:
			}
		},
	})
	t.Cleanup(r.Close)
	return r
}

// until waits until something is so.
func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond) // Some of it changes without a word.
	defer tick.Stop()
	for !ok() {
		select {
		case <-r.changes:
		case <-tick.C:
		case <-deadline.C:
			r.t.Fatalf("never: %s; it shows %+v", what, r.View(time.Now()))
		}
	}
}

func (r *rig) page(p model.Page) {
	r.t.Helper()
	r.until("the page", func() bool { return r.View(time.Now()).Page == p })
}

// home opens a profile that there is.
func (r *rig) home() *fake {
	r.t.Helper()
	r.Open()
	r.page(model.Home)
	return <-r.phones
}

func testInvite() uri.Invite {
	return uri.Invite{
		Server: uri.Server{Host: "127.0.0.1:1", Pin: uri.Pin{1}, Mode: cell.BMIX, Interval: cell.Interval40},
		Token:  uri.Token{1},
	}
}

func makeProfile(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "p")
	invite := testInvite()
	c, err := join.Content(&invite, "Me")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Wipe()
	p, err := profile.Create(dir, c, profile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	return dir
}
