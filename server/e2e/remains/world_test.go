package remains

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"net"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"undertone/mixclient/clienttest"
	"undertone/server/internal/admin"
	"undertone/server/internal/local"
	"undertone/server/internal/metrics"
	"undertone/server/node"
	"undertone/transport/cell"
	"undertone/transport/simnet"
)

const (
	interval = cell.Interval100
	// settled is when everybody is online, and the calls begin.
	settled = 8 * time.Second
	// apart is how long one member comes online after the other.
	apart = 53 * time.Millisecond
	// again is how often the server is asked while the calls go on.
	again = 4711 * time.Millisecond
	// Delays are odd, so that no two things happen at one instant whose order is open.
	upDelay   = 30*time.Millisecond + 137*time.Microsecond
	downDelay = 29*time.Millisecond + 211*time.Microsecond
	// Where the server answers the operator.
	adminPort, metricsPort = 9463, 9464
	// everything is below every level of a log.
	everything = slog.Level(math.MinInt32)
)

// A world is a run in fake time.
type world struct {
	t        *testing.T
	scene    scene
	set      *set
	dir      string
	record   *record
	start    time.Time
	star     *simnet.Star
	node     *node.Node
	told     *teller
	log      bytes.Buffer
	logger   *slog.Logger
	operator *simnet.Host
	members  []*clienttest.Member
}

// run plays a scene in which act happens, and returns all that the server wrote and
// said.
func run(t *testing.T, sc scene, s *set, act func(w *world)) *record {
	t.Helper()
	w := &world{scene: sc, set: s, dir: filepath.Join(t.TempDir(), "data"), record: newRecord()}
	s.folder.writeTo(t, w.dir)
	synctest.Test(t, func(t *testing.T) {
		w.t, w.start = t, time.Now()
		w.star = simnet.New(simnet.Config{Seed: 1})
		defer w.star.Close()
		w.play(act)
	})
	return w.record
}

func (w *world) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// at waits until some time of the run.
func (w *world) at(d time.Duration) { time.Sleep(time.Until(w.start.Add(d))) }

func (w *world) play(act func(w *world)) {
	w.operator = w.star.User(simnet.Path{Delay: upDelay}, simnet.Path{Delay: downDelay})
	stop := w.serve()
	for _, p := range w.set.people {
		w.join(p)
		time.Sleep(apart)
	}
	w.at(settled)
	before := w.look("before")
	var asking sync.WaitGroup
	asking.Go(func() {
		for n := 1; time.Duration(n+1)*again < w.scene.window; n++ {
			w.at(settled + time.Duration(n)*again)
			w.askAll(fmt.Sprintf("meanwhile %d", n))
		}
	})
	act(w)
	if late := time.Since(w.start) - settled - w.scene.window; late > 0 {
		w.t.Errorf("it took %v longer than there was time", late)
	}
	asking.Wait()
	w.at(settled + w.scene.window)
	w.record.add("changed meanwhile", changes(before, w.look("after")))
	w.askAll("at the end")
	w.backup()
	for _, m := range w.members {
		w.do(m.Close())
	}
	time.Sleep(time.Second)
	w.askAll("without members")
	stop()
	w.look("at rest")
	w.record.add("log", w.log.String())
}

// look notes what is in the folder.
func (w *world) look(when string) folder {
	f := readFolder(w.t, w.dir)
	f.note(w.t, w.record, when)
	return f
}

