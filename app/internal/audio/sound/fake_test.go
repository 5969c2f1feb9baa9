package sound

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The fake helper is this test binary with these arguments: Command, then how
// its backend behaves.
const (
	fakeGood    = "good"
	fakeRefuse  = "refuse"    // opening fails
	fakeHang    = "hang"      // opening never returns
	fakeFreeze  = "freeze"    // opens, and no sample ever moves
	fakeCrash   = "crash"     // dies on opening
	fakeNone    = "none"      // there is no device
	fakeBabble  = "babble"    // prints to standard output
	fakeMad     = "mad"       // writes nonsense into the memory
	fakeOnce    = "freeze-if" // freezes while the file named next exists
	fakeMoves   = "moves"     // opens, while the file named next exists, something else
	fakeRadio   = "radio"     // its microphone is on Bluetooth
	fakeWanders = "wanders"   // its streams are on Bluetooth while the file named next exists
	fakeTooMany = "too-many"  // lists more devices than fit a message
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == Command {
		b := &fakeBackend{kind: os.Args[2], arg: os.Args[len(os.Args)-1], changes: make(chan struct{})}
		if b.kind == fakeMoves || b.kind == fakeWanders {
			go b.notice()
		}
		if err := Main(b); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) > 1 && os.Args[1] == parentCommand {
		beParent()
	}
	os.Exit(m.Run())
}

// parentCommand makes of this test binary a process that has a helper.
const parentCommand = "parent"

// beParent opens a fake card, goes live, says its helper's process id when
// sound goes through, and waits for its own death.
func beParent() {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	c, err := Open(Config{Choice: Choice{Mic: true}, Program: []string{exe, Command, fakeGood}})
	if err != nil {
		panic(err)
	}
	c.Mic().Live(true)
	for !c.Playing() {
		runtime.Gosched()
	}
	fmt.Println(c.Stats().Process)
	select {}
}

// fakeConfig is the configuration of a card with a fake helper.
func fakeConfig(t *testing.T, args ...string) Config {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Choice:  Choice{Mic: true, Speaker: true},
		Program: append([]string{exe, Command}, args...),
	}
}

func openFake(t *testing.T, args ...string) *Card {
	t.Helper()
	return openConfig(t, fakeConfig(t, args...))
}

