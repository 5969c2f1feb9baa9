// Package phone is what a user holds in his hand: one loop that ties the engine,
// the sound and the profile together. The command line and the window drive it;
// both see the same commands, events and State, and neither holds a key or owns a
// protocol.
//
//	   commands ──▶ ┌───────┐ ◀── events ── mixclient.Engine ◀── codec.Voice ◀── audio.Device
//	                │ Phone │
//	Next, State ◀── └───┬───┘ ──▶ profile (memory; the disk has its own times)
//
// The phone gives names to what the engine knows by handles, answers by itself
// if it is told to, and keeps contacts, their keys and the history in the
// profile. It writes to memory only: profile.Keep writes to disk at fixed times,
// so that no call shows in a file.
package phone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/profile"
	"undertone/mixclient"
	"undertone/mixclient/contact"
	"undertone/transport/key"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

// keepEvery is how often the keys of contacts are copied into the profile. They
// change with the hour, and with pairing; the time does not depend on either.
const keepEvery = 20 * time.Second

// Config says what to tie together.
type Config struct {
	// Profile is open, and stays open until Run has returned.
	Profile *profile.Profile
	// Sound is closed by whoever opened it, after Run has returned.
	Sound audio.Device
	// Voice turns sound into frames and back; nil stands for Opus over Sound. A
	// machine that runs a hundred users has not the time for a hundred of those.
	Voice Voice
	// Watch is given the voice, and what it returns is used in its place: for
	// whoever measures when what is said and heard. It may be nil.
	Watch func(Voice) Voice
	// Answer says what to do when it rings.
	Answer profile.AnswerMode
	// Connect opens the connection of signalling; nil stands for the system's
	// network.
	Connect func(ctx context.Context, network, addr string) (net.Conn, error)
	// Socket opens the socket of a link; nil stands for one on any port.
	Socket func() (net.PacketConn, error)
	// UDPOnly says that cells never go over TCP, for those who measure UDP.
	UDPOnly bool
	// Dial is given what opens links over these, and what it returns is used in its
	// place: for tests in which the server lies. It may be nil.
	Dial func(mixclient.Dialer) mixclient.Dialer
	// Problem is told what is wrong with writing the profile, and nil when it
	// works again; and, wrapping ErrNotTaken, what the profile did not take in. It may
	// be nil.
	Problem func(error)
}

// ErrNotTaken is wrapped by what is wrong with a change of the profile that an event
// has led to: it is full, for example.
var ErrNotTaken = errors.New("your profile did not take it in")

// A Voice is media that can be muted.
type Voice interface {
	mixclient.Media
	SetMuted(on bool)
	Muted() bool
}

// A Phone is one user's. Run must be called once; all other methods may be
// called from any goroutine.
type Phone struct {
	cfg      Config
	identity key.Fingerprint
	self     key.Handle
	server   uri.Server
	engine   *mixclient.Engine
	voice    Voice
	answer   atomic.Uint32 // a profile.AnswerMode: what to do when it rings

	mu    sync.Mutex
	names map[key.Handle]string
	out   chan Event
}

