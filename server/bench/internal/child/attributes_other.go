//go:build !linux

package child

import "syscall"

// attributes are those of any process.
func attributes() *syscall.SysProcAttr { return nil }
