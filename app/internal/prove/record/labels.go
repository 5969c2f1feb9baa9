package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"undertone/transport/cell"
)

// A Segment is a time in which a user did one thing.
type Segment struct {
	Label string
	// Call is set for everything but idle.
	Call bool
	// Control names what was done to the client on purpose, so that it shows.
	Control  string
	From, To time.Duration // since the session started
}

// Labels say what was recorded.
type Labels struct {
	Mode     cell.Mode
	Interval cell.Interval
	Started  time.Time
	// Client are the sockets of the user, Partner those of the other side of his
	// calls, and Server those of the server. An address of zeros stands for any, and
	// so does no Server at all.
	Client, Partner, Server []netip.AddrPort
	// Attack is what was done to the client's datagrams all the time, empty for nothing.
	Attack string
	// Bystander are the sockets of a member who is in no call while the user is.
	Bystander []netip.AddrPort
	Segments  []Segment
	// Voice is how loud the user spoke, from 0 to 255, in each VoiceStep since the
	// session started. It is for pictures.
	Voice []byte
}

// VoiceStep is for how long one value of the voice stands.
const VoiceStep = 100 * time.Millisecond

// Loudness returns how loud the voice was in a time, from 0 to 1.
func (l *Labels) Loudness(from, to time.Duration) []float64 {
	var all []float64
	for k := int(from / VoiceStep); k < int(to/VoiceStep) && k < len(l.Voice); k++ {
		all = append(all, float64(l.Voice[k])/255)
	}
	return all
}

const (
	labelsVersion = 2 // 1 has no bystander and no attack
	// maxLabels bounds a labels file: a long run has half a megabyte.
	maxLabels = 64 << 20
	// maxSession is longer than anybody records.
	maxSession = 30 * 24 * time.Hour
)

// labelsFile is Labels as JSON has them.
type labelsFile struct {
	Version   int              `json:"version"`
	Attack    string           `json:"attack,omitempty"`
	Mode      string           `json:"mode"`
	Interval  string           `json:"interval"`
	Started   time.Time        `json:"started"`
	Client    []netip.AddrPort `json:"client"`
	Partner   []netip.AddrPort `json:"partner"`
	Bystander []netip.AddrPort `json:"bystander,omitempty"`
	Server    []netip.AddrPort `json:"server"`
	Segments  []segmentFile    `json:"segments"`
	Voice     []byte           `json:"voice,omitempty"`
}

type segmentFile struct {
	Label   string  `json:"label"`
	Call    bool    `json:"call,omitempty"`
	Control string  `json:"control,omitempty"`
	From    float64 `json:"from_s"`
	To      float64 `json:"to_s"`
}

// Write writes a labels file.
func (l *Labels) Write(w io.Writer) error {
	f := labelsFile{
		Version: 1, Attack: l.Attack, Mode: l.Mode.String(), Interval: l.Interval.String(), Started: l.Started.Round(0),
		Client: l.Client, Partner: l.Partner, Bystander: l.Bystander, Server: l.Server, Segments: []segmentFile{}, Voice: l.Voice,
	}
	if l.Attack != "" || len(l.Bystander) > 0 {
		f.Version = labelsVersion
	}
	for _, s := range l.Segments {
		f.Segments = append(f.Segments, segmentFile{s.Label, s.Call, s.Control, s.From.Seconds(), s.To.Seconds()})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(f)
}

// ReadLabels reads a labels file.
func ReadLabels(r io.Reader) (*Labels, error) {
	var f labelsFile
	d := json.NewDecoder(io.LimitReader(r, maxLabels))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("this is no labels file of undertone prove: %w", err)
	}
	if f.Version < 1 || f.Version > labelsVersion {
		return nil, fmt.Errorf("the labels are of version %d, and this program reads versions 1 to %d", f.Version, labelsVersion)
	}
	l := &Labels{Started: f.Started, Attack: f.Attack, Client: f.Client, Partner: f.Partner, Bystander: f.Bystander, Server: f.Server, Voice: f.Voice}
	var err error
	if l.Mode, err = cell.ParseMode(f.Mode); err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	if l.Interval, err = cell.ParseInterval(f.Interval); err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	if len(f.Client) == 0 {
		return nil, errors.New("the labels name no socket of the client")
	}
	for i, s := range f.Segments {
		segment, err := s.segment()
		if err != nil {
			return nil, fmt.Errorf("segment %d of the labels: %w", i, err)
		}
		l.Segments = append(l.Segments, segment)
	}
	return l, nil
}

func (s *segmentFile) segment() (Segment, error) {
	switch {
	case s.Label == "":
		return Segment{}, errors.New("it has no label")
	case !(s.From >= 0 && s.From < s.To && s.To <= maxSession.Seconds()):
		return Segment{}, fmt.Errorf("it is from second %v to second %v", s.From, s.To)
	}
	return Segment{s.Label, s.Call, s.Control, seconds(s.From), seconds(s.To)}, nil
}

// seconds is exact to the nanosecond for times that seconds were written of.
func seconds(s float64) time.Duration { return time.Duration(s*float64(time.Second) + 0.5) }
