package remains

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"undertone/transport/cell"
)

// A leak is something that a server might do when somebody calls.
type leak struct {
	name string
	// seen is where it has to be found.
	seen string
	// plant does it.
	plant func(w *world)
}

var leaks = []leak{
	{"a line in the log", "log:", func(w *world) { w.logger.Log(w.t.Context(), everything, "a route was set") }},
	{"a count in a metric", "metrics GET /metrics:", func(w *world) { w.told.inMetrics.Add(1) }},
	{"a count in the status", "admin GET /v1/status:", func(w *world) { w.told.inStatus.Add(1) }},
	{"a row", "rows of registry.db:", change(`INSERT INTO invites (hash, label, expires) VALUES (zeroblob(32), 'call', 0)`)},
	{"a table", "rows of registry.db:", change(`CREATE TABLE calls (caller, callee)`)},
	{"another value", "rows of registry.db:", change(`UPDATE users SET day = day + 1 WHERE label = 'anna'`)},
	{"a row that is gone again", "bytes of registry.db-wal:", change(
		`INSERT INTO invites (hash, label, expires) VALUES (zeroblob(32), 'call', 0)`, `DELETE FROM invites WHERE label = 'call'`)},
	{"a file", "files:", func(w *world) { w.do(os.WriteFile(filepath.Join(w.dir, "calls"), nil, 0o600)) }},
	{"a byte in a file", "bytes of lock:", func(w *world) {
		f, err := os.OpenFile(filepath.Join(w.dir, "lock"), os.O_WRONLY|os.O_APPEND, 0)
		w.do(err)
		_, err = f.WriteString(" ")
		w.do(err)
		w.do(f.Close())
	}},
	{"a time of a file", "changed meanwhile:", func(w *world) {
		path := filepath.Join(w.dir, "online.pem")
		info, err := os.Stat(path)
		w.do(err)
		w.do(os.Chtimes(path, time.Time{}, info.ModTime().Add(time.Second)))
	}},
	{"a file that came and went", "changed meanwhile:", func(w *world) {
		path := filepath.Join(w.dir, "call")
		w.do(os.WriteFile(path, nil, 0o600))
		w.do(os.Remove(path))
	}},
}

// change changes the registry, beside the server that has it open.
func change(statements ...string) func(w *world) {
	return func(w *world) {
		w.t.Helper()
		db, err := sql.Open("sqlite", filepath.Join(w.dir, registryFile))
		w.do(err)
		for _, s := range statements {
			_, err := db.Exec(s)
			w.do(err)
		}
		w.do(db.Close())
	}
}

// Each leak is found where it is, and two runs without any are the same.
func TestLeaksAreFound(t *testing.T) {
	t.Parallel()
	sc := scene{mode: cell.TMIX, users: 1, window: 3 * time.Second}
	s := newScene(t, sc)
	clean := run(t, sc, s, func(*world) {})
	if found := differ(clean, run(t, sc, s, func(*world) {})); len(found) > 0 {
		t.Errorf("two runs in which nothing happens differ:\n%s", strings.Join(found, "\n"))
	}
	for _, l := range leaks {
		t.Run(l.name, func(t *testing.T) {
			found := differ(clean, run(t, sc, s, func(w *world) {
				time.Sleep(time.Second)
				l.plant(w)
			}))
			for _, f := range found {
				if strings.Contains(f, l.seen) {
					return
				}
			}
			t.Errorf("it was not found in %q but in:\n%s", l.seen, strings.Join(found, "\n"))
		})
	}
}
