package child

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// roleEnv makes the test binary be a child.
const roleEnv = "UNDERTONE_TEST_CHILD"

// patience is how long a test waits for what happens at once.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "":
		os.Exit(m.Run())
	case "deaf":
		<-time.After(time.Hour)
	}
	err := Reply(os.Stdin, os.Stdout, func(q Question) (Answer, error) {
		switch {
		case q.Goroutines:
			return Goroutines(), nil
		case q.Offer == "nonsense":
			return Answer{}, errors.New("this is nonsense")
		}
		return Answer{SDP: strings.ToUpper(q.Offer)}, nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// start starts a child in a role.
func start(t *testing.T, role string) *Child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Start(Program{Path: exe, Env: []string{roleEnv + "=" + role}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.End(0)
		goleak.VerifyNone(t)
	})
	return c
}

// alive reports whether a process is there.
func alive(c *Child) bool { return syscall.Kill(c.PID(), 0) == nil }

func TestAsk(t *testing.T) {
	c := start(t, "answers")
	var a Answer
	if err := c.Ask(t.Context(), Question{Offer: "anna"}, &a); err != nil || a.SDP != "ANNA" || a.Err() != nil {
		t.Errorf("%+v, %v", a, err)
	}
	a = Answer{}
	if err := c.Ask(t.Context(), Question{Offer: "nonsense"}, &a); err != nil || a.Err() == nil || !strings.Contains(a.Error, "this is nonsense") {
		t.Errorf("an error comes back as %+v, %v", a, err)
	}
	a = Answer{}
	if err := c.Ask(t.Context(), Question{Goroutines: true}, &a); err != nil || a.Goroutines < 1 {
		t.Errorf("%+v, %v", a, err)
	}
	u, err := c.Usage()
	if err != nil || u.Resident < 1<<20 || u.Threads < 1 {
		t.Errorf("a process costs %+v, %v", u, err)
	}
	c.End(patience)
	if alive(c) {
		t.Error("the child is still there")
	}
	if err := c.Ask(t.Context(), Question{Goroutines: true}, &a); err == nil {
		t.Error("a process that has ended gives an answer")
	}
	if _, err := c.Usage(); err == nil {
		t.Error("a process that has ended costs something")
	}
}

// A child that does not look at its input ends all the same, and one that gives no
// answer is not waited for.
func TestDeafChild(t *testing.T) {
	c := start(t, "deaf")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(nil)
	if err := c.Ask(ctx, Question{Goroutines: true}, &Answer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("no answer is %v", err)
	}
	c = start(t, "deaf")
	c.End(0)
	if alive(c) {
		t.Error("the child is still there")
	}
}

// A program in Go that is told to quit lists its goroutines.
func TestDump(t *testing.T) {
	c := start(t, "answers")
	var a Answer
	if err := c.Ask(t.Context(), Question{Goroutines: true}, &a); err != nil {
		t.Fatal(err)
	}
	if err := c.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Exited():
	case <-time.After(patience):
		t.Fatal("it goes on")
	}
	if n := c.Dumped(); n < 1 || n > a.Goroutines+10 {
		t.Errorf("%d goroutines were listed, of %d:\n%s", n, a.Goroutines, c.Chatter())
	}
}

func TestChatter(t *testing.T) {
	var c chatter
	for _, s := range []string{
		"SIGQUIT: quit\n\ngorou", "tine 0 [idle]:\ngoroutine 1 [running]:\nmain.main()\n", "\tgoroutine running on another thread\n",
		"goroutine 17 gp=0xc000 m=nil [select, 2 minutes]:", "\n", strings.Repeat("x", 2*keptBytes) + "\n",
	} {
		if n, err := c.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatal(n, err)
		}
	}
	if c.dumped() != 2 {
		t.Errorf("%d goroutines in\n%s", c.dumped(), c.text())
	}
	lines := strings.Split(c.text(), "\n")
	if last := lines[len(lines)-1]; len(last) != keptBytes || lines[0] != "SIGQUIT: quit" {
		t.Errorf("kept:\n%s", c.text())
	}
	for range 2 * keptLines {
		_, _ = c.Write([]byte("more\n"))
	}
	if n := strings.Count(c.text(), "\n") + 1; n != keptLines {
		t.Errorf("%d lines are kept", n)
	}
}

func TestParseStat(t *testing.T) {
	const line = "4242 (a (strange) name) S 1 4242 4242 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 11 0 5000 123456 7 18446744073709551615 0"
	u, err := parseStat([]byte(line), 4096)
	if want := (Usage{CPU: 3 * time.Second, Resident: 7 * 4096, Threads: 11}); err != nil || u != want {
		t.Errorf("%+v, %v", u, err)
	}
	for _, bad := range []string{"", "1 (x) S 1", strings.Replace(line, " 250 ", " many ", 1)} {
		if _, err := parseStat([]byte(bad), 4096); err == nil {
			t.Errorf("%q costs something", bad)
		}
	}
	const machine = "cpu  238788 2700 67089 573302 649 0 9288 12317 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n"
	if d, err := parseStolen([]byte(machine)); err != nil || d != 123170*time.Millisecond {
		t.Errorf("%v stolen, %v", d, err)
	}
	for _, bad := range []string{"", "cpu 1 2 3 4 5 6 7", "intr 1 2 3 4 5 6 7 8", strings.Replace(machine, "12317", "some", 1)} {
		if _, err := parseStolen([]byte(bad)); err == nil {
			t.Errorf("%q tells what was stolen", bad)
		}
	}
	if _, err := Stolen(); err != nil {
		t.Error(err)
	}
	if own, err := Own(); err != nil || own.Resident < 1<<20 {
		t.Errorf("this process costs %+v, %v", own, err)
	}
}
