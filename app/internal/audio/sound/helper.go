package sound

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Command is the first argument with which the program becomes a helper.
const Command = "sound-helper"

// beatTime is the time between two signs of life.
const beatTime = 200 * time.Millisecond

// graceTime is what a helper whose parent has gone allows its driver for
// closing the microphone.
const graceTime = time.Second

// memoryFile is the descriptor under which a helper finds the memory.
const memoryFile = 3

// A Backend is what drives sound devices, in the helper only. One goroutine
// calls it.
type Backend interface {
	// Refresh looks for devices anew. No stream is open then.
	Refresh() error
	// Devices lists the devices.
	Devices() ([]Device, error)
	// Open opens and starts the chosen directions on m.
	Open(c Choice, m *Memory) (Streams, error)
	// Careful has what is opened from now on keep more sound waiting, since devices
	// ran dry, and returns false if it is the most already. Relax undoes that.
	Careful() bool
	Relax()
	// Changes gets a value when what Open opens may be something else than before.
	// It is nil where that is not known.
	Changes() <-chan struct{}
	// Close ends the use of all devices.
	Close()
}

// Streams are the open directions of a Backend.
type Streams interface {
	// Latency is what the devices say of themselves; 0 for a closed direction.
	Latency() (in, out time.Duration)
	// Detour says what is used instead of what was chosen, or nothing.
	Detour() string
	// Cautions are those of the devices that are used, as Open or the last Current
	// saw them.
	Cautions() Cautions
	// Current tells whether they run, on what would be opened now.
	Current() bool
	// Close stops at once.
	Close()
}

// Main is the main function of a helper process: it serves the parent that
// started it until that ends. It must be called first thing, before anything
// else reads standard input or writes to standard output.
func Main(b Backend) error {
	// Should the parent be killed, so is the helper. If that happened before
	// this line, standard input has ended.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	out, err := takeStdout()
	if err != nil {
		return err
	}
	m, err := mapMemory(os.NewFile(memoryFile, "memory"))
	if err != nil {
		return err
	}
	// Whatever the driver is doing, the microphone does not stay open for a
	// parent that has gone.
	orphaned := func() { time.AfterFunc(graceTime, func() { os.Exit(1) }) }
	return serve(os.Stdin, out, b, m, orphaned)
}

// takeStdout keeps standard output for messages, and lets what libraries print
// there go to standard error.
func takeStdout() (*os.File, error) {
	fd, err := unix.FcntlInt(os.Stdout.Fd(), unix.F_DUPFD_CLOEXEC, memoryFile+1)
	if err != nil {
		return nil, err
	}
	if err := unix.Dup3(2, 1, 0); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "messages"), nil //nolint:gosec // a descriptor
}

// A helper is the state of a helper process.
type helper struct {
	backend Backend
	memory  *Memory
	streams Streams // nil when closed

	choice     Choice   // of the last live order
	generation uint32   // its number
	cautions   Cautions // as last told for it

	mu  sync.Mutex // orders and beats are written by two goroutines
	out io.Writer
}

// serve obeys the orders from in until it ends, which it tells orphaned at once.
func serve(in io.Reader, out io.Writer, b Backend, m *Memory, orphaned func()) error {
	h := &helper{backend: b, memory: m, out: out}
	stop := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() { h.beat(stop) })
	orders := make(chan message)
	ended := make(chan error, 1)
	go func() {
		ended <- readOrders(in, orders)
		orphaned()
		close(orders)
	}()
	// The first look at the devices takes long; a failure shows when it matters.
	b.Refresh() //nolint:errcheck // said by Open or Devices
	h.run(orders)
	h.close()
	b.Close()
	close(stop)
	beating.Wait()
	return <-ended
}

