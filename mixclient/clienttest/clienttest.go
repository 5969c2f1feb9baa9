// Package clienttest makes members for tests: whole clients (package mixclient), with
// everything but sound, who know each other from the start.
//
//	Person ◀──Befriend──▶ Person     who may be a member, and whom he can call
//	  │ Start, again and again
//	  ▼
//	Member                           online, and online again when his line is lost
//
// A person is a user of the server already, by his Account, which is in the registry, or
// has the token of an invite. Two who are friends have a key, as if they had paired.
//
// Tests that need people who call each other use it: server/e2e/remains and
// server/bench/crash. It is for tests only.
package clienttest

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"undertone/codec"
	"undertone/mixclient"
	"undertone/mixclient/call"
	"undertone/mixclient/contact"
	"undertone/mixclient/core"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

// A Person is who may be a member.
type Person struct {
	// Name is what he calls himself.
	Name string
	// Token is that of his invite; zero if he is a user already.
	Token uri.Token

	id      *key.Identity
	intro   key.Secret
	friends []friend
}

// A friend is somebody a person has a key with.
type friend struct {
	name        string
	fingerprint key.Fingerprint
	pair        key.Secret
	hour        uint64 // in which the key is that
}

// NewPerson returns somebody without friends.
func NewPerson(name string) (*Person, error) {
	id, err := key.NewIdentity()
	if err != nil {
		return nil, err
	}
	return &Person{Name: name, id: id, intro: newSecret()}, nil
}

func newSecret() (s key.Secret) {
	_, _ = rand.Read(s.Bytes()) // Never fails: the program ends if the system has no randomness.
	return s
}

// Account returns what the server is to know of him.
func (p *Person) Account() key.Account { return p.id.Account() }

// Handle returns his address.
func (p *Person) Handle() key.Handle { return p.id.Account().Handle() }

// Befriend gives a key to two who have none yet. It is for members that are started
// after it.
func Befriend(a, b *Person) {
	pair := newSecret()
	hour := uint64(time.Now().Unix() / 3600) //nolint:gosec // after 1970
	a.friends = append(a.friends, friend{b.Name, b.id.Fingerprint(), pair, hour})
	b.friends = append(b.friends, friend{a.Name, a.id.Fingerprint(), pair, hour})
}

// A Place is where a member is on a network.
type Place struct {
	// Connect opens the connection of signalling; nil stands for the system's.
	Connect func(ctx context.Context, network, addr string) (net.Conn, error)
	// Socket opens the socket of a link; nil stands for one on any port.
	Socket func() (net.PacketConn, error)
}

// A Member is a client that is online, or tries to be. His commands and his state are
// the engine's.
type Member struct {
	*mixclient.Engine
	Name   string
	Handle key.Handle

	leave context.CancelFunc
	done  chan struct{} // closed when the engine has ended
	err   error         // why; valid then
}

// Start has a person go online.
func (p *Person) Start(s uri.Server, at Place) (*Member, error) {
	cfg := mixclient.Config{
		Self: p.id, Name: p.Name, Intro: p.intro, Mode: s.Mode, Interval: s.Interval, Pin: s.Pin,
		Media:  mute{},
		Dialer: &mixclient.Network{Client: signal.Client{Server: s, Identity: p.id, Token: p.Token, Dial: at.Connect}, Socket: at.Socket},
	}
	for i := range p.friends {
		f := &p.friends[i]
		x := contact.New(p.Handle(), f.name, f.fingerprint)
		x.Pair(&f.pair, f.hour, true)
		cfg.Contacts = append(cfg.Contacts, x)
	}
	e, err := mixclient.New(cfg)
	if err != nil {
		return nil, err
	}
	m := &Member{Engine: e, Name: p.Name, Handle: p.Handle(), done: make(chan struct{})}
	ctx, leave := context.WithCancel(context.Background())
	m.leave = leave
	go func() {
		defer close(m.done)
		m.err = e.Run(ctx)
	}()
	return m, nil
}

// Close has him go offline, without taking leave, and returns what went wrong.
func (m *Member) Close() error {
	m.leave()
	<-m.done
	return m.err
}

// ErrLate is returned when something did not happen in time.
var ErrLate = errors.New("it took too long")

// Await takes his events until one is what ok looks for, and returns it.
func (m *Member) Await(ctx context.Context, what string, ok func(e *mixclient.Event) bool) (mixclient.Event, error) {
	for {
		e, err := m.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return e, fmt.Errorf("%s: %s: %w", m.Name, what, ErrLate)
		case err != nil:
			return e, fmt.Errorf("%s: %s: %w", m.Name, what, err)
		case ok(&e):
			return e, nil
		}
	}
}

// AwaitOnline waits until he is online: anew, if he was so before.
func (m *Member) AwaitOnline(ctx context.Context) (mixclient.Event, error) {
	return m.Await(ctx, "online", func(e *mixclient.Event) bool { return e.Kind == mixclient.Online })
}

// AwaitVoice waits until the first voice of a call is heard.
func (m *Member) AwaitVoice(ctx context.Context) error {
	_, err := m.Await(ctx, "voice", func(e *mixclient.Event) bool { return e.Kind == mixclient.VoiceHeard })
	return err
}

// AwaitCall waits until something happens to a call.
func (m *Member) AwaitCall(ctx context.Context, kind call.EventKind) (call.Event, error) {
	e, err := m.Await(ctx, fmt.Sprintf("event %d of a call", kind), func(e *mixclient.Event) bool {
		return e.Kind == mixclient.FromCore && e.Core.Kind == core.Call && e.Core.Call.Kind == kind
	})
	return e.Core.Call, err
}

// mute is a sound device without sound: what is said in a slot is its number.
type mute struct{}

// Mouth implements mixclient.Media.
func (mute) Mouth(n cell.Slot, _ bool, f *codec.Frame) {
	*f = codec.Frame{}
	binary.BigEndian.PutUint64(f[:], uint64(n))
}

// Ear implements mixclient.Media.
func (mute) Ear(cell.Slot, bool, []*codec.Frame, []*codec.Frame, int) int { return 0 }
