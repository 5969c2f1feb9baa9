package ours

import (
	"context"
	"net"
	"sync/atomic"

	"undertone/server/bench/internal/crowd"
	"undertone/server/bench/internal/socket"
	"undertone/server/internal/registry"
	"undertone/server/node"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/rtc"
	"undertone/transport/signal"
	"undertone/transport/uri"
	"undertone/transport/wire"
)

// A guest is a user as he comes back under the same name.
type guest struct {
	id     *key.Identity
	invite uri.Invite // without token once he has joined
	made   bool       // he has an invite
	joined atomic.Bool
}

// known returns the guest of a number, and gives him an identity if he has none.
func (s *Server) known(who int) (*guest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.guests[who]; g != nil {
		return g, nil
	}
	id, err := key.NewIdentity()
	if err != nil {
		return nil, err
	}
	g := &guest{id: id}
	s.guests[who] = g
	return g, nil
}

// invited returns the guest of a number, who has an invite or has joined. It is
// called for one user at one time.
func (s *Server) invited(ctx context.Context, who int) (*guest, error) {
	g, err := s.known(who)
	if err != nil || g.made {
		return g, err
	}
	err = s.WithFolder(ctx, func(f *node.Folder) (err error) {
		g.invite, _, err = f.CreateInvite(ctx, "", inviteHolds, s.host)
		return err
	})
	g.made = err == nil
	return g, err
}

// Dial brings a user online.
func (s *Server) Dial(ctx context.Context, who int, sock *socket.Socket, hear func(h crowd.Heard)) (crowd.Line, error) {
	g, err := s.invited(ctx, who)
	if err != nil {
		_ = sock.Close()
		return nil, err
	}
	client := signal.Client{
		Server: g.invite.Server, Identity: g.id, Token: g.invite.Token,
		Dial: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: sock.IP().AsSlice()}}).DialContext,
	}
	cfg := rtc.DialConfig{Conn: sock}
	var begin func(link *key.Secret)
	var line interface {
		crowd.Line
		set(l *rtc.Link)
	}
	if s.cfg.Mode == cell.BMIX {
		conn := key.NewConnection()
		client.Record = conn[:]
		const most = wire.MaxChannels / wire.BroadcastCells
		cfg.Window = rtc.Window(s.cfg.Interval.Duration(), most*wire.BroadcastSize)
		cfg.Rate = rtc.Rate(s.cfg.Interval.Duration(), most, 1)
		l := newBroad(s, hear)
		cfg.Receive, begin, line = l.receive, func(*key.Secret) {}, l
	} else {
		peer, err := s.peer(who)
		if err != nil {
			_ = sock.Close()
			return nil, err
		}
		l := newSingle(s, peer, hear)
		cfg.Receive, begin, line = l.receive, l.begin, l
	}
	link, err := rtc.Dial(ctx, cfg, func(ctx context.Context, offer string) (string, error) {
		a, err := client.Online(ctx, offer)
		if err != nil {
			return "", err
		}
		g.invite.Token = uri.Token{}
		g.joined.Store(true)
		begin(&a.Link)
		return a.SDP, nil
	})
	if err != nil {
		return nil, err
	}
	line.set(link)
	return line, nil
}

// peer returns whom a user is in a call with, zero if with nobody.
func (s *Server) peer(who int) (key.Handle, error) {
	if who/2%100 >= s.cfg.Calls {
		return key.Handle{}, nil
	}
	g, err := s.known(who ^ 1)
	if err != nil {
		return key.Handle{}, err
	}
	return g.id.Account().Handle(), nil
}

// Registered returns how many users are in the server's registry, and how many came
// online at one time or another, and so should be.
func (s *Server) Registered(ctx context.Context) (found, expected int, err error) {
	var users []registry.User
	err = s.WithFolder(ctx, func(f *node.Folder) (err error) {
		users, err = f.Registry.Users(ctx)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	there := make(map[key.Handle]bool, len(users))
	for _, u := range users {
		there[u.Handle()] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.guests {
		if !g.joined.Load() {
			continue
		}
		expected++
		if there[g.id.Account().Handle()] {
			found++
		}
	}
	return found, expected, nil
}