// serve runs the server, which logs all that it can, and what it answers the operator,
// as its program does it but for the network.
func (w *world) serve() (stop func()) {
	w.t.Helper()
	server := w.star.Server()
	stream := func(port uint16) net.Listener {
		l, err := server.ListenStream(port)
		w.do(err)
		return l
	}
	admins, measured := stream(adminPort), stream(metricsPort)
	cells, err := server.ListenUDP(node.DefaultPort)
	w.do(err)
	w.logger = slog.New(slog.NewJSONHandler(&w.log, &slog.HandlerOptions{Level: everything, AddSource: true}))
	w.node, err = node.New(w.t.Context(), node.Config{
		Data: w.dir, Version: "remains", Log: w.logger, Signal: stream(node.DefaultPort), Cells: cells, Embedded: true, Offset: w.offset(),
	})
	w.do(err)
	w.told = &teller{Node: w.node}
	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	for _, part := range []func() error{
		func() error { return w.node.Run(ctx) },
		func() error { return admin.Serve(ctx, admins, w.told) },
		func() error { return local.Serve(ctx, measured, metrics.Handler(w.told)) },
	} {
		parts.Go(func() {
			if err := part(); err != nil {
				w.t.Error(err)
			}
		})
	}
	return func() {
		cancel()
		parts.Wait()
	}
}

// offset gives members places in the window in the order in which they come.
func (w *world) offset() func(below time.Duration) time.Duration {
	var come atomic.Int64
	return func(below time.Duration) time.Duration {
		next := time.Duration(come.Add(1))*(below/time.Duration(2*len(names))) + 17*time.Microsecond
		return next % below
	}
}

// join has somebody come online, from an address of his own.
func (w *world) join(p *clienttest.Person) {
	w.t.Helper()
	host := w.star.User(simnet.Path{Delay: upDelay}, simnet.Path{Delay: downDelay})
	m, err := p.Start(w.node.Server(), clienttest.Place{
		Connect: host.DialContext,
		Socket:  func() (net.PacketConn, error) { return host.ListenUDP(0) },
	})
	w.do(err)
	w.members = append(w.members, m)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err = m.AwaitOnline(ctx)
	w.do(err)
}

// A teller says what the server says; and counts calls, if that leak is planted.
type teller struct {
	*node.Node
	inMetrics, inStatus atomic.Uint64
}

// Facts implements metrics.Server.
func (s *teller) Facts() metrics.Facts {
	f := s.Node.Facts()
	f.Mix.Odd += s.inMetrics.Load()
	return f
}

// Status implements admin.Server.
func (s *teller) Status() admin.Status {
	status := s.Node.Status()
	status.Unreadable += s.inStatus.Load()
	return status
}

// askAll notes all that the server answers.
func (w *world) askAll(when string) {
	for _, at := range []struct {
		name string
		port uint16
	}{{adminName, adminPort}, {metricsName, metricsPort}} {
		asker := newAsker(at.name, func(ctx context.Context) (net.Conn, error) {
			return w.operator.DialContext(ctx, "tcp", fmt.Sprintf("server:%d", at.port))
		})
		for what, answer := range asker.askAll(w.t, w.set.people) {
			w.record.add(when+": "+at.name+" "+what, ofProcess.ReplaceAllString(answer, "$1"))
		}
	}
}

// restore makes a data folder of a backup.
func restore(ctx context.Context, path, dir string) error {
	c, err := node.ReadBackup(path)
	if err == nil {
		_, err = c.Restore(ctx, dir)
	}
	return err
}

// ofProcess are the figures that are of the process, which here is the test's.
var ofProcess = regexp.MustCompile(`(?m)^(process_\w+) .*$`)

// backup notes what is in a backup, which is made while everybody is online.
func (w *world) backup() {
	w.t.Helper()
	ctx := context.Background()
	f, err := node.OpenFolder(ctx, w.dir)
	w.do(err)
	path := filepath.Join(w.t.TempDir(), "backup")
	made, err := f.Copy(ctx, "remains")
	w.do(err)
	w.do(made.Write(path))
	w.do(f.Close())
	for name, x := range readFolder(w.t, filepath.Dir(path)) {
		w.record.add("the file: "+name, hex.Dump(x.data))
	}
	restored := filepath.Join(w.t.TempDir(), "restored")
	w.do(restore(ctx, path, restored))
	for name, x := range readFolder(w.t, restored) {
		w.record.add("backup: "+name, hex.Dump(x.data))
	}
}
