// Package desk is what the window stands on: the profile, the sound, the bell and the
// phone, as one thing with a life, and the one Model of what is shown. It has no
// toolkit, so that all of it runs in tests without a window.
//
//	window ── commands (never wait) ──▶ ┌──────┐ ──▶ profile, phone, sound, bell
//	       ◀── View, 20 times a second ─│ Desk │ ◀── events of the phone
//	       ◀── Changed ─────────────────└──────┘
//
// Commands are done one after the other by a goroutine of their own: a window must
// not stand still because an engine, a disk or a driver takes its time. But who mutes
// himself is mute at once, whatever else is being done. Events are taken by another, at
// once, whether the window looks or is frozen: the engine would else wait for it.
//
// Nothing here is done because of a call, but for the bell and the picture on the
// screen. Who may call: package ui, and any goroutine.
package desk

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/picture"
	"undertone/app/internal/ui/words"
)

// leaveFor bounds how long hanging up, and taking leave of an sMIX, may take.
const leaveFor = 30 * time.Second

// A Phone is phone.Phone as the window uses it.
type Phone interface {
	phone.Handset
	Levels() (mouth, ear sound.Level)
	Participants() []string
	People() []phone.Person
	History() []phone.PastCall
	Card() phone.Card
	Settings() profile.Settings
	AddPerson(link, name string) (string, error)
	RemovePerson(name string) error
	Block(name string, on bool) error
	Verify(name string, same bool) error
	ClearHistory() error
	NewLink() error
	Choose(change func(*profile.Settings)) error
}

// A Ringer makes itself heard in the room.
type Ringer interface {
	Ring(on bool)
	// Calls plays what a caller hears until he is answered.
	Calls(on bool)
	// Knock says once, softly, that somebody calls during another call.
	Knock()
	Softer(percent int)
	io.Closer
}

// Config says what the desk is made of. The functions are replaced in tests.
type Config struct {
	// Dir is the folder of the profile.
	Dir string
	// Passphrase is one that was given before, nil if none was; Open wipes it.
	Passphrase []byte
	// Takeover opens a profile that another machine has not closed.
	Takeover bool
	// Elsewhere: the window is drawn by way of a network, which a person should know.
	Elsewhere bool

	NewPhone    func(phone.Config) (Phone, error)
	OpenSound   func(profile.Settings) (audio.Device, error)
	OpenRinger  func(device string) (Ringer, error)
	ListDevices func(ctx context.Context) ([]sound.Device, error)
	// Socket opens the socket of a link; nil stands for one on any port.
	Socket func() (net.PacketConn, error)

	// Changed is told that View gives something else now, from any goroutine. It must
	// be quick. It may be nil.
	Changed func()
}

// A command is something to be done. Where it is not done after all, undone wipes what it
// would have wiped; it may be nil.
type command struct{ do, undone func() }

// errBusy is said of a command that is not done.
var errBusy = errors.New("something else takes very long; try again, or end Undertone and start it again")

// A Desk is one. It must be closed.
type Desk struct {
	cfg      Config
	commands chan command
	done     sync.WaitGroup
	ctx      context.Context //nolint:containedctx // ends what is being done when the desk closes
	cancel   context.CancelFunc
	wire     *picture.Recorder
	once     sync.Once

	// looking is held from asking the phone until what it said is known: commands and
	// events have goroutines of their own, and the last to ask knows best. A phone may
	// take its time, so mu is not.
	looking sync.Mutex

	mu      sync.Mutex
	model   model.Model
	known   known
	line    *line // nil while no phone runs
	check   *check
	noCheck words.Message       // why there is none
	looks   map[model.Sound]int // how often devices were looked at
	voice   picture.Meter
	closed  bool
}

// known is what changes only when a command or an event changes it.
type known struct {
	people   []phone.Person
	calls    []phone.PastCall
	card     phone.Card
	settings profile.Settings
	others   []string
}

