//go:build race

package demo

// underRace reports whether the race detector is on. It makes simulated sets ten
// times as slow, so there are fewer of them then; make traces runs all.
const underRace = true
