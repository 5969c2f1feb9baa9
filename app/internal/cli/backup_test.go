package cli

import (
	"os"
	"path/filepath"
	"testing"
)

func TestBackupAndRestore(t *testing.T) {
	dir := dirWithBert(t)
	folder := t.TempDir()
	pass, wrong := filepath.Join(folder, "pass"), filepath.Join(folder, "wrong")
	for path, text := range map[string]string{pass: "correct horse\n", wrong: "battery staple\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(folder, "backup")
	p := newConsole(t)
	p.run(exitFailed, "backup", file, "--profile", dir)
	says(t, p.err.String(), "--new-passphrase-file")
	p.run(exitDone, "backup", file, "--new-passphrase-file", pass, "--profile", dir)
	p.run(exitFailed, "backup", file, "--new-passphrase-file", pass, "--profile", dir)
	says(t, p.err.String(), "already")

	again := filepath.Join(folder, "again")
	p.run(exitFailed, "restore", file, "--passphrase-file", wrong, "--profile", again)
	says(t, p.err.String(), "not the profile's passphrase")
	p.run(exitFailed, "restore", pass, "--passphrase-file", pass, "--profile", again)
	says(t, p.err.String(), "damaged")
	p.run(exitFailed, "restore", file, "--passphrase-file", pass, "--profile", dir)
	says(t, p.err.String(), "already")
	p.run(exitDone, "restore", file, "--passphrase-file", pass, "--profile", again)
	says(t, p.out.String(), "Welcome back")
	p.run(exitDone, "contacts", "list", "--passphrase-file", pass, "--profile", again)
	says(t, p.out.String(), "Bert")
}
