package ours

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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
	cfg    Config
	dir    string // of this run alone
	child  *child.Child
	folder *node.Folder
	admin  *admin.Client
	host   string // where users come online

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
	data := filepath.Join(s.dir, "data")
	settings := node.DefaultSettingsFor(cfg.Mode)
	settings.Interval, settings.MaxUsers = cfg.Interval, cfg.Seats
	settings.Listen = "127.0.0.1:0"
	settings.LogLevel = slog.LevelWarn
	if err := node.Init(ctx, data, settings); err != nil {
		return nil, err
	}
	if s.folder, err = node.OpenFolder(ctx, data); err != nil {
		return nil, err
	}
	if s.child, err = child.Start(cfg.Program.With("--data", data)); err != nil {
		return nil, err
	}
	s.admin = admin.NewClient(s.folder.Socket())
	return s, s.await(ctx)
}

// await returns when the server serves.
func (s *Server) await(ctx context.Context) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			status, err := s.admin.Status(ctx)
			if err == nil {
				s.host = status.Signal
				return nil
			}
			if !errors.Is(err, admin.ErrNotRunning) {
				return err
			}
		case <-s.child.Exited():
			return fmt.Errorf("the server has ended at once, and has said:\n%s", s.child.Chatter())
		case <-ctx.Done():
			return fmt.Errorf("the server does not start (%w), and has said:\n%s", ctx.Err(), s.child.Chatter())
		}
	}
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
	if s.folder != nil {
		_ = s.folder.Close() // It goes.
	}
	_ = os.RemoveAll(s.dir) // What is left is in the system's folder for such.
}
