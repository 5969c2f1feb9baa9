package rtc

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// A gauge tells how much of what was written to a connection waits in the system.
// It is for one goroutine.
type gauge struct {
	raw syscall.RawConn
	ask func(fd uintptr)
	n   int
}

// newGauge returns a gauge, or nil for what is no connection of the system.
func newGauge(conn net.Conn) *gauge {
	c, ok := lowest(conn).(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	g := &gauge{raw: raw}
	g.ask = func(fd uintptr) {
		var err error
		if g.n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQNSD); err != nil {
			g.n = 0
		}
	}
	return g
}

// unsent returns how many bytes were not sent yet; what is on its way is not
// counted. It is 0 if nobody knows.
func (g *gauge) unsent() int {
	if g == nil || g.raw.Control(g.ask) != nil {
		return 0
	}
	return g.n
}
