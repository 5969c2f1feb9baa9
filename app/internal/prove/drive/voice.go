package drive

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/prove/record"
	"undertone/assets"
	"undertone/codec"
	"undertone/transport/cell"
)

// A voice is the sound of a client: recorded speech again and again, or a room in
// which nobody speaks. What it hears it drops.
type voice struct {
	started time.Time
	pcm     []float32
	at      int
	quiet   atomic.Bool // nobody speaks
	live    atomic.Bool // there is a call

	mu   sync.Mutex
	loud []byte // what was said, in steps of record.VoiceStep
}

// longest is for how long the loudness is kept.
const longest = 6 * time.Hour

var _ audio.Device = (*voice)(nil)

func newVoice(started time.Time) (*voice, error) {
	pcm, err := codec.Convert(assets.Speech().PCM(), assets.SampleRate, cell.SampleRate)
	if err != nil {
		return nil, err
	}
	v := &voice{started: started, pcm: pcm, loud: make([]byte, longest/record.VoiceStep)}
	v.quiet.Store(true)
	return v, nil
}

// Live opens the microphone, so to speak.
func (v *voice) Live(on bool) { v.live.Store(on) }

// Read gives the next of the speech, or silence.
func (v *voice) Read(pcm []float32) {
	quiet := v.quiet.Load() || !v.live.Load()
	for n := 0; n < len(pcm); {
		k := copy(pcm[n:], v.pcm[v.at:])
		n += k
		v.at = (v.at + k) % len(v.pcm)
	}
	if quiet {
		clear(pcm)
	}
	v.note(time.Since(v.started), pcm)
}

// note keeps how loud pcm is, as silence is kept.
func (v *voice) note(at time.Duration, pcm []float32) {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	const full = 0.3 // The root of the mean square of somebody who shouts.
	loud := byte(255 * min(1, math.Sqrt(sum/float64(len(pcm)))/full))
	v.mu.Lock()
	defer v.mu.Unlock()
	if k := int(at / record.VoiceStep); k >= 0 && k < len(v.loud) {
		v.loud[k] = max(v.loud[k], loud)
	}
}

// said returns how loud it was until now.
func (v *voice) said() []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.loud[:max(0, min(len(v.loud), int(time.Since(v.started)/record.VoiceStep)))])
}

// Write drops what is heard.
func (*voice) Write([]float32) {}

// Close does nothing.
func (*voice) Close() error { return nil }
