package sound

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const testSlot = 20 * time.Millisecond

// shortSilence is for tests in which a helper that goes needlessly does no harm.
const shortSilence = 500 * time.Millisecond

// slowSlot is far above what Read and Write take, and below what waiting for a
// helper would. The machine may stand still for as long once or twice; who waits
// for a helper is slow in every slot until it is replaced.
const (
	slowSlot  = 60 * time.Millisecond
	slowSlots = 3
)

// slots is a call's loop of slots: it reads and writes in real time, and notes
// the loudest sample heard and how often Read and Write took long.
type slots struct {
	mic     *Mic
	speaker *Speaker
	slow    int     // slots that took longer than slowSlot
	heard   float32 // in the last slot
	pcm     []float32
}

func newSlots(c *Card) *slots {
	s := &slots{mic: c.Mic(), speaker: c.Speaker(), pcm: make([]float32, testSlot.Milliseconds()*millisecond)}
	s.mic.Live(true)
	s.speaker.Live(true)
	return s
}

// until runs slots until ok, at most for 30 s.
func (s *slots) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(testSlot)
	defer tick.Stop()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		<-tick.C
		s.one()
	}
	if s.slow > slowSlots {
		t.Errorf("%d slots took more than %v until %s", s.slow, slowSlot, what)
	}
}

func (s *slots) one() {
	start := time.Now()
	s.mic.Read(s.pcm)
	s.speaker.Write(make([]float32, len(s.pcm)))
	if time.Since(start) > slowSlot {
		s.slow++
	}
	s.heard = 0
	for _, v := range s.pcm {
		s.heard = max(s.heard, v)
	}
}

func (s *slots) sound() bool   { return s.heard > 0.2 }
func (s *slots) silence() bool { return s.heard == 0 }

func TestHelperRunsInIdleAndSoundOnlyWhenLive(t *testing.T) {
	c := openFake(t, fakeGood)
	await(t, "the helper", func() bool { return c.Stats().Process != 0 })
	pid := c.Stats().Process
	s := newSlots(c)
	for range 3 {
		s.until(t, "sound", s.sound)
		s.mic.Live(false)
		s.one()
		if !s.silence() {
			t.Error("heard something after the call")
		}
		s.speaker.Live(false)
		await(t, "closed streams", func() bool { return !c.Playing() })
		s.mic.Live(true)
		s.speaker.Live(true)
	}
	if now := c.Stats(); now.Process != pid || now.Helpers != 1 {
		t.Errorf("%d helpers were started, want the first to stay", now.Helpers)
	}
	if err := c.Trouble(); err != nil {
		t.Errorf("trouble: %v", err)
	}
}

func TestOneDirectionAlone(t *testing.T) {
	config := fakeConfig(t, fakeGood)
	config.Speaker = false
	c, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := newSlots(c)
	s.until(t, "sound", s.sound)
	if queued := c.memory.Queued.Count.Load(); queued != 0 {
		t.Errorf("%d samples were queued for a closed speaker", queued)
	}
}

// TestSoundComesBack takes the helper away in a call, in every way there is.
func TestSoundComesBack(t *testing.T) {
	for name, sig := range map[string]syscall.Signal{
		"killed":  syscall.SIGKILL,
		"crashed": syscall.SIGSEGV,
		"stopped": syscall.SIGSTOP,
	} {
		t.Run(name, func(t *testing.T) {
			c := openFake(t, fakeGood)
			s := newSlots(c)
			s.until(t, "sound", s.sound)
			pid := c.Stats().Process
			if err := syscall.Kill(pid, sig); err != nil {
				t.Fatal(err)
			}
			s.until(t, "silence", s.silence)
			s.until(t, "the watchdog", func() bool { return c.Trouble() != nil })
			s.until(t, "sound again", func() bool { return s.sound() && c.Stats().Process != pid })
			if err := c.Trouble(); err != nil {
				t.Errorf("trouble after it ended: %v", err)
			}
			if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("the old helper is still there: %v", err)
			}
		})
	}
}

// TestWatchdogSeesAStuckStream: the helper is well, but its device stands still
// (until the file is gone).
func TestWatchdogSeesAStuckStream(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	config := fakeConfig(t, fakeOnce, broken)
	config.Silence = shortSilence
	c := openConfig(t, config)
	s := newSlots(c)
	s.until(t, "the watchdog", func() bool { return errors.Is(c.Trouble(), errStuck) })
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	s.until(t, "sound", s.sound)
}

