// Package remains shows that nothing remains of calls at a server: what it writes and
// what it says is the same whether its members call each other or not.
//
//	              ┌─ the same folder, the same members, the same time online ─┐
//	nobody calls ─┤ files, by byte and by row · log at every level            ├─ equal
//	calls        ─┤ admin socket · metrics · health · backup · file times     │
//	              └───────────────────────────────────────────────────────────┘
//
// Calls are set up, answered, talked, hung up, declined, given up, and not answered, by
// whole clients (mixclient/clienttest).
//
// In fake time, on a simulated network, the two runs begin with the same bytes in the
// folder and happen at the same times, so nothing needs to be forgiven: whatever was
// written or said has to be equal to the last byte. Only two things are not compared: the
// random salts in the header of SQLite's log, with the checksums over them, and the
// figures of the process, which is the test's own. That the comparison sees something is
// shown by leaks of many kinds that are planted, each in a run of its own.
//
// What a simulated network cannot show is the program itself: TestProgram runs it, with
// its own sockets, and compares all of this once more, but for times, ports, and counts
// that a busy machine changes.
//
// Memory does not leave the process: it writes no core dump (server/undertone-server
// has the test of that).
package remains

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"undertone/mixclient/clienttest"
	"undertone/server/node"
	"undertone/transport/cell"
	"undertone/transport/uri"
)

// A set is a server's folder and its users, as each run finds them.
type set struct {
	folder folder
	server uri.Server
	people []*clienttest.Person
}

// newSet makes a folder in dir, whose users know each other. The last of them has not
// joined yet; there is an invite that nobody uses, too.
func newSet(t *testing.T, dir string, settings node.Settings, users int) *set {
	t.Helper()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	do(node.Init(ctx, dir, settings))
	f, err := node.OpenFolder(ctx, dir)
	do(err)
	s := &set{}
	for i, name := range names[:users] {
		p, err := clienttest.NewPerson(name)
		do(err)
		invite, _, err := f.CreateInvite(ctx, name, time.Hour, "")
		do(err)
		if p.Token = invite.Token; i < users-1 {
			_, err = f.Registry.Redeem(ctx, invite.Token, p.Account(), time.Now())
			do(err)
		}
		for _, o := range s.people {
			clienttest.Befriend(o, p)
		}
		s.people, s.server = append(s.people, p), invite.Server
	}
	_, _, err = f.CreateInvite(ctx, "somebody else", time.Hour, "")
	do(err)
	do(f.Close())
	s.folder = readFolder(t, dir)
	return s
}

// A scene is what the runs have in common.
type scene struct {
	mode  cell.Mode
	users int
	// window is how long calls have.
	window time.Duration
}

// newScene makes a set for a scene.
func newScene(t *testing.T, sc scene) *set {
	t.Helper()
	settings := node.DefaultSettingsFor(sc.mode)
	settings.Interval, settings.Listen, settings.PublicHost = interval, ":7443", "calls.example.org:7443"
	dir := filepath.Join(t.TempDir(), "data")
	var s *set
	synctest.Test(t, func(t *testing.T) { s = newSet(t, dir, settings, sc.users) })
	return s
}

// compare fails the test for each difference between two runs.
func compare(t *testing.T, idle, busy *record) {
	t.Helper()
	for _, d := range differ(idle, busy) {
		t.Errorf("without calls and with them, this differs:\n%s", d)
	}
}

// checkWhole fails the test if something is missing in a record that every server
// writes or says.
func checkWhole(t *testing.T, r *record) {
	t.Helper()
	for name, text := range map[string]string{
		"log":                                   "serving",
		"before: files":                         logFile,
		"after: bytes of " + registryFile:       "SQLite",
		"after: bytes of " + logFile:            "|",
		"after: rows of " + registryFile:        `"dora"`,
		"at the end: admin GET /v1/status":      `"slots"`,
		"at the end: metrics GET /metrics":      "undertone_slots_total",
		"at the end: metrics GET /health":       "ok",
		"backup: " + registryFile:               "SQLite",
		"meanwhile 1: admin GET /v1/status":     `"slots"`,
		"meanwhile 2: metrics GET /metrics":     "undertone_slots_total",
		"meanwhile 1: metrics GET /debug/pprof": "404",
	} {
		if !strings.Contains(r.has(name), text) {
			t.Errorf("%q is not in %s:\n%s", text, name, r.has(name))
		}
	}
	if found := r.has("changed meanwhile"); found != "" {
		t.Errorf("while everybody was online, the server wrote into these:\n%s", found)
	}
}

// Nothing remains of calls, in any mode.
func TestNothingRemains(t *testing.T) {
	t.Parallel()
	for _, m := range []cell.Mode{cell.TMIX, cell.BMIX, cell.SMIX} {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			sc := scene{mode: m, users: len(names), window: 50 * time.Second}
			s := newScene(t, sc)
			idle := run(t, sc, s, func(*world) {})
			busy := run(t, sc, s, func(w *world) { newCast(w.t, false, w.members).calls(true) })
			checkWhole(t, idle)
			compare(t, idle, busy)
		})
	}
}
