package portaudio

import (
	"errors"
	"os"
	"time"

	"github.com/gordonklaus/portaudio"

	"undertone/app/internal/audio/pulse"
	"undertone/app/internal/audio/sound"
)

// Tuning constants of asking the sound server. The helper does nothing else while it
// asks, so a server that hangs must not cost much of its time.
const (
	// answerTime is how long the server may take for all that is asked at once.
	answerTime = 900 * time.Millisecond
	// quietTime is for how long one that took longer is not asked again.
	quietTime = 2 * time.Second
)

// errHangs says that there is a sound server, and that it is of no use.
var errHangs = errors.New("the sound server (PulseAudio or PipeWire) does not answer; " +
	"if that stays so, start it again (systemctl --user restart pipewire-pulse, or: pulseaudio -k)")

// served lists the sound server's devices, or nothing when none answers, as one
// does that is silent, or nothing leads there.
func (b *Backend) served(infos []*portaudio.DeviceInfo) (all []sound.Device, silent bool) {
	by := carrier(infos)
	if by == nil && !b.hidden {
		return nil, false
	}
	list, err := b.ask()
	if err != nil {
		b.changes.in(againTime)
		return nil, !pulse.Absent(err)
	}
	if by == nil {
		return nil, false // It answers again, and PortAudio has not seen that yet.
	}
	all = []sound.Device{}
	for i := range list.Nodes {
		if n := &list.Nodes[i]; b.useful(list.Nodes, n) {
			all = append(all, b.device(list, n, by))
		}
	}
	return all, false
}

// ask asks the sound server once more when it has gone and is back.
func (b *Backend) ask() (list pulse.List, err error) {
	if time.Now().Before(b.quiet) {
		return list, pulse.ErrNone
	}
	deadline := time.Now().Add(answerTime)
	for range 2 {
		if b.server == nil || b.server.Gone() {
			if b.server, err = pulse.Connect(deadline, b.changes.now); err != nil {
				b.server = nil
				break
			}
		}
		if list, err = b.server.Nodes(deadline); err == nil {
			return list, nil
		}
		b.server.Close()
		b.server = nil
	}
	if !time.Now().Before(deadline) {
		b.quiet = time.Now().Add(quietTime)
	}
	return list, err
}

// hangs tells whether there is a sound server, but one that does not answer.
func (b *Backend) hangs() bool {
	_, err := b.ask()
	return err != nil && !pulse.Absent(err)
}

// unhide starts PortAudio again if the sound server was hidden from it: that may
// answer by now. No stream may be open.
func (b *Backend) unhide() error {
	if !b.hidden {
		return nil
	}
	return b.Refresh()
}

const serverVariable = "PULSE_SERVER"

// hide has libpulse find no sound server until show is called. It would wait half a
// minute for one that hangs, once for each way that leads there.
func hide() (show func()) {
	value, set := os.LookupEnv(serverVariable)
	os.Setenv(serverVariable, "unix:/dev/null/none") //nolint:errcheck // fails for names without meaning only
	return func() {
		if set {
			os.Setenv(serverVariable, value) //nolint:errcheck // the same
		} else {
			os.Unsetenv(serverVariable) //nolint:errcheck // the same
		}
	}
}
