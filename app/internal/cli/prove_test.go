package cli

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"undertone/app/internal/prove/drive"
	"undertone/app/internal/prove/plan"
	"undertone/app/internal/prove/record"
	"undertone/transport/cell"
)

func TestProveFlags(t *testing.T) {
	for args, want := range map[string]string{
		"":                                 "choose --loopback",
		"--mode bmix":                      "--mode is for --loopback",
		"--interval 20ms --partner x":      "--interval is for --loopback",
		"--loopback --partner x":           "leave out --partner",
		"--loopback --mode vmix":           "--mode",
		"--loopback --interval 30ms":       "--interval",
		"--loopback --attack bribe":        "choose one of drop",
		"--partner x --attack drop":        "--attack is for --loopback",
		"--pcap x":                         "go together",
		"--labels x":                       "go together",
		"--pcap x --labels x --save y":     "--save is for measuring",
		"--pcap x --labels x --attack all": "--attack is for measuring",
		"--pcap x --labels x --seed 1":     "--seed is for measuring",
		"--pcap x --labels x --loopback":   "--loopback is for measuring",
	} {
		p := newConsole(t)
		p.run(exitUsage, append([]string{"prove"}, strings.Fields(args)...)...)
		says(t, p.err.String(), want)
	}
}

// captured writes a labels file and a capture of a line that leaks.
func captured(t *testing.T) (labels, capture string) {
	t.Helper()
	dir := t.TempDir()
	labels, capture = filepath.Join(dir, drive.LabelsFile), filepath.Join(dir, drive.ClientFile)
	started, server := time.Unix(1_800_000_000, 0), netip.MustParseAddrPort("192.0.2.7:7443")
	l := &record.Labels{Mode: cell.TMIX, Interval: cell.Interval40, Started: started, Client: []netip.AddrPort{netip.MustParseAddrPort("[::]:40001")}}
	tape := record.NewTape(started)
	message := make([]byte, 198)
	copy(message, []byte{23, 254, 253})
	for n := range 1000 {
		at := time.Duration(n) * 40 * time.Millisecond
		if n%50 == 0 && n >= 100 && n < 900 {
			call := n%100 == 0
			l.Segments = append(l.Segments, record.Segment{Label: map[bool]string{true: plan.Talk, false: plan.Idle}[call], Call: call, From: at, To: at + 2*time.Second})
		}
		size := 197
		if n%100 == 20 { // In each segment of a call one message is too long.
			size = 198
		}
		tape.Keep(started.Add(at), true, 40001, server, message[:size])
		tape.Keep(started.Add(at+15*time.Millisecond), false, 40001, server, message[:197])
	}
	for name, write := range map[string]func(*os.File) error{
		labels:  func(f *os.File) error { return l.Write(f) },
		capture: func(f *os.File) error { return tape.Write(f) },
	} {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := write(f); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return labels, capture
}

// A capture is judged: as a table, as JSON, as a page. Without controls it is void.
func TestProveCapture(t *testing.T) {
	labels, capture := captured(t)
	page := filepath.Join(t.TempDir(), "report.html")
	p := newConsole(t)
	p.run(exitVoid, "prove", "--pcap", capture, "--labels", labels, "--html", page)
	says(t, p.out.String(), "VOID", "wrong sizes, sent", "client.pcap, mode tmix, one slot in 40ms")
	if b, err := os.ReadFile(page); err != nil || !strings.Contains(string(b), "</html>") {
		t.Errorf("the page: %v", err)
	}
	p.run(exitVoid, "prove", "--pcap", capture, "--labels", labels, "--json")
	says(t, p.out.String(), `"verdict": "void"`)
	p.run(exitFailed, "prove", "--pcap", labels, "--labels", labels)
	says(t, p.err.String(), "no capture of tcpdump")
	p.run(exitFailed, "prove", "--pcap", capture, "--labels", capture)
	says(t, p.err.String(), "no labels file")
}

// The two sides of the calls have to be two people of one server who have exchanged
// their keys.
func TestProveNeedsTwoWhoKnowEachOther(t *testing.T) {
	ann, bob := makeProfile(t, "ann", nil), makeProfile(t, "bob", nil)
	p := newConsole(t)
	p.run(exitFailed, "prove", "--profile", ann, "--partner", t.TempDir())
	says(t, p.err.String(), "--partner: there is no profile")
	p.run(exitFailed, "prove", "--profile", ann, "--partner", ann)
	says(t, p.err.String(), "both are the same profile")
	p.run(exitFailed, "prove", "--profile", ann, "--partner", bob)
	says(t, p.err.String(), "bob is no contact of ann")

	p.run(exitDone, "contacts", "add", linkOf(t, bob), "--profile", ann)
	p.run(exitFailed, "prove", "--profile", ann, "--partner", bob)
	says(t, p.err.String(), "have not exchanged their keys")

	a, b := content(t, ann), content(t, bob)
	a.Contacts[0].State = []byte{1}
	a.Account.Server.Pin[0]++
	if _, _, err := acquainted(a, b); err == nil || !strings.Contains(err.Error(), "different servers") {
		t.Error(err)
	}
	a.Account.Server.Pin = b.Account.Server.Pin
	if name, err := nameFor(a, b); name != "bob" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
	a.Contacts[0].Blocked = true
	if _, err := nameFor(a, b); err == nil || !strings.Contains(err.Error(), "blocked") {
		t.Error(err)
	}
}

// A run that is stopped before there is anything to judge says so, and keeps no
// folder of its own.
func TestProveStopped(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := newConsole(t)
	if code := p.runContext(ctx, "prove", "--loopback", "--quick"); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	says(t, p.err.String(), "This takes", "stopped before anything was measured")
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
