package demo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"undertone/transport/cell"
)

// A recording that cannot be written fails before the run, and one that a run
// has not got to leaves what was there before.
func TestReserve(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Mode: cell.TMIX, Interval: cell.Interval40, For: MinFor, Out: filepath.Join(dir, "no", "folder", "heard.wav")}
	if _, err := Run(t.Context(), cfg); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	cfg.Out = filepath.Join(dir, "new.wav")
	if _, err := Run(stopped, cfg); err == nil {
		t.Fatal("it ran though it was stopped")
	}
	if _, err := os.Stat(cfg.Out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty recording is left: %v", err)
	}
	cfg.Out = filepath.Join(dir, "old.wav")
	if err := os.WriteFile(cfg.Out, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(stopped, cfg); err == nil {
		t.Fatal("it ran though it was stopped")
	}
	if b, err := os.ReadFile(cfg.Out); err != nil || string(b) != "old" {
		t.Errorf("the recording from before is %q, %v", b, err)
	}
}