// TestADetourIsLeft: another device stands in for the chosen one until that is
// back, in the same helper.
func TestADetourIsLeft(t *testing.T) {
	away := filepath.Join(t.TempDir(), "away")
	if err := os.WriteFile(away, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := openFake(t, fakeMoves, away)
	s := newSlots(c)
	s.until(t, "sound by a detour", func() bool {
		var d Detour
		return s.sound() && errors.As(c.Trouble(), &d) && hasHint(d, "is away")
	})
	if err := os.Remove(away); err != nil {
		t.Fatal(err)
	}
	s.until(t, "sound without it", func() bool { return s.sound() && c.Trouble() == nil })
	if n := c.Stats().Helpers; n != 1 {
		t.Errorf("it took %d helpers", n)
	}
}

// The sound server moves a call to a device on Bluetooth, and back: a person is
// told, and nothing is opened anew.
func TestCautionsFollowTheDevice(t *testing.T) {
	radio := filepath.Join(t.TempDir(), "radio")
	c := openFake(t, fakeWanders, radio)
	mic, speaker := c.Mic(), c.Speaker()
	if err := errors.Join(mic.Caution(), speaker.Caution()); err != nil {
		t.Errorf("before anything is known: %v", err)
	}
	s := newSlots(c)
	s.until(t, "sound", s.sound)
	session := c.session.Load()
	for range 2 {
		if err := os.WriteFile(radio, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		want := Caution("a [2Jradio")
		s.until(t, "a caution", func() bool { return errors.Is(mic.Caution(), want) && speaker.Caution() == nil })
		if err := os.Remove(radio); err != nil {
			t.Fatal(err)
		}
		s.until(t, "no caution", func() bool { return mic.Caution() == nil })
	}
	if err := c.Trouble(); err != nil || c.session.Load() != session {
		t.Errorf("trouble %v; opened anew: %t", err, c.session.Load() != session)
	}
}

func TestTroubleIsToldAndNeverBlocks(t *testing.T) {
	for kind, want := range map[string]string{
		fakeRefuse: "the fake device[2J does not want to",
		fakeHang:   "does not open or close",
		fakeFreeze: "stopped",
		fakeCrash:  "the sound helper ended",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			config := fakeConfig(t, kind)
			config.Silence = shortSilence
			c := openConfig(t, config)
			s := newSlots(c)
			s.until(t, "trouble", func() bool { return hasHint(c.Trouble(), want) })
			s.until(t, "another helper", func() bool { return c.Stats().Helpers > 1 })
			if !s.silence() {
				t.Error("heard something")
			}
		})
	}
}

func TestMissingHelperIsTrouble(t *testing.T) {
	c, err := Open(Config{Program: []string{"/nonexistent/undertone", Command}})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "trouble", func() bool { return hasHint(c.Trouble(), "cannot start the sound helper", "no such file") })
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestAMadHelperIsHarmless: whatever stands in the shared memory, the samples
// are sane and nothing is read or written outside.
func TestAMadHelperIsHarmless(t *testing.T) {
	c := openFake(t, fakeMad)
	s := newSlots(c)
	s.until(t, "open streams", c.Playing)
	for range 200 {
		s.one()
		for _, v := range s.pcm {
			if v != v || v < -1.1 || v > 1.1 {
				t.Fatalf("sample %v", v)
			}
		}
	}
}

func TestDevices(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	list, err := Devices(ctx, fakeConfig(t, fakeBabble))
	if err != nil || len(list) != 1 || list[0].Name != "fake" || !list[0].DefaultInput {
		t.Errorf("devices %+v, %v", list, err)
	}
	if _, err := Devices(ctx, fakeConfig(t, fakeNone)); !hasHint(err, "no sound device was found") {
		t.Errorf("error %v", err)
	}
	if list, err := Devices(ctx, fakeConfig(t, fakeTooMany)); err != nil || len(list) < 100 {
		t.Errorf("%d devices, %v; want as many as fit", len(list), err)
	}
}

// TestHelperDiesWithItsParent kills a process that has a helper with an open
// microphone.
func TestHelperDiesWithItsParent(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(exe, parentCommand)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var helper int
	if _, err := fmt.Fscan(out, &helper); err != nil {
		t.Fatal(err)
	}
	if !runs(helper) {
		t.Fatal("the helper does not run")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, "the helper's end", func() bool { return !runs(helper) })
	if err := parent.Wait(); err == nil {
		t.Error("the parent was not killed")
	}
}

// runs tells whether a process is there and no zombie.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}

func TestHelperEndsWithItsCard(t *testing.T) {
	c := openFake(t, fakeGood)
	s := newSlots(c)
	s.until(t, "sound", s.sound)
	pid := c.Stats().Process
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the helper is still there: %v", err)
	}
	s.one() // after Close, a late slot is harmless
	if _, err := c.Devices(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v, want ErrClosed", err)
	}
}

func TestNothingIsAllocatedInASlot(t *testing.T) {
	c := openFake(t, fakeGood)
	s := newSlots(c)
	s.until(t, "sound", s.sound)
	out := make([]float32, len(s.pcm))
	if n := testing.AllocsPerRun(200, func() { s.mic.Read(s.pcm); s.speaker.Write(out) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkIdleSlot must not differ much from BenchmarkSlot.
func BenchmarkIdleSlot(b *testing.B) {
	c := &Card{}
	mic, speaker := c.Mic(), c.Speaker()
	pcm := make([]float32, 1920)
	b.ReportAllocs()
	for b.Loop() {
		mic.Read(pcm)
		speaker.Write(pcm)
	}
}

func BenchmarkSlot(b *testing.B) {
	m, file, err := newMemory()
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	s := newSession(m, Choice{Mic: true, Speaker: true})
	pcm := make([]float32, 1920)
	b.ReportAllocs()
	for b.Loop() {
		m.Captured.Count.Add(1920)
		s.in.read(pcm, make([]float32, len(pcm)), monotonic())
		s.out.write(pcm, monotonic())
		m.Played.Count.Add(1920)
	}
}
