//go:build !nogui

package main

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"undertone/app/internal/audio/pulsetest"
	"undertone/assets"
	"undertone/transport/cell"
)

// A folder into which TestTwoWindows puts pictures of what is to be seen, for README:
//
//	go test -run TwoWindows ./app/undertone -args -screenshots DIR
var screenshots = flag.String("screenshots", "", "write pictures of the windows into `DIR`")

// A desktop is a screen of its own, with a window of undertone that has the focus, and
// a person at the keyboard.
type desktop struct {
	w       *world
	name    string
	env     []string
	program *exec.Cmd
	ended   chan struct{}
	speaker *pulsetest.Sink
	mic     *pulsetest.Sink
}

// newDesktop starts a screen without a window manager, and a microphone and a
// loudspeaker.
func newDesktop(w *world, pulse *pulsetest.Server, name string) *desktop {
	w.t.Helper()
	d := &desktop{w: w, name: name, mic: pulse.Sink(w.t, name+"mic"), speaker: pulse.Sink(w.t, name+"speaker")}
	home := filepath.Join(w.dir, "home of "+name)
	for _, dir := range []string{"cache", "config", "run"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o700); err != nil {
			w.t.Fatal(err)
		}
	}
	d.env = append(pulse.Env(), "DISPLAY="+startX(w.t), "WAYLAND_DISPLAY=", "LIBGL_ALWAYS_SOFTWARE=1", "LANG=en_GB.UTF-8", "LANGUAGE=", "LC_ALL=",
		"HOME="+home, "XDG_CACHE_HOME="+home+"/cache", "XDG_CONFIG_HOME="+home+"/config", "XDG_RUNTIME_DIR="+home+"/run",
		"DBUS_SESSION_BUS_ADDRESS=unix:path="+home+"/none")
	d.env = append(append(d.env, d.mic.MicEnv()...), d.speaker.SpeakerEnv()...)
	return d
}

// startX starts an X server at a free display and returns its name.
func startX(t testing.TB) string {
	t.Helper()
	number, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	x := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "860x640x24", "-nolisten", "tcp", "-noreset")
	x.ExtraFiles = []*os.File{theirs}
	if err := x.Start(); err != nil {
		t.Fatalf("cannot start Xvfb (make test installs it): %v", err)
	}
	_ = theirs.Close()
	t.Cleanup(func() {
		_ = x.Process.Kill()
		_ = x.Wait()
		_ = number.Close()
	})
	var b [16]byte
	n, err := number.Read(b[:]) // It waits until the server is there, or has ended.
	if err != nil {
		t.Fatalf("Xvfb has ended: %v", err)
	}
	return ":" + strings.TrimSpace(string(b[:n]))
}

// open starts the program, and returns how long it took until there was a window.
func (d *desktop) open() time.Duration {
	d.w.t.Helper()
	begun := time.Now()
	d.start()
	window := strings.Fields(d.tool("xdotool", "search", "--sync", "--onlyvisible", "--name", "^Undertone$"))
	took := time.Since(begun)
	d.tool("xdotool", "windowfocus", "--sync", window[0])
	return took
}

// start starts the program.
func (d *desktop) start(args ...string) {
	d.w.t.Helper()
	d.program = d.w.command("undertone", append([]string{"--profile", d.name}, args...)...)
	d.program.Env = append(d.program.Env, d.env...)
	var said strings.Builder
	d.program.Stderr = &said
	if err := d.program.Start(); err != nil {
		d.w.t.Fatal(err)
	}
	d.ended = make(chan struct{})
	go func() {
		_ = d.program.Wait()
		close(d.ended)
	}()
	d.w.t.Cleanup(func() {
		_ = d.program.Process.Kill()
		<-d.ended
		if d.w.t.Failed() {
			d.w.t.Logf("%s's program said: %s", d.name, said.String())
		}
	})
}

