package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"undertone/server/node"
)

// A server whose clock was set serves again, and says why; one that ends for another
// reason, or without any, does not.
func TestServesByTheClock(t *testing.T) {
	broken := errors.New("broken")
	for _, last := range []error{nil, broken} {
		var log strings.Builder
		ends := []error{fmt.Errorf("%w: it says 1970", node.ErrClock), fmt.Errorf("%w: it says 2026", node.ErrClock), last}
		runs := 0
		err := byClock(slog.New(slog.NewTextHandler(&log, nil)), func() error {
			runs++
			return ends[runs-1]
		})
		if runs != 3 || !errors.Is(err, last) || err != nil && last == nil {
			t.Errorf("%d runs, %v", runs, err)
		}
		if text := log.String(); strings.Count(text, "starts anew") != 2 || !strings.Contains(text, "it says 1970") {
			t.Errorf("the log is\n%s", text)
		}
	}
}
