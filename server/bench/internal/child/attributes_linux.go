package child

import "syscall"

// attributes keeps a child from the terminal's Ctrl-C, which is for the parent, and
// from outliving the parent.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
