// Package attack is a suite of what strangers, members and servers can try: each
// test tries one thing several times against a whole server, in fake time on a
// simulated network, and every attempt must be refused. "go test -v" prints what
// was tried, how often, and how often it was refused.
//
//	       eve ──requests, datagrams, cells──▶ ┌────────┐
//	anna ◀──────────────── a call ────────────▶│ server │
//	berta ◀───────────────────────────────────▶└────────┘
//
// Where it says so, anna and berta are in a call all the while, and none of their
// cells may be missing. That something can succeed at all is tested beside each
// refusal, or else a broken server would pass.
package attack

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
)

// A row is what one attack came to.
type row struct {
	attack            string
	attempts, refused int
}

// all rows of this run, by the tests.
var all struct {
	sync.Mutex
	rows []row
}

// note adds a row, and fails the test if an attempt was not refused.
func note(t *testing.T, attack string, attempts, refused int) {
	t.Helper()
	if attempts < 1 || refused != attempts {
		t.Errorf("%s: %d of %d attempts were refused", attack, refused, attempts)
	}
	all.Lock()
	defer all.Unlock()
	all.rows = append(all.rows, row{attack, attempts, refused})
}

func TestMain(m *testing.M) {
	m.Run()
	if testing.Verbose() {
		printRows()
	}
}

func printRows() {
	slices.SortFunc(all.rows, func(a, b row) int { return strings.Compare(a.attack, b.attack) })
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "attempts\trefused\t  attack")
	attempts, refused := 0, 0
	for _, r := range all.rows {
		fmt.Fprintf(w, "%d\t%d\t  %s\n", r.attempts, r.refused, r.attack)
		attempts, refused = attempts+r.attempts, refused+r.refused
	}
	fmt.Fprintf(w, "%d\t%d\t  in all\n", attempts, refused)
	_ = w.Flush()
}
