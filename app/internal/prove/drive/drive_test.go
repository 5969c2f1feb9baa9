package drive

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"undertone/app/internal/prove/feature"
	"undertone/app/internal/prove/judge"
	"undertone/app/internal/prove/plan"
	"undertone/app/internal/prove/record"
	"undertone/app/internal/prove/relay"
	"undertone/transport/cell"
)

// The test program is a child too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Command {
		if Main(os.Stdin, os.Stdout) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var short = plan.Size{Length: 400 * time.Millisecond, Guard: 100 * time.Millisecond, Settle: 300 * time.Millisecond}

// steps has every act and every control once.
func steps() []plan.Step {
	idle := plan.Step{Label: plan.Idle}
	all := []plan.Step{
		idle,
		{Label: plan.Idle, Control: plan.Byte}, {Label: plan.Idle, Control: plan.Skip}, {Label: plan.Idle, Control: plan.Work}, idle,
		{Act: plan.Calls}, {Label: plan.RingingOut}, {Act: plan.Answered},
		{Act: plan.Speaks}, {Label: plan.Talk},
		{Act: plan.Hushes}, {Label: plan.Silence}, {Label: plan.Silence, Control: plan.DTX},
		{Act: plan.HangsUp, Label: plan.HangUp}, {Act: plan.AwaitsIdle},
		{Act: plan.Called}, {Label: plan.RingingIn}, {Act: plan.Answers}, {Label: plan.Silence}, {Act: plan.HungUp}, {Act: plan.AwaitsIdle},
		{Act: plan.Called}, {Act: plan.Declines, Label: plan.Decline}, {Act: plan.HungUp}, {Act: plan.AwaitsIdle},
		idle,
	}
	return all
}

// A whole run on loopback: everything that the plan asks for is done, and is in the
// captures; what leaks on purpose is in the segments in which it was switched on, and
// nothing else has a size of its own.
func TestRun(t *testing.T) {
	var told atomic.Int32
	result, err := Run(t.Context(), Config{
		Folder: t.TempDir(), Mode: cell.TMIX, Interval: cell.Interval20, Size: short, Steps: steps(),
		Progress: func(Progress) { told.Add(1) },
	})
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, s := range steps() {
		if s.Label != "" {
			want = append(want, s.Label+s.Control)
		}
	}
	r := result.Recording
	for _, s := range r.Segments {
		got = append(got, s.Label+s.Control)
		if s.Call != (s.Label != plan.Idle || s.Control != "") {
			t.Errorf("%+v", s)
		}
	}
	if result.Dropped == 0 && result.Lost == 0 && !slices.Equal(got, want) {
		t.Errorf("segments %q", got)
	}
	if len(r.Partner) == 0 || len(r.Bystander) == 0 || told.Load() == 0 || result.Stopped {
		t.Errorf("%d datagrams of the other side and %d of the bystander, told %d times, stopped: %v", len(r.Partner), len(r.Bystander), told.Load(), result.Stopped)
	}
	for _, s := range r.Segments {
		if loud := slices.Max(append(r.Loudness(s.From+200*time.Millisecond, s.To), 0)); (loud > 0) != (s.Label == plan.Talk) {
			t.Errorf("in %q it is as loud as %v", s.Label, loud)
		}
	}
	m, err := feature.Measure(r)
	if err != nil {
		t.Fatal(err)
	}
	caught := map[string]bool{}
	for _, s := range m.Segments {
		wrong, empty := value(t, m, s, "wrong sizes, sent"), value(t, m, s, "empty slots, sent")
		switch s.Control {
		case plan.Byte:
			caught[s.Control] = wrong == 1
		case plan.Skip:
			caught[s.Control] = empty >= 1
		case plan.DTX:
			caught[s.Control] = empty >= 10
		}
		if s.Control != plan.Byte && wrong != 0 || value(t, m, s, "wrong sizes, received") != 0 {
			t.Errorf("sizes in %q %q: %v", s.Label, s.Control, s.Values)
		}
	}
	if !caught[plan.Byte] || !caught[plan.Skip] || !caught[plan.DTX] {
		t.Errorf("caught: %v", caught)
	}
}

