package sound

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	protocolVersion = 1
	headSize        = 6
	maxPayload      = 1<<16 - 1
	generationSize  = 4
)

// A kind says what a message is.
type kind uint8

const (
	kindLive kind = 1
	kindList kind = 2

	kindBeat    kind = 17
	kindOpened  kind = 18
	kindClosed  kind = 19
	kindFailed  kind = 20
	kindDevices kind = 21
	kindNone    kind = 22
	// kindCautions follows an "opened" whose cautions are no longer right.
	kindCautions kind = 23
)

// A message is what crosses the pipes.
type message struct {
	kind kind
	body []byte
}

// A Choice says which directions a helper shall open, and on which devices. An
// empty name is the default device.
type Choice struct {
	Mic         bool   `json:"mic"`
	Speaker     bool   `json:"speaker"`
	MicName     string `json:"mic_name,omitempty"`
	SpeakerName string `json:"speaker_name,omitempty"`
	// Latency is asked of the devices, each way, and half of it is kept in the
	// rings, up to MaxLatency; 0 is the least that is safe on an idle machine.
	Latency time.Duration `json:"latency_ns,omitempty"`
}

// MaxLatency is the longest Choice.Latency, longer than any machine needs.
const MaxLatency = 300 * time.Millisecond

func (c Choice) none() bool { return !c.Mic && !c.Speaker }

// An Opened tells what the helper's streams say of themselves.
type Opened struct {
	InputLatency  time.Duration `json:"input_latency_ns"`
	OutputLatency time.Duration `json:"output_latency_ns"`
	// Detour says, for a person, that other devices were opened than chosen.
	Detour string `json:"detour,omitempty"`
	// Cautions are those of the devices that were opened.
	Cautions Cautions `json:"cautions"`
}

// Cautions say what a person should know of the devices that are used, or nothing.
type Cautions struct {
	Mic     Caution `json:"mic,omitempty"`
	Speaker Caution `json:"speaker,omitempty"`
}

// A Device is one that the helper could open.
type Device struct {
	Name          string        `json:"name"`
	Description   string        `json:"description,omitempty"` // for a person; may be empty
	System        string        `json:"system"`                // PulseAudio, ALSA, JACK, …
	Inputs        int           `json:"inputs"`                // channels
	Outputs       int           `json:"outputs"`
	Rate          int           `json:"rate"` // its own, in samples per second
	InputLatency  time.Duration `json:"input_latency_ns"`
	OutputLatency time.Duration `json:"output_latency_ns"`
	DefaultInput  bool          `json:"default_input"`
	DefaultOutput bool          `json:"default_output"`
	// Leaves says by what the voice leaves the machine on its way to the device:
	// LeavesByRadio, LeavesByNetwork, or not at all.
	Leaves string `json:"leaves,omitempty"`
}

// How a voice leaves the machine.
const (
	LeavesByRadio   = "bluetooth"
	LeavesByNetwork = "network"
)

var errProtocol = errors.New("the sound helper does not speak this program's language")

func writeMessage(w io.Writer, m message) error {
	if len(m.body) > maxPayload {
		return fmt.Errorf("%w: a message of %d bytes", errProtocol, len(m.body))
	}
	b := make([]byte, 0, headSize+len(m.body))
	b = append(b, 'U', 'S', protocolVersion, byte(m.kind))
	b = binary.BigEndian.AppendUint16(b, uint16(len(m.body))) //nolint:gosec // checked
	_, err := w.Write(append(b, m.body...))
	return err
}

// readMessage reads one message. It allocates no more than came, and 64 KB.
func readMessage(r io.Reader) (message, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return message{}, err
	}
	if head[0] != 'U' || head[1] != 'S' || head[2] != protocolVersion {
		return message{}, errProtocol
	}
	m := message{kind: kind(head[3])}
	if n := binary.BigEndian.Uint16(head[4:]); n > 0 {
		m.body = make([]byte, n)
	}
	_, err := io.ReadFull(r, m.body)
	return m, err
}

// numbered is the body of a message about one live order.
func numbered(generation uint32, rest []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, generation), rest...)
}

// parseNumbered takes such a body apart.
func parseNumbered(body []byte) (generation uint32, rest []byte, err error) {
	if len(body) < generationSize {
		return 0, nil, errProtocol
	}
	return binary.BigEndian.Uint32(body), body[generationSize:], nil
}

// encode is for our own types, which always have a JSON form.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func decode(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %w", errProtocol, err)
	}
	return nil
}
