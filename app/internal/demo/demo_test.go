package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"undertone/transport/cell"
)

// The demo on real sockets, as a person runs it.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	out := filepath.Join(t.TempDir(), "heard.wav")
	var log bytes.Buffer
	r, err := Run(ctx, Config{Mode: cell.TMIX, Interval: cell.Interval40, For: 8 * time.Second, Out: out, Log: &log})
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	r.Print(&text)
	t.Logf("%s\n%s\n%s", log.String(), text.String(), b)
}