// Somebody between the client and the server, who drops, delays, doubles and swaps
// datagrams both ways, by way of a real relay: calls come about all the same, and no
// message is of another size.
func TestAttackedRun(t *testing.T) {
	idle, talk := plan.Step{Label: plan.Idle}, plan.Step{Label: plan.Talk}
	size := short
	size.Settle = time.Second
	result, err := Run(t.Context(), Config{
		Folder: t.TempDir(), Mode: cell.TMIX, Interval: cell.Interval20, Size: size, Attack: relay.All,
		Steps: []plan.Step{idle, idle, idle, {Act: plan.Calls}, {Act: plan.Answered}, {Act: plan.Speaks}, talk, talk, talk, {Act: plan.HangsUp}, {Act: plan.AwaitsIdle}, idle},
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := feature.Measure(result.Recording)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range m.Segments {
		if wrong := value(t, m, s, "wrong sizes, sent"); wrong != 0 {
			t.Errorf("in %q %v messages have a size of their own", s.Label, wrong)
		}
	}
	if result.Attacked == 0 {
		t.Error("no datagram was attacked")
	}
	if len(m.Segments) == 0 {
		t.Error("nothing was measured")
	}
	t.Logf("%d segments, %d datagrams attacked, %d times lost", len(m.Segments), result.Attacked, result.Lost)
}

func value(t *testing.T, m *feature.Measured, s judge.Segment, name string) float64 {
	t.Helper()
	k := slices.IndexFunc(m.Features, func(f judge.Feature) bool { return f.Name == name })
	if k < 0 {
		t.Fatalf("no feature %q", name)
	}
	return s.Values[k]
}

// Whoever stops a run gets what there is until then.
func TestStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	result, err := Run(ctx, Config{
		Folder: t.TempDir(), Mode: cell.TMIX, Interval: cell.Interval20, Size: short,
		Steps: slices.Repeat([]plan.Step{{Label: plan.Idle}}, 1000),
		Progress: func(p Progress) {
			if p.Segments == 3 {
				stop()
			}
		},
	})
	if err != nil || !result.Stopped || result.Why != nil || result.Lost != 0 || len(result.Recording.Segments) != 3 {
		t.Errorf("%+v, %v", result, err)
	}
	early, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Run(early, Config{Folder: t.TempDir(), Mode: cell.TMIX, Interval: cell.Interval20}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A child that has ended is noticed at once, by whoever waits and whoever looks.
func TestEndIsNoticed(t *testing.T) {
	events := make(chan event)
	close(events)
	c := &child{name: "other side", events: events}
	if err := c.look(); err == nil || !strings.Contains(err.Error(), "other side has ended") {
		t.Error(err)
	}
	if err := c.await(t.Context(), time.Minute, func() bool { return false }); err == nil || errors.Is(err, errLate) {
		t.Error(err)
	}
}

// A child that has no profile says so, and the run ends with it.
func TestNoProfile(t *testing.T) {
	nobody := &User{Profile: t.TempDir(), With: "nobody"}
	_, err := Run(t.Context(), Config{Folder: t.TempDir(), Mode: cell.TMIX, Interval: cell.Interval20, Client: nobody, Partner: nobody})
	if err == nil || !strings.Contains(err.Error(), "profile") {
		t.Error(err)
	}
}

// sink is a socket that keeps what is sent.
type sink struct {
	socket
	sent [][]byte
}

func (s *sink) WriteTo(b []byte, _ net.Addr) (int, error) {
	s.sent = append(s.sent, slices.Clone(b))
	return len(b), nil
}

func (s *sink) WriteToAddrPort(b []byte, _ netip.AddrPort) (int, error) {
	return s.WriteTo(b, nil)
}

func TestLeaks(t *testing.T) {
	var quiet atomic.Bool
	l := newLeaks(cell.Interval40, &quiet)
	out := &sink{}
	s := &leaky{out, l}
	data, other := slices.Concat([]byte{dataRecord}, make([]byte, 196)), make([]byte, 112)
	send := func(n int) (lengths []int) {
		t.Helper()
		out.sent = nil
		for range n {
			for _, b := range [][]byte{data, other} {
				if n, err := s.WriteToAddrPort(b, netip.AddrPort{}); n != len(b) || err != nil {
					t.Errorf("%d bytes sent: %v", n, err)
				}
			}
		}
		for _, b := range out.sent {
			lengths = append(lengths, len(b))
		}
		return lengths
	}
	for _, c := range []struct {
		leak  string
		quiet bool
		want  []int
	}{
		{"", true, []int{197, 112, 197, 112}},
		{plan.Byte, false, []int{198, 112, 197, 112}},
		{plan.Skip, false, []int{112, 197, 112}},
		{plan.DTX, false, []int{197, 112, 197, 112}},
		{plan.DTX, true, []int{112, 112}},
		{plan.Work, true, []int{197, 112, 197, 112}},
	} {
		quiet.Store(c.quiet)
		l.set(c.leak)
		if l.grace.Load() > 0 {
			send(graceFor)
		}
		began := time.Now()
		if got := send(2); !slices.Equal(got, c.want) {
			t.Errorf("%q: %v", c.leak, got)
		}
		if c.leak == plan.Work && time.Since(began) < 2*workFor {
			t.Error("there was no work")
		}
	}
	l.set(plan.DTX)
	if got := send(graceFor + 12); len(got) != 2*(graceFor+12)-10 {
		t.Errorf("%d datagrams with DTX", len(got))
	}
	l.set("")
	if n := testing.AllocsPerRun(100, func() { l.strike(data) }); n != 0 {
		t.Errorf("%v allocations without a leak", n)
	}
}

// Speech goes on where it is, heard or not, so that silence is no less work.
func TestVoice(t *testing.T) {
	v, err := newVoice(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]float32, 960)
	loud := func() (is bool) {
		t.Helper()
		for range 100 {
			v.Read(pcm)
			is = is || slices.ContainsFunc(pcm, func(s float32) bool { return s > 0.05 })
		}
		return is
	}
	if loud() {
		t.Error("it speaks before it was told to")
	}
	v.quiet.Store(false)
	if loud() {
		t.Error("it speaks without a call")
	}
	v.Live(true)
	if !loud() {
		t.Error("it does not speak")
	}
	v.Write(pcm)
	if v.at != 300*960%len(v.pcm) || v.Close() != nil {
		t.Errorf("it is at %d", v.at)
	}
}

func TestLoadSaysWhichFile(t *testing.T) {
	if _, err := Load("no such labels"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	r := &run{cfg: Config{Folder: t.TempDir()}, labels: record.Labels{
		Mode: cell.TMIX, Interval: cell.Interval40, Client: []netip.AddrPort{netip.MustParseAddrPort("[::]:1")},
	}}
	if err := r.save(); err != nil {
		t.Fatal(err)
	}
	labels := r.cfg.Folder + "/" + LabelsFile
	if _, err := Load(labels, labels); err == nil || !strings.Contains(err.Error(), "no capture") {
		t.Error(err)
	}
}