// New returns a desk that has not looked at its profile; Open does.
func New(cfg Config) *Desk {
	if cfg.Changed == nil {
		cfg.Changed = func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	d := &Desk{cfg: cfg, commands: make(chan command, 64), ctx: ctx, cancel: cancel, wire: picture.NewRecorder(), looks: map[model.Sound]int{}}
	d.model.Elsewhere(cfg.Elsewhere)
	d.done.Go(d.work)
	return d
}

// work does commands until the desk closes.
func (d *Desk) work() {
	for {
		select {
		case c := <-d.commands:
			c.do()
			d.cfg.Changed()
		case <-d.ctx.Done():
			return
		}
	}
}

// do has a command done. It never waits: where dozens are waiting, something hangs,
// and one more does not help.
func (d *Desk) do(f func()) { d.doOr(f, func() {}) }

// doOr is do for what leaves something behind if it is not done.
func (d *Desk) doOr(f, undone func()) {
	if d.ctx.Err() == nil {
		select {
		case d.commands <- command{f, undone}:
			return
		default:
		}
	}
	undone()
}

// drop lets go what is waiting when the desk closes.
func (d *Desk) drop() {
	for {
		select {
		case c := <-d.commands:
			c.undone()
		default:
			return
		}
	}
}

// slow is do for a command during which the page says that it is at work. What comes
// back is shown there. tidy is done in any case, at the end.
func (d *Desk) slow(f func() error, tidy func()) {
	d.change(func(m *model.Model) { m.Work() })
	end := func(err error) {
		tidy()
		problem := model.Explain(err)
		d.change(func(m *model.Model) { m.Done(problem) })
	}
	d.doOr(func() { end(f()) }, func() { end(errBusy) })
}

// change changes the model, and says so.
func (d *Desk) change(f func(*model.Model)) {
	d.mu.Lock()
	f(&d.model)
	d.mu.Unlock()
	d.cfg.Changed()
}

// turn goes to a page, unless the desk is on its way out.
func (d *Desk) turn(p model.Page, problem words.Message) {
	d.mu.Lock()
	if !d.closed {
		d.model.Go(p, problem)
	}
	d.mu.Unlock()
	d.cfg.Changed()
}

// phone returns the phone that runs, or nil.
func (d *Desk) phone() Phone {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.line == nil {
		return nil
	}
	return d.line.phone
}

// View returns what there is to show now. It asks the phone for what changes all the
// time, which waits for nobody.
func (d *Desk) View(at time.Time) model.View {
	set := d.phone()
	in := model.Input{At: at}
	if set != nil {
		mic, speaker := set.Levels()
		in.State, in.Deaf, in.Mic, in.Speaker = set.State(), set.Deafened(), mic.RMS, speaker.RMS
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.line != nil {
		in.Bell = caution(d.line.bell)
	}
	k := &d.known
	in.People, in.Calls, in.Card, in.Settings, in.Others = k.people, k.calls, k.card, k.settings, k.others
	d.voice.Hear(picture.Loudness{At: at, RMS: in.Mic})
	return d.model.View(in)
}

// Wire returns what there is to draw of the eavesdropper's view.
func (d *Desk) Wire(at time.Time) picture.Scene {
	d.mu.Lock()
	defer d.mu.Unlock()
	return picture.Scene{Now: at, Voice: d.voice.Heard(), Wire: d.wire.Since(at.Add(-picture.Span))}
}

// Seen says that a person has looked at the history.
func (d *Desk) Seen() { d.change((*model.Model).Seen) }

// look takes from the phone what commands change.
func (d *Desk) look(set Phone) {
	d.looking.Lock()
	defer d.looking.Unlock()
	k := known{people: set.People(), calls: set.History(), card: set.Card(), settings: set.Settings(), others: set.Participants()}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known = k
}

// heed takes from the phone what an event has changed, and no more: there may be a
// thousand contacts, and a call begins just now.
func (d *Desk) heed(set Phone, e phone.Event) {
	switch e.Kind {
	case phone.Paired:
		d.look(set)
	case phone.Ended:
		d.lookAtHistory(set)
		d.glance(set)
	case phone.Rings, phone.Accepted, phone.Connected, phone.Came, phone.Left:
		d.glance(set)
	case phone.Online, phone.Offline, phone.PairFailed, phone.VoiceHeard, phone.Alarmed:
	}
}

func (d *Desk) lookAtHistory(set Phone) {
	d.looking.Lock()
	defer d.looking.Unlock()
	calls := set.History()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known.calls = calls
}

// glance takes what changes without a command or an event, and reports whether it has.
func (d *Desk) glance(set Phone) bool {
	d.looking.Lock()
	defer d.looking.Unlock()
	others := set.Participants()
	d.mu.Lock()
	defer d.mu.Unlock()
	if slices.Equal(others, d.known.others) {
		return false
	}
	d.known.others = others
	return true
}

// Close hangs up, takes leave, ends the phone, and returns when all is closed.
func (d *Desk) Close() { d.once.Do(d.close) }

func (d *Desk) close() {
	d.mu.Lock()
	d.closed = true
	d.model.Go(model.Leaving, words.Message{})
	d.mu.Unlock()
	d.cfg.Changed()
	d.cancel()
	d.done.Wait() // A command may just be opening a line.
	d.drop()
	d.stopCheck()
	d.mu.Lock()
	l := d.line
	d.mu.Unlock()
	if l != nil {
		l.leave()
		<-l.done
	}
}

// socket is for the phone: the eavesdropper sits on it from the first packet on.
func (d *Desk) socket() (net.PacketConn, error) {
	if d.cfg.Socket == nil {
		return d.wire.Socket()
	}
	conn, err := d.cfg.Socket()
	if err != nil {
		return nil, err
	}
	return d.wire.Tap(conn), nil
}
