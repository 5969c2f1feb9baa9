package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checkPermissions looks for what other users of the machine could read in the
// data folder, and for what the server itself could not.
func checkPermissions(dir string) finding {
	const what = "permissions"
	folder, err := os.Stat(dir)
	if err != nil {
		return finding{problem, what, err.Error()}
	}
	var foreign, closed, open []string
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil {
			info, err = os.Stat(path) // Not of a link, whose permissions mean nothing.
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // SQLite's side files come and go.
		case errors.Is(err, fs.ErrPermission):
			closed = append(closed, path)
		case err != nil:
			return err
		case !sameOwner(info, folder):
			foreign = append(foreign, path)
		case info.Mode().Perm()&ownersNeed(d) != ownersNeed(d):
			closed = append(closed, path)
		case info.Mode().Perm()&0o077 != 0:
			open = append(open, path)
		}
		return nil
	})
	if err != nil {
		return finding{problem, what, err.Error()}
	}
	sudo := ""
	if dir == installedData {
		sudo = "sudo " // The folder is another user's than the operator's.
	}
	var texts []string
	if len(foreign) > 0 {
		texts = append(texts, fmt.Sprintf("the folder belongs to %s, but %s to somebody else, so that the server may be unable to use it; run: sudo chown -R %s: %s",
			ownerName(folder), someOf(foreign), ownerName(folder), dir))
	}
	if closed = slices.Compact(closed); len(closed) > 0 { // A closed folder is met twice.
		texts = append(texts, fmt.Sprintf("the server may not read and write %s; run: %schmod -R u+rwX %s", someOf(closed), sudo, dir))
	}
	if len(open) > 0 {
		texts = append(texts, fmt.Sprintf("others can read %s; run: %schmod -R go= %s", someOf(open), sudo, dir))
	}
	if len(texts) > 0 {
		return finding{problem, what, strings.Join(texts, "; and ")}
	}
	return finding{fine, what, "only the owner can read the data folder"}
}

// ownersNeed is what the owner must be allowed.
func ownersNeed(d fs.DirEntry) fs.FileMode {
	if d.IsDir() {
		return 0o700
	}
	return 0o600
}

// someOf lists a few of the paths.
func someOf(paths []string) string {
	const most = 3
	if len(paths) <= most {
		return strings.Join(paths, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(paths[:most], ", "), len(paths)-most)
}

// sameOwner tells whether two files are of one user, where files have owners.
func sameOwner(a, b fs.FileInfo) bool {
	first, _, ok := ownerOf(a)
	second, _, _ := ownerOf(b)
	return !ok || first == second
}

// ownerName names the owner of a file, as chown takes it.
func ownerName(info fs.FileInfo) string {
	uid, _, ok := ownerOf(info)
	if !ok {
		return "somebody else"
	}
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

const (
	// leastDisk is with how many bytes left on the disk nothing can be promised: SQLite
	// needs 32 KiB to open the registry at all, and some more to change it.
	leastDisk = 1 << 20
	// fairDisk is how many a log or an update may take in a night.
	fairDisk = 64 << 20
)

// checkDisk says what it means that there is room for so many bytes in the data folder.
func checkDisk(dir string, room uint64) finding {
	const what = "disk"
	text := fmt.Sprintf("%s are free for %s", inUnits(room), dir)
	remedy := "; make room there, see: df -h " + dir
	switch {
	case room < leastDisk:
		return finding{problem, what, text + ", too little to be sure that the registry can be opened and that users can join" + remedy}
	case room < fairDisk:
		return finding{warning, what, text + ", and without any the server does not start" + remedy}
	}
	return finding{fine, what, text}
}

// inUnits writes a number of bytes for people.
func inUnits(bytes uint64) string {
	switch {
	case bytes < 1<<20:
		return fmt.Sprintf("%d KiB", bytes>>10)
	case bytes < 1<<30:
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d GiB", bytes>>30)
}

// A clockState is what the system knows of its clock.
type clockState struct {
	known  bool          // It says anything of it.
	kept   bool          // Something compares it with others.
	within time.Duration // how wrong it can be, if it is kept
}

// timeSlack is how much later than now a file may be: file systems round.
const timeSlack = time.Minute

// checkClock looks at the machine's clock: users refuse a server whose key seems
// to be of another time, and invites run out by it.
func checkClock(dir string, now time.Time, state clockState) finding {
	const what = "clock"
	text := "it says " + now.UTC().Format("2 January 2006 15:04:05 MST")
	newest, at := newestFile(dir)
	switch {
	case at.After(now.Add(timeSlack)):
		return finding{problem, what, fmt.Sprintf("%s, but %s was written on %s: it was wrong then, or is now; set it right, with: sudo timedatectl set-ntp true",
			text, newest, at.UTC().Format("2 January 2006 15:04:05 MST"))}
	case !state.known:
		return finding{fine, what, text + "; this system does not tell whether that is right"}
	case !state.kept:
		return finding{warning, what, text + ", and nothing on this machine keeps it right; compare it, and run: sudo apt install systemd-timesyncd, " +
			"or in a virtual machine see to the clock of its host"}
	}
	return finding{fine, what, fmt.Sprintf("%s, and is kept right to within %s", text, state.within)}
}

// newestFile returns the file of a folder that was written last, by its time.
func newestFile(dir string) (name string, at time.Time) {
	entries, _ := os.ReadDir(dir) // That it cannot be read is said elsewhere.
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.ModTime().After(at) {
			name, at = e.Name(), info.ModTime()
		}
	}
	return name, at
}
