package main

import (
	"strings"
	"testing"

	"undertone/server/internal/admin"
	"undertone/server/node"
	"undertone/transport/cell"
)

// The operator reads how many channels are shared where there are any.
func TestStatusNamesTheSet(t *testing.T) {
	for want, s := range map[string]admin.Status{
		"set          tmix, 40ms\n":              {Mode: "tmix", Interval: "40ms"},
		"set          smix, 20ms, 12 channels\n": {Mode: "smix", Interval: "20ms", Channels: 12},
	} {
		if got := statusText(s, 3); !strings.Contains(got, want) || !strings.Contains(got, "3 registered") {
			t.Errorf("not %q in\n%s", want, got)
		}
	}
}

// A machine that is too small for the set is warned of.
func TestCheckMachine(t *testing.T) {
	s := node.DefaultSettingsFor(cell.BMIX) // 100 users at 40 ms: 1,400 messages in a slot.
	for processors, want := range map[int]level{1: warning, 2: fine} {
		if f := checkMachine(s, processors); f.Level != want || !strings.Contains(f.Text, "take about 1.8 processors in mode bmix") {
			t.Errorf("with %d processors: %+v", processors, f)
		}
	}
}

// What the usual system keeps is enough for a family, and not for a newsroom.
func TestCheckRoom(t *testing.T) {
	s := node.DefaultSettings() // At 40 ms a user sends 25 messages in a second, and acknowledges every second one.
	for _, c := range []struct {
		users, room int
		level       level
		text        string
	}{
		{10, 212992, fine, "keeps what comes in 872ms when 10 users are online (max_users)"},
		{200, 212992, warning, "keeps what comes in 44ms when 200 users are online (max_users); what comes while"},
		{200, 8 << 20, fine, "in 1.721s"},
		{3200, 8 << 20, fine, "in 108ms"}, // More is not asked for.
		{3200, 64 << 20, fine, "in 108ms"},
	} {
		s.MaxUsers = c.users
		if f := checkRoom(s, c.room); f.Level != c.level || !strings.Contains(f.Text, c.text) {
			t.Errorf("%d users, %d bytes: %+v", c.users, c.room, f)
		}
	}
}

// What a user costs is said once where it is always the same, and else for a full
// set and for a small one.
func TestTrafficText(t *testing.T) {
	for m, lines := range map[cell.Mode]int{cell.TMIX: 1, cell.BMIX: 2, cell.SMIX: 1} {
		if all := newTraffic(node.DefaultSettingsFor(m)); len(all) != lines {
			t.Errorf("%v: %+v", m, all)
		}
	}
	s := node.DefaultSettingsFor(cell.BMIX)
	s.MaxUsers = few
	if all := newTraffic(s); len(all) != 1 || !strings.Contains(trafficText(s), "63 kbit/s up and 510 down") {
		t.Errorf("%+v\n%s", all, trafficText(s))
	}
}
