package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"undertone/server/bench/internal/child"
	"undertone/server/bench/internal/crowd"
	"undertone/server/bench/internal/ours"
	"undertone/server/bench/internal/report"
	"undertone/transport/cell"
)

// mainEnv makes the test binary be the program itself.
const mainEnv = "UNDERTONE_TEST_BENCH_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainEnv) != "" {
		main()
	}
	os.Exit(m.Run())
}

// patience is how long a test waits for what takes moments on an idle machine.
const patience = time.Minute

// of returns a bench whose children are this very binary.
func of(t *testing.T, o *options) *bench {
	t.Helper()
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	b := &bench{o: o, progress: t.Output(), self: func(args ...string) (child.Program, error) {
		p, err := itself(args...)
		p.Env = []string{mainEnv + "=1"}
		return p, err
	}}
	if err := b.inside(); err != nil {
		t.Fatal(err)
	}
	return b
}

// Twenty users come online at each server there is, and what is counted fits
// together. How much is counted in a second, on a machine that may be busy, is
// nothing that a test can judge.
func TestLoad(t *testing.T) {
	o := defaults()
	o.users, o.lasts, o.settle, o.churn = 20, time.Second, 300*time.Millisecond, crowd.Churn{Kills: 120, Moves: 120}
	r, err := of(t, &o).measureAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	goleak.VerifyNone(t)
	if len(r.Subjects) != 3 || r.Subjects[0].Name != nameOurs || r.Subjects[1].Name != nameStock || r.Subjects[2].Name != nameBare {
		t.Fatalf("measured: %+v", r.Subjects)
	}
	for _, s := range r.Subjects {
		n, ours := s.Counts, s.Name == nameOurs
		if n.Received < 1 || n.Up.Bytes < cell.Size || n.Down.Bytes < cell.Size || n.Online > 20 || s.Users > 20 {
			t.Errorf("%s: %v users, %+v", s.Name, s.Users, n)
		}
		if s.Goroutines < 1 || s.Threads < 1 || s.Memory.Most < s.Memory.End || s.Memory.Empty < 1 || s.Seconds < 1 {
			t.Errorf("%s: %+v", s.Name, s)
		}
		if ours && s.Trip.Count > 0 || !ours && s.Late.Count > 0 || ours != (s.Served != nil) {
			t.Errorf("%s: late %+v, answers %+v", s.Name, s.Late, s.Trip)
		}
		if !ours && n.Killed+n.Moved > 0 {
			t.Errorf("%s: %+v", s.Name, n)
		}
	}
	if v := r.Subjects[0].Served; v.Slots+v.Skipped < 1 || v.Faults != 0 || v.Odd != 0 || v.Registered != v.Expected || v.Expected != 20 {
		t.Errorf("the server says %+v", v)
	}
	checkFiles(t, r)
}

// Users of each mode hear and are heard; those who are in a call hear each other, and
// those who are killed or moved come back.
func TestModes(t *testing.T) {
	const users = 9 // The first set of a bMIX with two messages in a slot.
	for _, c := range []struct {
		mode    cell.Mode
		subject string
	}{{cell.TMIX, nameOurs}, {cell.BMIX, nameOurs}, {cell.BMIX, nameStock}, {cell.BMIX, nameBare}} {
		t.Run(c.mode.String()+" "+c.subject, func(t *testing.T) {
			o := defaults()
			o.users, o.mode, o.calls = users, c.mode.String(), 100
			s, err := of(t, &o).start(t.Context(), c.subject)
			if err != nil {
				t.Fatal(err)
			}
			users := crowd.New(crowd.Config{Service: s, Interval: o.pace, Margin: o.margin})
			if err := users.Fill(t.Context(), o.users); err != nil {
				t.Fatal(err)
			}
			await(t, "messages", users, func(n crowd.Counts) bool { return n.Received > 100 && n.Posted > 20 })
			if ours, ok := s.(*ours.Server); ok {
				heard(t, c.mode, ours, users)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if n, err := s.Goroutines(ctx); n < 1 || err != nil {
				t.Errorf("%d goroutines, %v", n, err)
			}
			users.Close()
			s.Close()
			goleak.VerifyNone(t)
		})
	}
}

// heard waits for what only Undertone's server has.
func heard(t *testing.T, m cell.Mode, s *ours.Server, users *crowd.Crowd) {
	t.Helper()
	if m == cell.TMIX {
		await(t, "voice", users, func(crowd.Counts) bool { return s.Voice() > 10 })
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		users.Churn(ctx, crowd.Churn{Kills: 600, Moves: 600})
	}()
	await(t, "two users killed and two moved", users, func(n crowd.Counts) bool { return n.Killed > 1 && n.Moved > 1 })
	cancel()
	<-done
	await(t, "all users again", users, func(n crowd.Counts) bool { return n.Online == 9 })
	found, expected, err := s.Registered(t.Context())
	if err != nil || found != 9 || expected != 9 || s.Odd() != 0 {
		t.Errorf("%d of %d users are registered, %d cells could not be read, %v", found, expected, s.Odd(), err)
	}
}

// await waits until what was counted is so.
func await(t *testing.T, what string, c *crowd.Crowd, ok func(n crowd.Counts) bool) {
	t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	late := time.After(patience)
	for !ok(c.Counts()) {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("not within %v: %s: %+v", patience, what, c.Counts())
		}
	}
}

// checkFiles writes the report, and looks whether it is there.
func checkFiles(t *testing.T, r *report.Report) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "out")
	if err := keep(folder, r); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{jsonFile, summaryFile, secondsFile, pageFile} {
		b, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || !bytes.Contains(b, []byte(nameBare)) {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
}

// Arguments that make no sense are refused in words, before anything is started.
func TestOptions(t *testing.T) {
	for args, want := range map[string]string{
		"--users 0":                       "--users 0 is not between 1 and 10000",
		"--for 9h":                        "--for 9h0m0s is not between 1s and 6h0m0s",
		"--mode xmix":                     "use tmix, bmix or smix",
		"--mode smix":                     "use tmix or bmix",
		"--interval 30ms":                 "use 20ms, 40ms or 100ms",
		"--margin 20ms --interval 20ms":   "--margin 20ms is not between 0s and 10ms",
		"--compare pion,tcp":              "there are pion and udp",
		"--kills -1":                      "--kills -1 is not between",
		"--profile x --server y":          "does not go with --server",
		"--server /nonexistent/server":    "build it with: make build",
		"child dog":                       `there is no child "dog"`,
		"child " + nameOurs + " --data /": "",
		"more":                            "unknown command",
	} {
		var out, errOut bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		code := run(ctx, strings.Fields(args), strings.NewReader(""), &out, &errOut)
		cancel()
		if code != exitFailed || !strings.Contains(errOut.String(), want) || out.Len() > 0 {
			t.Errorf("%s: exit %d, %s%s", args, code, &out, &errOut)
		}
	}
}
