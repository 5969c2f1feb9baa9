// Package pulsetest gives tests a sound system of their own: a PulseAudio
// server with virtual microphones and speakers, which programs reach through
// PortAudio, ALSA and PulseAudio as they would reach real ones.
//
//	WAV ─ paplay ▶ null sink "mic"  ─ monitor ▶ program (PULSE_SOURCE)
//	program (PULSE_SINK) ▶ null sink "ear" ─ monitor ▶ parec ─ WAV
//
// Everything ends with the test: processes by their own ids, and all files are
// in the test's own folder. It works for root in a container. Imported by tests
// only.
package pulsetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startTime is how long a server may take to do something.
const startTime = 20 * time.Second

// A Server is a running PulseAudio.
type Server struct {
	dir    string
	socket string
	env    []string

	server *exec.Cmd
	ended  <-chan struct{}
}

// Start starts a server that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	// Not t.TempDir: the path of a socket has at most 107 bytes.
	dir, err := os.MkdirTemp("", "pulse")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) }) //nolint:errcheck // temporary
	s := &Server{dir: dir}
	s.socket = filepath.Join(dir, "native")
	s.env = []string{
		"HOME=" + dir,
		"XDG_RUNTIME_DIR=" + dir,
		"PULSE_RUNTIME_PATH=" + dir,
		"PULSE_STATE_PATH=" + dir,
		"PULSE_SERVER=unix:" + s.socket,
		"ALSA_CONFIG_PATH=" + filepath.Join(dir, "asound.conf"),
	}
	s.writeALSA(t, "")
	s.Restart(t)
	return s
}

// Restart starts the server again after Kill, without sinks.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.server, s.ended = s.run(t, "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
		"--high-priority=no", "--realtime=no", "--log-target=stderr", "--log-level=error",
		"--load=module-native-protocol-unix auth-anonymous=1 socket="+s.socket)
	s.await(t, "the server to answer", func() error {
		_, err := s.output("pactl", "info")
		return err
	})
}

