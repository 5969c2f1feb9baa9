package remains

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// The registry, as SQLite keeps it.
const (
	registryFile = "registry.db"
	logFile      = registryFile + "-wal"
	// indexFile is where processes that have the registry open look up what is where in
	// the log. It is memory that they share, made anew from the log: nothing is in it
	// that is not in there, but for who reads at this moment.
	indexFile = registryFile + "-shm"
)

// A file is one of a folder.
type file struct {
	mode    fs.FileMode
	changed time.Time
	data    []byte
}

// A folder is all files below one, and itself.
type folder map[string]file

func readFolder(t *testing.T, dir string) folder {
	t.Helper()
	all := folder{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		f := file{mode: info.Mode(), changed: info.ModTime()}
		if f.mode.IsRegular() {
			if f.data, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		name, err := filepath.Rel(dir, path)
		all[name] = f
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// writeTo makes a folder of regular files anew elsewhere.
func (f folder) writeTo(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, x := range f {
		if !x.mode.IsRegular() {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), x.data, x.mode.Perm()); err != nil {
			t.Fatal(err)
		}
	}
}

// note adds all that is in a folder to a record: which files there are, what is in
// them byte by byte, and the registry once more by its rows.
func (f folder) note(t *testing.T, r *record, when string) {
	t.Helper()
	var list strings.Builder
	for name, x := range f {
		fmt.Fprintf(&list, "%s %s, %d bytes\n", name, x.mode, len(x.data))
		switch name {
		case indexFile:
		case logFile:
			r.add(when+": bytes of "+name, hex.Dump(withoutSalts(x.data)))
		default:
			r.add(when+": bytes of "+name, hex.Dump(x.data))
		}
	}
	r.add(when+": files", sorted(list.String()))
	r.add(when+": rows of "+registryFile, rows(t, f[registryFile].data, f[logFile].data))
}

// sorted sorts lines.
func sorted(text string) string {
	lines := strings.SplitAfter(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// changes lists the files that were written between two looks at a folder, whatever
// was written; not the index, since the system decides when it notes that shared memory
// has changed.
func changes(before, after folder) string {
	var list strings.Builder
	for name, b := range after {
		if a, there := before[name]; name != indexFile && (!there || !a.changed.Equal(b.changed) || !bytes.Equal(a.data, b.data)) {
			fmt.Fprintln(&list, name)
		}
	}
	for name := range before {
		if _, there := after[name]; !there {
			fmt.Fprintln(&list, name, "is gone")
		}
	}
	return sorted(list.String())
}

// The format of SQLite's log (sqlite.org/fileformat2.html): a header, and a header
// before each page.
const (
	logHeader  = 32
	pageSizeAt = 8
	pageHeader = 24
)

// withoutSalts returns a log without what SQLite draws anew for each: two salts in the
// header, which are in front of every page too, and the checksums that they go into.
func withoutSalts(log []byte) []byte {
	if len(log) < logHeader {
		return log
	}
	b := bytes.Clone(log)
	clear(b[16:logHeader])
	size := int(binary.BigEndian.Uint32(b[pageSizeAt:]))
	for at := logHeader; at+pageHeader <= len(b); at += pageHeader + size {
		clear(b[at+8 : at+pageHeader])
	}
	return b
}

// rows prints a database with its log: its tables, and each row of them.
func rows(t *testing.T, data, log []byte) string {
	t.Helper()
	dir := t.TempDir() // What is looked at is a copy: to open the file itself changes it.
	for name, b := range map[string][]byte{registryFile: data, logFile: log} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, registryFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	text := query(t, db, `SELECT * FROM sqlite_master ORDER BY name`) + query(t, db, `PRAGMA user_version`) + query(t, db, `PRAGMA application_id`)
	names, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = names.Close() }()
	var tables []string
	for names.Next() {
		var name string
		if err := names.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if err := names.Err(); err != nil || len(tables) < 3 {
		t.Fatalf("the registry has the tables %q: %v", tables, err)
	}
	for _, name := range tables {
		text += "TABLE " + name + "\n" + query(t, db, `SELECT * FROM "`+name+`"`)
	}
	return text
}

// query prints what a query returns, a row in each line, after the names of columns.
func query(t *testing.T, db *sql.DB, what string) string {
	t.Helper()
	found, err := db.Query(what)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	columns, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(columns, " | ") + "\n"
	values, to := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		to[i] = &values[i]
	}
	for found.Next() {
		if err := found.Scan(to...); err != nil {
			t.Fatal(err)
		}
		text += printed(values) + "\n"
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return text
}

// printed prints a row.
func printed(values []any) string {
	words := make([]string, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case []byte:
			words[i] = hex.EncodeToString(v)
		case string:
			words[i] = strconv.Quote(v)
		default:
			words[i] = fmt.Sprint(v)
		}
	}
	return strings.Join(words, " | ")
}
