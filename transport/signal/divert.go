package signal

import (
	"bytes"
	"io"
	"net"
	"time"
)

// firstTLS is the least first byte of a connection that speaks TLS, whose records
// have a type of 20 and more. A frame of a link over TCP begins with its length,
// and none is so long (package rtc).
const firstTLS = 20

// Divert has connections that do not begin as TLS does be handed to a function,
// which takes them over with all that they have sent. It must not wait. They stay
// among the guard's early ones, which may be cut for others, until they are closed
// or the function calls settled, which says that they are somebody's who was let
// in. Divert is called before Serve; without it such connections are cut as other
// nonsense is.
func (g *Guard) Divert(to func(c net.Conn, settled func())) { g.diverted = to }

// Read reads for TLS. A connection that does not speak it ends here for TLS, and
// goes on elsewhere.
func (c *guest) Read(b []byte) (int, error) {
	if c.turned.Load() {
		return 0, io.EOF
	}
	n, err := c.Conn.Read(b)
	if n == 0 || c.looked {
		return n, err
	}
	c.looked = true
	if b[0] >= firstTLS || c.guard.diverted == nil {
		return n, err
	}
	c.turned.Store(true)
	_ = c.Conn.SetDeadline(time.Time{}) // Those of HTTP.
	c.guard.diverted(&turned{Conn: c.Conn, guest: c, head: bytes.Clone(b[:n])}, c.leave)
	return 0, io.EOF
}

// Write writes for TLS.
func (c *guest) Write(b []byte) (int, error) {
	if c.turned.Load() {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

// SetDeadline sets one for TLS, as the next two do.
func (c *guest) SetDeadline(t time.Time) error {
	if c.turned.Load() {
		return nil
	}
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline is for reading.
func (c *guest) SetReadDeadline(t time.Time) error {
	if c.turned.Load() {
		return nil
	}
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline is for writing.
func (c *guest) SetWriteDeadline(t time.Time) error {
	if c.turned.Load() {
		return nil
	}
	return c.Conn.SetWriteDeadline(t)
}

// A turned connection is a guest's that was handed over.
type turned struct {
	net.Conn
	guest *guest
	head  []byte // what was read of it already
}

// Read reads what was read already, and then on.
func (t *turned) Read(b []byte) (int, error) {
	if len(t.head) > 0 {
		n := copy(b, t.head)
		t.head = t.head[n:]
		return n, nil
	}
	return t.Conn.Read(b)
}

// Close ends the connection.
func (t *turned) Close() error {
	t.guest.leave()
	return t.Conn.Close()
}

// NetConn returns the connection of the system.
func (t *turned) NetConn() net.Conn { return t.Conn }
