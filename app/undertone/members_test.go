package main

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"undertone/app/internal/demo"
	"undertone/app/internal/profile"
	"undertone/assets"
	"undertone/codec/opus"
	"undertone/transport/cell"
)

// members is a world with so many users, of whom each knows the three next to him,
// and has exchanged keys with them.
func members(t *testing.T, m cell.Mode, i cell.Interval, n int) (w *world, names []string) {
	t.Helper()
	w = newWorld(t, m, i)
	for k := range n {
		names = append(names, fmt.Sprintf("user%d", k))
		w.join(names[k])
	}
	w.pair(names)
	return w, names
}

// pair has users exchange keys with those next to them. Nobody must be online.
func (w *world) pair(names []string) {
	w.t.Helper()
	var all []*profile.Profile
	for _, name := range names {
		p, err := profile.Open(filepath.Join(w.dir, name), profile.Options{})
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, p)
	}
	for k, a := range all {
		for _, b := range all[max(0, k-3):k] {
			if err := demo.Pair(a, b); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	for _, p := range all {
		if err := p.Save(); err != nil {
			w.t.Fatal(err)
		}
		p.Close()
	}
}

// Ten members of a set that the server cannot look into, each a process of its
// own, and two calls at once: both are heard whole, in both directions.
func TestTenMembersTwoCalls(t *testing.T) {
	packets := len(opus.FormatOf(cell.Interval100).Packets)
	for _, m := range []cell.Mode{cell.BMIX, cell.SMIX} {
		t.Run(m.String(), func(t *testing.T) { // One after the other: ten processes are enough.
			w, names := members(t, m, cell.Interval100, 10)
			speech, answer := w.wavFile("speech.wav", assets.Speech()), w.wavFile("answer.wav", assets.Answer())
			idle := make([]*process, len(names))
			for k, name := range names[2:] {
				in, out := "none", "none"
				if k < 2 {
					in, out = answer, name+".wav"
				}
				idle[k+2] = w.run(name, nil, "idle", "--answer", "auto", "--in", in, "--out", out)
			}
			for _, p := range idle[2:] {
				p.await("online")
			}
			var callers [2]*process
			for k := range callers {
				callers[k] = w.run(names[k], nil, "call", names[k+2], "--in", speech, "--out", names[k]+".wav")
			}
			for k, caller := range callers {
				here, code := caller.end()
				if code != 0 {
					t.Errorf("call %d ended with exit code %d: %s", k, code, caller.stderr.String())
				}
				callee := idle[k+2]
				if e := callee.await("ended"); e.Outcome != "peer_hung_up" || e.TalkedS < 8 {
					t.Errorf("call %d ended at the callee: %+v", k, e)
				}
				if err := callee.cmd.Process.Signal(syscall.SIGINT); err != nil {
					t.Fatal(err)
				}
				there, _ := callee.end()
				whole(t, names[k+2], pcm(t, assets.Speech()), load(t, filepath.Join(w.dir, names[k+2]+".wav")), there, here, packets, 0)
				whole(t, names[k], pcm(t, assets.Answer()), load(t, filepath.Join(w.dir, names[k]+".wav")), here, there, packets, 0)
			}
		})
	}
}