// New returns a phone that is offline.
func New(cfg Config) (*Phone, error) {
	if cfg.Problem == nil {
		cfg.Problem = func(error) {}
	}
	c := cfg.Profile.Snapshot()
	defer c.Wipe()
	id, err := key.IdentityFromSeed(&c.Seed)
	if err != nil {
		return nil, err
	}
	voice := cfg.Voice
	if voice == nil {
		if voice, err = newVoice(c.Account.Server, cfg.Sound); err != nil {
			return nil, err
		}
	}
	if cfg.Watch != nil {
		voice = cfg.Watch(voice)
	}
	p := &Phone{
		cfg:      cfg,
		identity: id.Fingerprint(),
		self:     id.Account().Handle(),
		server:   c.Account.Server,
		voice:    voice,
		names:    make(map[key.Handle]string),
		out:      make(chan Event, 64),
	}
	p.answer.Store(uint32(cfg.Answer))
	contacts, err := p.contacts(c)
	if err != nil {
		return nil, err
	}
	var dialer mixclient.Dialer = &mixclient.Network{
		Client: signal.Client{Server: p.server, Identity: id, Token: c.Account.Token, Dial: cfg.Connect},
		Socket: cfg.Socket, UDPOnly: cfg.UDPOnly,
	}
	if cfg.Dial != nil {
		dialer = cfg.Dial(dialer)
	}
	engine := mixclient.Config{
		Self:     id,
		Name:     c.Name,
		Mode:     p.server.Mode,
		Interval: p.server.Interval,
		Pin:      p.server.Pin,
		TellBusy: c.Settings.TellBusy,
		Contacts: contacts,
		Media:    voice,
		Dialer:   dialer,
	}
	if intro := c.Intro(); intro != nil {
		engine.Intro = intro.Secret
	}
	p.engine, err = mixclient.New(engine)
	return p, err
}

// contacts turns the profile's contacts into the engine's.
func (p *Phone) contacts(c *profile.Content) ([]*contact.Contact, error) {
	var all []*contact.Contact
	for i := range c.Contacts {
		from := &c.Contacts[i]
		x := contact.New(p.self, from.Name, from.Fingerprint)
		x.Intro, x.Blocked = from.Intro, from.Blocked
		if err := x.SetState(from.State); err != nil {
			return nil, fmt.Errorf("contact %s: %w", from.Name, err)
		}
		p.names[x.Handle()] = from.Name
		all = append(all, x)
	}
	return all, nil
}

// Run goes online and stays online until ctx ends, and then returns nil. It
// returns an error if the server refuses the user for a reason that only a
// person can mend.
func (p *Phone) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer close(p.out)
	defer group.Wait() // The last write comes after the last change.
	defer cancel()

	kept, stopKeeping := context.WithCancel(context.Background())
	defer stopKeeping()
	group.Go(func() { p.cfg.Profile.Keep(kept, p.cfg.Problem) })

	result := make(chan error, 1)
	group.Go(func() { result <- p.engine.Run(ctx) })
	group.Go(func() { p.keepKeys(ctx) })

	for {
		e, err := p.engine.Next(context.Background())
		if errors.Is(err, mixclient.ErrStopped) {
			return <-result
		}
		p.handle(ctx, e)
	}
}

// keepKeys copies the keys of contacts into the profile's memory.
func (p *Phone) keepKeys(ctx context.Context) {
	t := time.NewTicker(keepEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			p.copyKeys()
		case <-ctx.Done():
			return
		}
	}
}

func (p *Phone) copyKeys() {
	keeps, err := p.engine.Keeps()
	if err != nil {
		return // The engine has stopped; its keys were copied before.
	}
	states := make(map[key.Handle][]byte, len(keeps))
	for _, k := range keeps {
		states[k.Handle] = k.State
	}
	p.update(func(c *profile.Content) error {
		for i := range c.Contacts {
			if s, ok := states[c.Contacts[i].Handle()]; ok {
				c.Contacts[i].State = s
			}
		}
		return nil
	})
}

// update changes the profile in memory.
func (p *Phone) update(change func(*profile.Content) error) {
	if err := p.cfg.Profile.Update(change); err != nil {
		p.cfg.Problem(fmt.Errorf("%w: %w", ErrNotTaken, err))
	}
}

// Self returns the user's own handle.
func (p *Phone) Self() key.Handle { return p.self }

// handleOf returns the handle of a contact.
func (p *Phone) handleOf(name string) (key.Handle, error) {
	c := p.cfg.Profile.Snapshot()
	defer c.Wipe()
	x, err := c.Contact(name)
	if err != nil {
		return key.Handle{}, err
	}
	return x.Handle(), nil
}