func openConfig(t *testing.T, config Config) *Card {
	t.Helper()
	c, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// await waits for a condition, at most for a time in which even a very busy
// machine gets there.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// fakeBackend plays a sine to the capture ring and takes from the playback
// ring at the pace of the clock, as a loop: what is played is captured, on top.
type fakeBackend struct {
	kind, arg string
	changes   chan struct{}
}

// away tells whether the device of fakeMoves is.
func (b *fakeBackend) away() bool { return b.kind == fakeMoves && b.there() }

// there tells whether the file exists.
func (b *fakeBackend) there() bool {
	_, err := os.Stat(b.arg)
	return err == nil
}

// notice says again and again that something may have changed.
func (b *fakeBackend) notice() {
	for range time.Tick(fakePeriod) {
		b.changes <- struct{}{}
	}
}

func (b *fakeBackend) Refresh() error {
	if b.kind == fakeBabble {
		fmt.Println("ALSA lib pcm.c:2664:(snd_pcm_open_noupdate) Unknown PCM")
	}
	return nil
}

func (b *fakeBackend) Careful() bool { return true }

func (b *fakeBackend) Relax() {}

func (b *fakeBackend) Close() {}

func (b *fakeBackend) Changes() <-chan struct{} { return b.changes }

func (b *fakeBackend) Devices() ([]Device, error) {
	switch b.kind {
	case fakeNone:
		return nil, errors.New("no sound device was found")
	case fakeRadio:
		return []Device{
			{Name: "far", Description: "A far ear", Outputs: 1, Leaves: LeavesByNetwork},
			{Name: "near", Outputs: 1, DefaultOutput: true},
			{Name: "radio", Description: "A \x1b[2Jheadset\n", Inputs: 1, DefaultInput: true, Leaves: LeavesByRadio},
		}, nil
	case fakeTooMany:
		return make([]Device, 2000), nil
	}
	return []Device{{Name: "fake", System: "test", Inputs: 1, Outputs: 2, Rate: 48000, DefaultInput: true}}, nil
}

func (b *fakeBackend) Open(_ Choice, m *Memory) (Streams, error) {
	switch b.kind {
	case fakeRefuse:
		return nil, errors.New("the fake device\x1b[2J does not want to")
	case fakeHang:
		select {}
	case fakeCrash:
		if err := syscall.Kill(os.Getpid(), syscall.SIGSEGV); err != nil {
			panic(err)
		}
		select {}
	case fakeFreeze:
		return &fakeStreams{}, nil
	case fakeOnce:
		if _, err := os.Stat(b.arg); err == nil {
			return &fakeStreams{}, nil
		}
	}
	s := &fakeStreams{backend: b, detour: b.away(), memory: m, mad: b.kind == fakeMad, quit: make(chan struct{})}
	s.running.Go(s.run)
	return s, nil
}

type fakeStreams struct {
	backend *fakeBackend
	detour  bool
	memory  *Memory
	mad     bool
	quit    chan struct{}
	running sync.WaitGroup
}

func (s *fakeStreams) Latency() (in, out time.Duration) {
	return time.Millisecond, 2 * time.Millisecond
}

func (s *fakeStreams) Detour() string {
	if s.detour {
		return "the fake device is away"
	}
	return ""
}

func (s *fakeStreams) Cautions() Cautions {
	if s.backend != nil && s.backend.kind == fakeWanders && s.backend.there() {
		return Cautions{Mic: "a \x1b[2Jradio"}
	}
	return Cautions{}
}

func (s *fakeStreams) Current() bool { return s.detour == s.backend.away() }

func (s *fakeStreams) Close() {
	if s.quit != nil {
		close(s.quit)
		s.running.Wait()
	}
}

const fakePeriod = 5 * time.Millisecond

func (s *fakeStreams) run() {
	tick := time.NewTicker(fakePeriod)
	defer tick.Stop()
	start, base := time.Now(), s.memory.Captured.Count.Load()
	for {
		select {
		case <-tick.C:
			until := base + uint64(time.Since(start)*48/time.Millisecond)
			s.callback(int(until - s.memory.Captured.Count.Load()))
		case <-s.quit:
			return
		}
	}
}

func (s *fakeStreams) callback(n int) {
	m := s.memory
	captured, played, queued := m.Captured.Count.Load(), m.Played.Count.Load(), m.Queued.Count.Load()
	for i := range uint64(n) {
		v := float32(0.25 * math.Sin(2*math.Pi*440*float64(captured+i)/48000))
		if played < queued {
			v += m.Playback[played%RingSize]
			played++
		}
		m.Capture[(captured+i)%RingSize] = v
	}
	if s.mad {
		for i := range m.Capture {
			m.Capture[i] = float32(math.NaN())
		}
		m.Captured.When.Store(captured * 0x3456789abcdef)
		m.Captured.Each.Store(captured * 0x9876543)
		m.Captured.Count.Store(captured*captured + uint64(n)*0x123456789)
		m.Played.Count.Store(^played * 0x987654321)
		return
	}
	m.Captured.Each.Store(uint64(n))
	m.Played.Each.Store(uint64(n))
	m.Captured.When.Store(monotonic())
	m.Played.When.Store(monotonic())
	m.Captured.Count.Store(captured + uint64(n))
	m.Played.Count.Store(played)
}

func hasHint(err error, parts ...string) bool {
	for _, p := range parts {
		if err == nil || !strings.Contains(err.Error(), p) {
			return false
		}
	}
	return true
}
