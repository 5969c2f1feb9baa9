// Package demo runs a whole set on one machine: a server, softphones, and
// somebody who listens on the wire. The demo command calls with it, and the
// tests that need everything at once use it, on the real network or on a
// simulated one in fake time.
//
//	Set ─┬─ node.Node               the server, as its own program runs it
//	     ├─ User: phone.Phone, profile, clip ▶ tape      as the softphone runs it
//	     └─ User: …
//
// It is the one package of the app that imports the server.
package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/mixclient"
	"undertone/server/node"
	"undertone/transport/cell"
	"undertone/transport/key"
)

// A Place is where a user is on a network.
type Place struct {
	// Connect opens the connection of signalling; nil stands for the system's.
	Connect func(ctx context.Context, network, addr string) (net.Conn, error)
	// Socket opens the socket of a link; nil stands for one on any port.
	Socket func() (net.PacketConn, error)
	// Dial changes how links are opened; nil leaves it.
	Dial func(mixclient.Dialer) mixclient.Dialer
}

// SetConfig says what to run.
type SetConfig struct {
	// Dir is an empty folder for everything that is kept.
	Dir string
	// Mode and Interval are the set's; Channels is how many it shares in sMIX, 0
	// for the default.
	Mode     cell.Mode
	Interval cell.Interval
	Channels int
	// Node changes how the server is run; its Data is set by NewSet. The zero
	// value listens on loopback, at ports that are free.
	Node node.Config
	// Watch is for how many users datagrams are followed through the server, 0 for
	// no watch.
	Watch int
}

// A Set is a server with its users.
type Set struct {
	dir   string
	node  *node.Node
	every cell.Interval
	wire  *wire // at the server's socket, nil if nobody watches
	group sync.WaitGroup
	stop  context.CancelFunc

	mu  sync.Mutex
	err error
}

// NewSet starts a server.
func NewSet(ctx context.Context, cfg SetConfig) (*Set, error) {
	settings := node.DefaultSettingsFor(cfg.Mode)
	settings.Interval = cfg.Interval
	if cfg.Channels > 0 {
		settings.Channels = cfg.Channels
	}
	settings.Listen = "127.0.0.1:0"
	data := filepath.Join(cfg.Dir, "server")
	if err := node.Init(ctx, data, settings); err != nil {
		return nil, err
	}
	s := &Set{dir: cfg.Dir, every: cfg.Interval}
	if cfg.Watch > 0 {
		if err := s.watch(&cfg); err != nil {
			return nil, err
		}
	}
	return s, s.serve(ctx, cfg.Node)
}

// watch has the server use a socket that is watched.
func (s *Set) watch(cfg *SetConfig) (err error) {
	if cfg.Node.Cells == nil {
		if cfg.Node.Cells, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	s.wire = newWire(cfg.Interval, cfg.Watch)
	cfg.Node.Cells = s.wire.server(cfg.Node.Cells)
	return nil
}

// serve runs the server in its folder, which the set has already.
func (s *Set) serve(ctx context.Context, cfg node.Config) error {
	cfg.Data, cfg.Embedded = filepath.Join(s.dir, "server"), true
	n, err := node.New(ctx, cfg)
	if err != nil {
		return err
	}
	s.node = n
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.group.Go(func() {
		if err := n.Run(ctx); err != nil {
			s.fail(fmt.Errorf("the server: %w", err))
		}
	})
	return nil
}

func (s *Set) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = errors.Join(s.err, err)
}

// CellsAddr is where the server's datagrams come, on a real network.
func (s *Set) CellsAddr() netip.AddrPort {
	return s.node.CellsAddr().(*net.UDPAddr).AddrPort() //nolint:forcetypeassert // it is one of UDP
}

