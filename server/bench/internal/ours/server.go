package ours

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"undertone/server/bench/internal/child"
	"undertone/server/internal/admin"
	"undertone/server/node"
	"undertone/transport/cell"
	"undertone/transport/wire"
)

const (
	// startFor is how long the server may take to start, endFor to end.
	startFor, endFor = 20 * time.Second, 20 * time.Second
	// lookEvery is how often it is looked whether it has started.
	lookEvery = 20 * time.Millisecond
	// inviteHolds is how long an invite holds.
	inviteHolds = 24 * time.Hour
)

// A Config says what server to run.
type Config struct {
	Mode     cell.Mode
	Interval cell.Interval
	// Seats is how many users may be online at once.
	Seats int
	// Calls is the share of users in a call, in percent. It is for tMIX; in bMIX
	// there is nothing to tell.
	Calls int
	// Program is undertone-server; or, if it Asks, a child that answers questions
	// (Serve). It gets the data folder as its last arguments.
	Program child.Program
	Asks    bool
}

// A Server is a running server. It is a crowd's Service.
type Server struct {
	cfg   Config
	dir   string // of this run alone
	data  string
	child *child.Child // another one after Again
	admin *admin.Client
	host  string // where users come online
	cells string // where their cells come

	mu     sync.Mutex
	guests map[int]*guest

	odd   atomic.Uint64
	voice atomic.Uint64
}

// Start makes a data folder, and runs a server on it.
func Start(ctx context.Context, cfg Config) (_ *Server, err error) {
	if cfg.Mode == cell.SMIX {
		return nil, errors.New("an sMIX needs whole clients, which this program does not have; use tmix or bmix")
	}
	s := &Server{cfg: cfg, guests: make(map[int]*guest)}
	if s.dir, err = os.MkdirTemp("", "undertone-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, startFor)
	defer cancel()
	s.data = filepath.Join(s.dir, "data")
	settings := node.DefaultSettingsFor(cfg.Mode)
	settings.Interval, settings.MaxUsers = cfg.Interval, cfg.Seats
	settings.Listen = "127.0.0.1:0"
	settings.LogLevel = slog.LevelWarn
	if err := node.Init(ctx, s.data, settings); err != nil {
		return nil, err
	}
	s.admin = admin.NewClient(node.SocketPath(s.data))
	status, err := s.run(ctx, cfg.Program)
	s.host, s.cells = status.Signal, status.Cells
	return s, err
}

// run starts the process, and returns when it serves.
func (s *Server) run(ctx context.Context, p child.Program) (status admin.Status, err error) {
	if s.child, err = child.Start(p.With("--data", s.data)); err != nil {
		return status, err
	}
	return s.await(ctx)
}

// await returns when the server serves.
func (s *Server) await(ctx context.Context) (admin.Status, error) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			status, err := s.admin.Status(ctx)
			if err == nil || !errors.Is(err, admin.ErrNotRunning) {
				return status, err
			}
		case <-s.child.Exited():
			return admin.Status{}, fmt.Errorf("the server has ended at once, and has said:\n%s", s.child.Chatter())
		case <-ctx.Done():
			return admin.Status{}, fmt.Errorf("the server does not start (%w), and has said:\n%s", ctx.Err(), s.child.Chatter())
		}
	}
}

// Kill has the server's process die in the middle of whatever it does, with SIGKILL.
// It returns when the process is gone.
func (s *Server) Kill() error {
	if err := s.child.Signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("it was dead before (%w), and has said:\n%s", err, s.child.Chatter())
	}
	<-s.child.Exited()
	s.child.End(0)
	return nil
}

// Again starts a server that was killed, on the same folder and at the same address,
// and returns when it serves. Kill, Again and what asks the process are for one
// goroutine at a time; users may come and go.
func (s *Server) Again(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startFor)
	defer cancel()
	p := s.cfg.Program
	p.Env = append(slices.Clone(p.Env), node.EnvPrefix+"LISTEN="+s.host, node.EnvPrefix+"LISTEN_UDP="+s.cells)
	_, err := s.run(ctx, p)
	return err
}

// Host returns where users come online.
func (s *Server) Host() string { return s.host }

// WithFolder has f use the data folder, as a command of the operator does: it opens it
// beside the server, and closes it again.
func (s *Server) WithFolder(ctx context.Context, f func(folder *node.Folder) error) error {
	folder, err := node.OpenFolder(ctx, s.data)
	if err != nil {
		return err
	}
	return errors.Join(f(folder), folder.Close())
}

// Leads reports that its lines follow the server.
func (s *Server) Leads() bool { return false }

// Sizes returns the lengths of messages.
func (s *Server) Sizes() (up, down int) {
	if s.cfg.Mode == cell.BMIX {
		return cell.Size, wire.BroadcastSize
	}
	return cell.Size, cell.Size
}

// Usage returns what the server's process has cost so far.
func (s *Server) Usage() (child.Usage, error) { return s.child.Usage() }

// Status asks the server how it does.
func (s *Server) Status(ctx context.Context) (admin.Status, error) { return s.admin.Status(ctx) }

// Odd returns how many messages came that could not be read.
func (s *Server) Odd() uint64 { return s.odd.Load() }

// Voice returns how many cells of calls came through.
func (s *Server) Voice() uint64 { return s.voice.Load() }

// Goroutines returns how many goroutines the server has. One that does not answer
// questions is ended for it: told to quit, it lists them.
func (s *Server) Goroutines(ctx context.Context) (int, error) {
	if s.cfg.Asks {
		var a child.Answer
		err := s.child.Ask(ctx, child.Question{Goroutines: true}, &a)
		return a.Goroutines, err
	}
	if err := s.child.Signal(syscall.SIGQUIT); err != nil {
		return 0, err
	}
	select {
	case <-s.child.Exited():
		return s.child.Dumped(), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Close ends the server, and removes its folder.
func (s *Server) Close() {
	if s.child != nil {
		if !s.cfg.Asks {
			_ = s.child.Signal(syscall.SIGTERM) // It may have ended already.
		}
		s.child.End(endFor)
	}
	_ = os.RemoveAll(s.dir) // What is left is in the system's folder for such.
}