// writeALSA makes PulseAudio the one device of ALSA.
func (s *Server) writeALSA(t testing.TB, which string) {
	t.Helper()
	config := "pcm.!default { type pulse" + which + " }\nctl.!default { type pulse" + which + " }\n"
	if err := os.WriteFile(filepath.Join(s.dir, "asound.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ServeALSAOnly lets ALSA find the server whatever PULSE_SERVER says.
func (s *Server) ServeALSAOnly(t testing.TB) {
	t.Helper()
	s.writeALSA(t, ` server "unix:`+s.socket+`"`)
}

// Env returns the environment, to be added to a program's own, with which it
// finds the server. It names no microphone or speaker: add Mic.Env, Speaker.Env.
func (s *Server) Env() []string { return s.env }

// A Sink is a null sink: what is played to it can be heard at its monitor.
type Sink struct {
	server *Server
	name   string
}

// Sink makes a null sink, with properties such as device.bus=bluetooth. A silent
// stream keeps it running, for the monitor of a sink to which nothing plays stands
// still.
func (s *Server) Sink(t testing.TB, name string, properties ...string) *Sink {
	t.Helper()
	if _, err := s.output("pactl", "load-module", "module-null-sink", "sink_name="+name,
		"sink_properties="+strings.Join(properties, " "),
		"rate=48000", "channels=1", "channel_map=mono", "format=float32le", "norewinds=1"); err != nil {
		t.Fatalf("cannot make a null sink: %v", err)
	}
	s.run(t, "pacat", "--playback", "--raw", "--device="+name, "--rate=48000", "--channels=1",
		"--latency-msec=20", "--client-name=silence-"+name, "/dev/zero")
	s.await(t, "the sink to run", func() error {
		list, err := s.output("pactl", "list", "short", "sinks")
		if err == nil && !strings.Contains(lineWith(list, name), "RUNNING") {
			err = fmt.Errorf("sinks: %s", list)
		}
		return err
	})
	return &Sink{server: s, name: name}
}

// Unplug takes the sink away, as if it were a headset.
func (k *Sink) Unplug(t testing.TB) {
	t.Helper()
	list, err := k.server.output("pactl", "list", "short", "modules")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(list) {
		if strings.Contains(line, "sink_name="+k.name+" ") {
			id, _, _ := strings.Cut(line, "\t")
			k.server.Pactl(t, "unload-module", id)
			return
		}
	}
	t.Fatalf("no sink %s in: %s", k.name, list)
}

// Microphone makes a source that hears what is played to the sink and is no
// monitor to the server, with properties.
func (k *Sink) Microphone(t testing.TB, name string, properties ...string) {
	t.Helper()
	k.server.Pactl(t, "load-module", "module-remap-source", "master="+k.name+".monitor", "source_name="+name,
		"source_properties="+strings.Join(properties, " "),
		"channels=1", "channel_map=mono", "remix=no")
}

// Uses returns the sinks, then the sources, that streams of a process use now.
func (s *Server) Uses(t testing.TB, pid int) (names []string) {
	t.Helper()
	for _, kind := range []struct{ streams, devices, at string }{
		{"sink-inputs", "sinks", "\tSink: "},
		{"source-outputs", "sources", "\tSource: "},
	} {
		all := s.Pactl(t, "list", "short", kind.devices)
		var device string
		for line := range strings.Lines(s.Pactl(t, "list", kind.streams)) {
			if id, found := strings.CutPrefix(line, kind.at); found {
				device = strings.TrimSpace(id)
			}
			if strings.TrimSpace(line) != fmt.Sprintf("application.process.id = %q", fmt.Sprint(pid)) {
				continue
			}
			for line := range strings.Lines(all) {
				if fields := strings.Split(line, "\t"); fields[0] == device {
					names = append(names, fields[1])
				}
			}
		}
	}
	return names
}

// Pactl runs pactl, and returns what it says.
func (s *Server) Pactl(t testing.TB, args ...string) string {
	t.Helper()
	out, err := s.output("pactl", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func lineWith(list, name string) string {
	for line := range strings.Lines(list) {
		if strings.Contains(line, "\t"+name+"\t") {
			return line
		}
	}
	return ""
}

// MicEnv makes the sink's monitor a program's microphone.
func (k *Sink) MicEnv() []string { return []string{"PULSE_SOURCE=" + k.name + ".monitor"} }

// SpeakerEnv makes the sink a program's speaker.
func (k *Sink) SpeakerEnv() []string { return []string{"PULSE_SINK=" + k.name} }

// Play plays the WAV file at path to the sink and returns when it is over.
func (k *Sink) Play(t testing.TB, path string) {
	t.Helper()
	if out, err := k.server.output("paplay", "--device="+k.name, path); err != nil {
		t.Fatalf("cannot play %s: %v: %s", path, err, out)
	}
}

// A Recording records a sink until Stop.
type Recording struct {
	cmd   *exec.Cmd
	ended <-chan struct{}
}

// Record starts to record what is played to the sink, to a 48 kHz mono WAV
// file at path. It returns when the recording runs.
func (k *Sink) Record(t testing.TB, path string) *Recording {
	t.Helper()
	cmd, ended := k.server.run(t, "parec", "--device="+k.name+".monitor", "--file-format=wav", "--rate=48000",
		"--channels=1", "--format=s16le", "--latency-msec=10", path)
	// More than a header: samples arrive.
	k.server.await(t, "the recording to run", func() error {
		info, err := os.Stat(path)
		if err == nil && info.Size() < 1000 {
			err = errors.New("no sound yet")
		}
		return err
	})
	return &Recording{cmd: cmd, ended: ended}
}

// Stop ends the recording; its file is complete then.
func (r *Recording) Stop(t testing.TB) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatalf("cannot stop the recording: %v", err)
	}
	<-r.ended
}

// Kill ends the server at once, as a crash would, and its sinks with it.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if err := s.server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.ended
	// A crash leaves the socket behind, for which the next one would wait.
	os.Remove(s.socket) //nolint:errcheck // it may be gone
}

// Freeze makes the server hang: it takes what it is sent and answers nothing.
func (s *Server) Freeze(t testing.TB) { s.signal(t, syscall.SIGSTOP) }

// Thaw ends that.
func (s *Server) Thaw(t testing.TB) { s.signal(t, syscall.SIGCONT) }

func (s *Server) signal(t testing.TB, which os.Signal) {
	t.Helper()
	if err := s.server.Process.Signal(which); err != nil {
		t.Fatal(err)
	}
}

// run starts a program that is ended with the test.
func (s *Server) run(t testing.TB, name string, args ...string) (*exec.Cmd, <-chan struct{}) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), s.env...)
	var chatter bytes.Buffer
	cmd.Stderr = &chatter
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("cannot start %s (make test installs it): %v", name, err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait() //nolint:errcheck // it is ended by a signal
		close(ended)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		<-ended
		if t.Failed() && chatter.Len() > 0 {
			t.Logf("%s said: %s", name, chatter.String())
		}
	})
	return cmd, ended
}

// output runs a program to its end.
func (s *Server) output(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), s.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return string(out), err
}

// await asks again and again until there is no error, at most for startTime.
func (s *Server) await(t testing.TB, what string, ask func() error) {
	t.Helper()
	deadline := time.After(startTime)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %v for %s: %v", startTime, what, err)
		}
	}
}