// tool runs a program at this screen, and returns what it printed.
func (d *desktop) tool(name string, args ...string) string {
	d.w.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), d.env...)
	out, err := cmd.Output()
	if err != nil {
		d.w.t.Fatalf("%s %s: %v", name, strings.Join(args, " "), withStderr(err))
	}
	return string(out)
}

// press presses keys, one after the other.
func (d *desktop) press(keys ...string) {
	d.w.t.Helper()
	d.tool("xdotool", append([]string{"key", "--delay", "40"}, keys...)...)
}

// tabs goes on to what comes n-th from here.
func (d *desktop) tabs(n int) {
	d.w.t.Helper()
	d.press(strings.Fields(strings.Repeat("Tab ", n))...)
}

func (d *desktop) write(text string) {
	d.w.t.Helper()
	d.tool("xdotool", "type", "--delay", "4", text)
}

// settle is longer than it takes to draw what has happened.
const settle = 700 * time.Millisecond

// shot takes a picture of the window, if pictures are wanted.
func (d *desktop) shot(name string) {
	d.w.t.Helper()
	if *screenshots == "" {
		return
	}
	<-time.After(settle)
	d.tool("import", "-window", "root", filepath.Join(*screenshots, name+".png"))
}

// quit ends the program by the keyboard, and waits.
func (d *desktop) quit() {
	d.w.t.Helper()
	d.press("ctrl+q")
	d.shot(d.name + "-quits")
	d.w.until(d.name+"'s program has ended", func() bool {
		select {
		case <-d.ended:
			return true
		case <-time.After(settle):
			// Past what stays, to what quits. On a busy machine the question may come between
			// the two keys, so that they answer that it stays; then it is asked again.
			d.press("ctrl+q", "Tab", "space")
			return false
		}
	})
	if code := d.program.ProcessState.ExitCode(); code != 0 {
		d.w.t.Errorf("%s's program ended with %d", d.name, code)
	}
}

// silence is below what a person hears, and above what a codec makes of silence.
const silence = 0.003

// level is how loud the loudspeaker is, for half a second.
func (d *desktop) level() float64 {
	d.w.t.Helper()
	path := filepath.Join(d.w.dir, d.name+" hears.wav")
	_ = os.Remove(path)
	r := d.speaker.Record(d.w.t, path)
	<-time.After(settle)
	r.Stop(d.w.t)
	var sum float64
	heard := load(d.w.t, path)
	for _, v := range heard {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(max(1, len(heard))))
}

// hears waits until something is heard at the loudspeaker, or nothing.
func (d *desktop) hears(what string, something bool) {
	d.w.t.Helper()
	for late := time.Now().Add(awaitFor); (d.level() > silence) != something; {
		if time.Now().After(late) {
			d.w.t.Fatalf("%v, and not yet: %s", awaitFor, what)
		}
	}
}

// A call of the history, as undertone history --json has it.
type past struct{ With, Direction, Outcome string }

func (w *world) history(name string) (all []past) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(w.user(name, "history", "--json")), &all); err != nil {
		w.t.Fatal(err)
	}
	return all
}

// online is how many users the server has.
func (w *world) online() float64 {
	w.t.Helper()
	var s struct{ Online float64 }
	if err := json.Unmarshal([]byte(w.admin("status", "--json")), &s); err != nil {
		w.t.Fatal(err)
	}
	return s.Online
}

// firstRun is what a new user does who was given an invite.
func (d *desktop) firstRun() {
	d.w.t.Helper()
	d.write(field(d.w.t, d.w.admin("invite", "create", d.name, "--json"), "link"))
	d.tabs(3) // Past the two buttons that get the invite otherwise.
	d.write(d.name)
	d.shot(d.name + "-first-run")
	d.press("Return")
}

// meet adds a contact by its link.
func (d *desktop) meet(link string) {
	d.w.t.Helper()
	d.press("ctrl+n")
	<-time.After(settle)
	d.write(link)
	d.shot(d.name + "-adds")
	d.tabs(5)
	d.press("space")
}

