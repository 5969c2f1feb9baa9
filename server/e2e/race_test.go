//go:build race

package e2e

// underRace reports whether the race detector is on. It makes what reads every byte
// of a set ten times as slow, and has nothing to see in it: make traces runs that.
const underRace = true
