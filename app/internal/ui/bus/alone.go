package bus

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"

	"github.com/godbus/dbus/v5"
)

const (
	application = "org.undertone.Undertone"
	showPath    = dbus.ObjectPath("/org/undertone/Undertone")
	showMethod  = "Show"

	// doNotQueue and owns are from the specification of D-Bus: who cannot have a name
	// at once does not want it, and the answer that he has it.
	doNotQueue = uint32(4)
	owns       = uint32(1)
)

// shower is what others may call.
type shower struct{ show func() }

// Show brings the window up.
func (s shower) Show() *dbus.Error {
	s.show()
	return nil
}

// Alone makes this program the one that has the window of a profile, whose folder is
// named; show is called when somebody starts another, on any goroutine. If there is one
// already, that shows its window, and Alone returns false.
func (b *Bus) Alone(folder string, show func()) (bool, error) {
	if err := b.conn.Export(shower{show}, showPath, application); err != nil {
		return false, err
	}
	name := nameOf(folder)
	var reply uint32
	if err := b.Call(Daemon, "/org/freedesktop/DBus", Daemon+".RequestName", []any{name, doNotQueue}, &reply); err != nil {
		return false, err
	}
	if reply == owns {
		return true, nil
	}
	if err := b.Call(name, showPath, application+"."+showMethod, nil); err != nil {
		return false, errAlone
	}
	return false, nil
}

// nameOf returns the name on the bus of who has a profile's window. It does not tell
// the folder.
func nameOf(folder string) string {
	if whole, err := filepath.Abs(folder); err == nil {
		folder = whole
	}
	if real, err := filepath.EvalSymlinks(folder); err == nil {
		folder = real
	}
	sum := sha256.Sum256([]byte("undertone window v1" + folder))
	return application + ".p" + hex.EncodeToString(sum[:8])
}