// run obeys until orders is closed.
func (h *helper) run(orders <-chan message) {
	look := time.NewTicker(lookTime)
	defer look.Stop()
	d := dryness{last: h.memory.Played.Late.Load()} // The memory is older than this helper.
	for {
		select {
		case m, open := <-orders:
			if !open {
				return
			}
			h.obey(m)
		case <-h.backend.Changes():
			h.changed()
		case <-look.C:
			// Who chose a latency gets that.
			if d.look(h.memory.Played.Late.Load()) && h.streams != nil && h.choice.Latency == 0 && h.backend.Careful() {
				h.care()
			}
		}
	}
}

// changed looks whether the streams that are open are still the right ones.
func (h *helper) changed() {
	if h.streams == nil {
		return
	}
	if !h.streams.Current() {
		h.live(h.generation, h.choice)
		return
	}
	if c := h.streams.Cautions(); c != h.cautions {
		h.cautions = c
		h.send(kindCautions, numbered(h.generation, encode(c)))
	}
}

func readOrders(in io.Reader, orders chan<- message) error {
	for {
		m, err := readMessage(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		orders <- m
	}
}

// beat says that this process is alive, in a call or not.
func (h *helper) beat(stop <-chan struct{}) {
	tick := time.NewTicker(beatTime)
	defer tick.Stop()
	for {
		h.send(kindBeat, nil)
		select {
		case <-tick.C:
		case <-stop:
			return
		}
	}
}

func (h *helper) send(k kind, body []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	// A parent that does not listen any more has closed standard input too.
	writeMessage(h.out, message{k, body}) //nolint:errcheck // see above
}

func (h *helper) obey(m message) {
	switch m.kind {
	case kindLive:
		generation, rest, err := parseNumbered(m.body)
		var c Choice
		if err == nil {
			err = decode(rest, &c)
		}
		if err == nil {
			h.live(generation, c)
		} else {
			h.send(kindFailed, numbered(generation, []byte(err.Error())))
		}
	case kindList:
		h.list()
	default: // from a newer parent: nothing that this helper could do
	}
}

func (h *helper) live(generation uint32, c Choice) {
	h.close()
	h.generation, h.choice = generation, c
	if c.none() {
		h.backend.Relax() // The next call may find the machine less busy.
		h.send(kindClosed, numbered(generation, nil))
		return
	}
	if err := h.start(); err != nil {
		h.send(kindFailed, numbered(generation, []byte(err.Error())))
	}
}

// care opens the streams anew, with more latency if the device can do that.
func (h *helper) care() {
	h.close()
	if h.start() != nil {
		h.backend.Relax()
		h.live(h.generation, h.choice)
	}
}

// start opens the streams of the last order.
func (h *helper) start() error {
	s, err := h.open(h.choice)
	if err != nil {
		return err
	}
	h.streams = s
	h.cautions = s.Cautions()
	o := Opened{Detour: s.Detour(), Cautions: h.cautions}
	o.InputLatency, o.OutputLatency = s.Latency()
	h.send(kindOpened, numbered(h.generation, encode(o)))
	return nil
}

// open tries once more with a fresh look at the devices: what was plugged in
// since the last look is not there before it.
func (h *helper) open(c Choice) (Streams, error) {
	s, err := h.backend.Open(c, h.memory)
	if err == nil {
		return s, nil
	}
	if h.backend.Refresh() != nil {
		return nil, err
	}
	return h.backend.Open(c, h.memory)
}

func (h *helper) close() {
	if h.streams != nil {
		h.streams.Close()
		h.streams = nil
	}
}

func (h *helper) list() {
	if h.streams == nil {
		h.backend.Refresh() //nolint:errcheck // said by Devices
	}
	devices, err := h.backend.Devices()
	if err != nil {
		h.send(kindNone, []byte(err.Error()))
		return
	}
	body := encode(devices)
	for len(body) > maxPayload {
		// All are about as long as each other.
		devices = devices[:len(devices)*maxPayload/(len(body)+maxPayload/16)]
		body = encode(devices)
	}
	h.send(kindDevices, body)
}