// Two people who each see a window, and have a keyboard, a microphone and a
// loudspeaker: they join, meet, call, answer, mute, hang up, and one misses a call.
func TestTwoWindows(t *testing.T) {
	pulse := pulsetest.Start(t)
	w := newWorld(t, cell.TMIX, cell.Interval20)
	ann, bob := newDesktop(w, pulse, "Ann"), newDesktop(w, pulse, "Bob")
	for i, d := range []*desktop{ann, bob} {
		t.Logf("a window after %v", d.open().Round(time.Millisecond))
		d.firstRun()
		w.until(d.name+" is online", func() bool { return w.online() == float64(i+1) })
	}
	ann.meet(field(t, w.user("Bob", "id", "--json"), "link"))
	bob.meet(field(t, w.user("Ann", "id", "--json"), "link"))

	// The first call waits until keys are exchanged.
	ann.press("ctrl+f")
	ann.write("Bob")
	ann.press("Return")
	bob.hears("it rings at Bob's", true)
	bob.shot("rings")
	bob.press("ctrl+Return")
	bob.hears("it rings no more", false)
	speaks := make(chan struct{})
	go func() {
		defer close(speaks)
		ann.mic.Play(t, w.wavFile("speech.wav", assets.Speech()))
	}()
	bob.hears("Bob hears Ann", true)
	if *screenshots != "" { // Of a call in which she still speaks, seconds later.
		<-speaks
		speaks = make(chan struct{})
		go func() {
			defer close(speaks)
			ann.mic.Play(t, w.wavFile("more.wav", assets.Speech()))
		}()
		<-time.After(4 * settle)
	}
	ann.shot("call")
	ann.press("ctrl+4")
	ann.shot("what-they-see")
	ann.press("ctrl+1")
	<-speaks

	ann.press("ctrl+m")
	speaks = make(chan struct{})
	go func() {
		defer close(speaks)
		ann.mic.Play(t, w.wavFile("again.wav", assets.Speech()))
	}()
	for range 3 {
		if l := bob.level(); l > silence {
			t.Errorf("Ann is muted, and Bob hears her: %.4f", l)
		}
	}
	ann.shot("muted")
	<-speaks
	bob.press("ctrl+h")

	// Nobody answers.
	<-time.After(settle)
	ann.press("ctrl+f", "ctrl+a")
	ann.write("Bob")
	ann.press("Return")
	bob.hears("it rings at Bob's again", true)
	ann.press("ctrl+h")
	bob.hears("the ringing is over", false)
	bob.shot("missed")
	bob.press("ctrl+2")
	bob.shot("history")
	bob.press("ctrl+3")
	bob.shot("my-link")
	bob.press("ctrl+5")
	bob.shot("settings")
	ann.press("ctrl+1")
	ann.shot("contacts")
	ann.quit()
	bob.quit()

	all := w.history("Bob")
	t.Logf("Bob's history: %+v", all)
	if len(all) != 2 || all[0].Direction != "incoming" || all[0].Outcome != "answered" || all[1].Outcome != "no answer" {
		t.Errorf("Bob's history is %+v", all)
	}
	if all := w.history("Ann"); len(all) != 2 || all[1].Direction != "outgoing" || all[1].Outcome != "no answer" {
		t.Errorf("Ann's history is %+v", all)
	}
}

// Whatever language the system has, or none, a command says what it is asked for, and
// nothing of the window's.
func TestQuietWithoutLanguage(t *testing.T) {
	for _, env := range []string{"LANG=", "LANG=C", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "LANG=en_GB.UTF-8", "LC_MESSAGES=POSIX"} {
		cmd := exec.Command(filepath.Join(programs, "undertone"), "version")
		cmd.Env = []string{env}
		var said strings.Builder
		cmd.Stderr = &said
		if out, err := cmd.Output(); err != nil || said.Len() > 0 || !strings.HasPrefix(string(out), "undertone ") {
			t.Errorf("%s: %q, %v, and on the terminal %q", env, out, err, said.String())
		}
	}
}
