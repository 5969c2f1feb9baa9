// Package locale keeps Fyne quiet about a system without a language.
//
// Fyne reads the locale of the environment as soon as the program starts, whatever
// command it runs, and complains on the terminal of C.UTF-8, which many servers and
// containers have. So before Fyne is initialised C.UTF-8 becomes C, of which it says
// nothing, and Restore puts back what was there.
//
// Go initialises packages that are ready in the order of their paths (Go 1.21). Fyne
// waits for package unicode, which comes after this one, as long as this one needs
// nothing but syscall. The program's test of its terminal sees if that changes.
package locale

import "syscall"

// found is what was changed, by the names of variables.
var found [2]string

func init() {
	for _, name := range [...]string{"LC_ALL", "LC_MESSAGES", "LANG"} { // By precedence.
		value, _ := syscall.Getenv(name)
		if len(value) > 2 && value[:2] == "C." {
			found = [2]string{name, value}
			_ = syscall.Setenv(name, "C")
		}
		if value != "" {
			return
		}
	}
}

// Restore puts the environment back. It is for the main function, before anything else.
func Restore() {
	if found[0] != "" {
		_ = syscall.Setenv(found[0], found[1])
	}
}