// Close stops the server, and returns what went wrong in the meantime. Users
// are closed before.
func (s *Set) Close() error {
	s.stop()
	s.group.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// A User is a softphone with all that belongs to it.
type User struct {
	Name  string
	Phone *phone.Phone
	// Clip is what he says, Tape what he hears.
	Clip *audio.Clip
	Tape *audio.Tape

	cfg     UserConfig
	profile *profile.Profile
	sound   audio.Device
	watch   *watch // nil if nobody watches
	leave   context.CancelFunc
	done    chan error
}

// UserConfig says who joins.
type UserConfig struct {
	// Name is what he calls himself.
	Name string
	// Says is what he says once a call is there; the tape has room for as much
	// and a few seconds.
	Says []float32
	// Hears is how long the tape is.
	Hears time.Duration
	// Answer says what he does when it rings.
	Answer profile.AnswerMode
	// Voice is in the place of Opus, nil for Opus.
	Voice phone.Voice
	// Watch says that the way of his voice is measured.
	Watch bool
	// Place is where he is.
	Place Place
}

// Join makes a user with a profile and an invite of his own. He is not online
// before Start.
func (s *Set) Join(ctx context.Context, cfg UserConfig) (*User, error) {
	invite, err := s.node.CreateInvite(ctx, cfg.Name, time.Hour)
	if err != nil {
		return nil, err
	}
	id, err := key.NewIdentity()
	if err != nil {
		return nil, err
	}
	var intro key.Secret
	fresh, err := key.NewIdentity() // A seed is 32 random bytes, as an introduction is.
	if err != nil {
		return nil, err
	}
	intro = *fresh.Seed()
	content := &profile.Content{
		Seed:    *id.Seed(),
		Name:    cfg.Name,
		Account: profile.Account{Server: invite.Server, Token: invite.Token},
	}
	content.AddIntro(&intro, profile.DayOf(time.Now()))
	p, err := profile.Create(filepath.Join(s.dir, cfg.Name), content, profile.Options{})
	if err != nil {
		return nil, err
	}
	u := &User{
		cfg:     cfg,
		Name:    cfg.Name,
		Clip:    audio.NewClip(cfg.Says),
		Tape:    audio.NewTape(cfg.Hears),
		profile: p,
		done:    make(chan error, 1),
	}
	u.sound = audio.NewDuplex(u.Clip, u.Tape)
	if cfg.Watch {
		u.watch = newWatch(s.every, cfg.Hears)
		u.sound = audio.NewDuplex(watchedSource{u.Clip, u.watch.mouth}, watchedSink{u.Tape, u.watch.ear})
	}
	return u, nil
}

// Start goes online.
func (u *User) Start(ctx context.Context) (err error) {
	cfg := phone.Config{
		Profile: u.profile,
		Sound:   u.sound,
		Voice:   u.cfg.Voice,
		Answer:  u.cfg.Answer,
		Connect: u.cfg.Place.Connect,
		Socket:  u.cfg.Place.Socket,
		Dial:    u.cfg.Place.Dial,
	}
	if u.watch != nil {
		cfg.Watch, cfg.Socket = u.watch.voice, u.socket
	}
	u.Phone, err = phone.New(cfg)
	if err != nil {
		return err
	}
	ctx, u.leave = context.WithCancel(context.WithoutCancel(ctx))
	go func() { u.done <- u.Phone.Run(ctx) }()
	return nil
}

// socket opens the user's socket, watched.
func (u *User) socket() (conn net.PacketConn, err error) {
	if open := u.cfg.Place.Socket; open != nil {
		conn, err = open()
	} else {
		conn, err = net.ListenPacket("udp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, err
	}
	return u.watch.wire.user(conn), nil
}

// Close goes offline and closes the profile.
func (u *User) Close() error {
	var err error
	if u.leave != nil {
		u.leave()
		for range u.Phone.Events() { //nolint:revive // until it is closed
		}
		err = <-u.done
	}
	err = errors.Join(err, u.sound.Close())
	u.profile.Close()
	return err
}

// ErrLate is returned when something did not happen in time.
var ErrLate = errors.New("it took too long")

// Await takes the user's events until one is of the given kind, and returns it.
func (u *User) Await(ctx context.Context, kind phone.EventKind) (phone.Event, error) {
	for {
		select {
		case e, ok := <-u.Phone.Events():
			switch {
			case !ok:
				return e, fmt.Errorf("%s went offline: %w", u.Name, <-u.done)
			case e.Kind == kind:
				return e, nil
			case e.Kind == phone.Ended || e.Kind == phone.PairFailed:
				return e, fmt.Errorf("%s: the call has ended (%s): %w", u.Name, e.Outcome, errors.Join(e.Err, ErrLate))
			}
		case <-ctx.Done():
			return phone.Event{}, fmt.Errorf("%s: %w", u.Name, errors.Join(ErrLate, ctx.Err()))
		}
	}
}

// tempDir makes a folder that is removed by the function returned.
func tempDir() (string, func(), error) {
	dir, err := os.MkdirTemp("", "undertone-demo-")
	if err != nil {
		return "", nil, err
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}
