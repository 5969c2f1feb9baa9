package child

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
)

// A Question is what the parent asks: exactly one of its fields is set.
type Question struct {
	// Listen has a child of the comparisons open its port.
	Listen *Listen `json:"listen,omitempty"`
	// Offer asks for the answer to an SDP offer.
	Offer string `json:"offer,omitempty"`
	// Goroutines asks how many there are.
	Goroutines bool `json:"goroutines,omitempty"`
}

// A Listen says what a child of the comparisons is to send for each message that
// comes: so many messages of so many bytes.
type Listen struct {
	Messages int `json:"messages"`
	Size     int `json:"size"`
	// Seed is what the keys of all users are derived from, where there is no
	// handshake.
	Seed []byte `json:"seed,omitempty"`
}

// An Answer is what the child replies.
type Answer struct {
	Address    string `json:"address,omitempty"`
	SDP        string `json:"sdp,omitempty"`
	Goroutines int    `json:"goroutines,omitempty"`
	Error      string `json:"error,omitempty"`
}

// Err returns the error that the child told.
func (a *Answer) Err() error {
	if a.Error == "" {
		return nil
	}
	return fmt.Errorf("the measured process: %s", a.Error)
}

// Goroutines answers how many goroutines there are.
func Goroutines() Answer { return Answer{Goroutines: runtime.NumGoroutine()} }

// Reply answers questions until there are no more. It is the child's side of Ask.
func Reply(in io.Reader, out io.Writer, answer func(q Question) (Answer, error)) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	to := json.NewEncoder(out)
	for lines.Scan() {
		var q Question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return fmt.Errorf("a question that cannot be read: %w", err)
		}
		a, err := answer(q)
		if err != nil {
			a = Answer{Error: err.Error()}
		}
		if err := to.Encode(a); err != nil {
			return err
		}
	}
	return lines.Err()
}
