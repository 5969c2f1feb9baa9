package child

import (
	"bytes"
	"strings"
	"sync"
)

const (
	// keptLines is how many of the last lines are kept, keptBytes how much of each.
	keptLines = 30
	keptBytes = 300
)

// A chatter takes what a process says on standard error: it keeps the last lines,
// and counts those that begin the trace of a goroutine.
type chatter struct {
	mu         sync.Mutex
	line       []byte // the beginning of the line that has not ended
	last       []string
	goroutines int
}

// Write takes in some more.
func (c *chatter) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for rest := b; len(rest) > 0; {
		piece, after, ended := bytes.Cut(rest, []byte{'\n'})
		if room := keptBytes - len(c.line); room > 0 {
			c.line = append(c.line, piece[:min(room, len(piece))]...)
		}
		if ended {
			c.end()
		}
		rest = after
	}
	return len(b), nil
}

// end takes in that a line has ended.
func (c *chatter) end() {
	if isGoroutine(c.line) {
		c.goroutines++
	}
	if len(c.last) == keptLines {
		c.last = append(c.last[:0], c.last[1:]...)
	}
	c.last = append(c.last, string(c.line))
	c.line = c.line[:0]
}

// isGoroutine recognises "goroutine 17 [select]:", but not those with the number 0,
// in which the scheduler runs.
func isGoroutine(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("goroutine "))
	return ok && len(rest) > 0 && rest[0] >= '1' && rest[0] <= '9' && bytes.Contains(rest, []byte(" ["))
}

func (c *chatter) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.last, "\n")
}

func (c *chatter) dumped() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.goroutines
}
