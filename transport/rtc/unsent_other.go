//go:build !linux

package rtc

import "net"

// smallBuffer is what the system may hold of a connection where it does not tell
// how much of that it has sent.
const smallBuffer = 16 << 10 // bytes

// A gauge would tell how much of what was written waits in the system.
type gauge struct{}

// newGauge bounds what can wait instead.
func newGauge(conn net.Conn) *gauge {
	if c, ok := lowest(conn).(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = c.SetWriteBuffer(smallBuffer) // It is a wish, as with sockets for UDP.
	}
	return nil
}

func (*gauge) unsent() int { return 0 }
