//go:build unix

package node

import (
	"io/fs"
	osuser "os/user"
	"strconv"
	"syscall"
)

// owner names the user to whom a file belongs.
func owner(info fs.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "somebody else"
	}
	id := strconv.FormatUint(uint64(stat.Uid), 10)
	if u, err := osuser.LookupId(id); err == nil {
		return "user " + id + " (" + u.Username + ")"
	}
	return "user " + id
}