// Call rings contacts: one, or in modes with group calls several. Events tell
// what comes of it.
func (p *Phone) Call(names ...string) error {
	var all []key.Handle
	for _, name := range names {
		h, err := p.handleOf(name)
		if err != nil {
			return err
		}
		all = append(all, h)
	}
	return p.engine.Call(all...)
}

// Add rings one more contact, in a call that the user has begun.
func (p *Phone) Add(name string) error {
	h, err := p.handleOf(name)
	if err != nil {
		return err
	}
	return p.engine.Add(h)
}

// Participants returns the names of those who are in the call besides the user.
// Who is no contact has the name that the host of the call gives him.
func (p *Phone) Participants() []string {
	var all []string
	for _, x := range p.engine.Participants() {
		all = append(all, p.nameOr(x.Handle, x.Name))
	}
	return all
}

// Answer answers the call that rings.
func (p *Phone) Answer() error { return p.engine.Answer() }

// Decline declines the call that rings. The caller cannot tell.
func (p *Phone) Decline() error { return p.engine.Decline() }

// Hangup ends the call, or gives up ringing.
func (p *Phone) Hangup() error { return p.engine.Hangup() }

// Leave hangs up and returns when the other side was told.
func (p *Phone) Leave(ctx context.Context) { p.engine.Leave(ctx) }

// AwaitIdle returns when there is no call, or ctx ends.
func (p *Phone) AwaitIdle(ctx context.Context) { p.engine.AwaitIdle(ctx) }

// Mute stops or lets pass what the microphone hears.
func (p *Phone) Mute(on bool) { p.voice.SetMuted(on) }

// Muted reports whether the microphone is muted.
func (p *Phone) Muted() bool { return p.voice.Muted() }

// Deafen stops or lets pass what the other side says, if the sound can (audio.Jack).
func (p *Phone) Deafen(on bool) {
	if d, ok := p.cfg.Sound.(interface{ Deafen(on bool) }); ok {
		d.Deafen(on)
	}
}

// Deafened reports whether nothing of the other side is to be heard.
func (p *Phone) Deafened() bool {
	d, ok := p.cfg.Sound.(interface{ Deafened() bool })
	return ok && d.Deafened()
}

// Levels returns how loud the last slot was that was heard, and that was played.
func (p *Phone) Levels() (mouth, ear sound.Level) {
	if d, ok := p.cfg.Sound.(interface {
		Levels() (mouth, ear sound.Level)
	}); ok {
		return d.Levels()
	}
	return mouth, ear
}

// State returns how things stand.
func (p *Phone) State() State {
	s := p.engine.State()
	p.mu.Lock()
	defer p.mu.Unlock()
	return State{
		State: s, With: p.names[s.Peer], Muted: p.Muted(),
		Trouble: trouble(p.cfg.Sound), Caution: caution(p.cfg.Sound), SoundFaults: soundFaults(p.cfg.Sound),
	}
}

// A State is how things stand.
type State struct {
	mixclient.State
	// With is the name of the other side of the call, "" without one.
	With string
	// Trouble is what is wrong with the sound, nil if nothing is.
	Trouble error
	// Caution is of what to beware with the sound devices, nil for nothing: that
	// others can notice a call by them. It changes in a call when they do.
	Caution error
	// SoundFaults is how often the sound broke off here because this machine or
	// its sound devices were late.
	SoundFaults uint64
	// Muted reports whether the microphone is muted.
	Muted bool
}

func trouble(d audio.Device) error {
	if t, ok := d.(interface{ Trouble() error }); ok {
		return t.Trouble()
	}
	return nil
}

func caution(d audio.Device) error {
	if c, ok := d.(interface{ Caution() error }); ok {
		return c.Caution()
	}
	return nil
}

func soundFaults(d audio.Device) uint64 {
	if f, ok := d.(interface{ Faults() uint64 }); ok {
		return f.Faults()
	}
	return 0
}
