// Package vectors compares what a package computes with test vectors in a file, by
// which another implementation can be checked too. It is for tests only.
//
// The file is testdata/vectors.json in the package's folder: an object from the name
// of each vector to its bytes in hexadecimal. To write it anew, after a change of the
// protocol, run go test with -args -update.
package vectors

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the test vectors anew")

// Vectors are bytes by their names.
type Vectors map[string]string

// Put adds one.
func (v Vectors) Put(name string, b []byte) { v[name] = hex.EncodeToString(b) }

// Check fails the test for every vector that is another one than in the file, and
// for each that only one of both has.
func (v Vectors) Check(t *testing.T) {
	t.Helper()
	path := filepath.Join("testdata", "vectors.json")
	if *update {
		b, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path) //nolint:gosec // in the folder of the test
	if err != nil {
		t.Fatal(err)
	}
	var want Vectors
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if len(v) != len(want) {
		t.Errorf("%d vectors, the file has %d", len(v), len(want))
	}
	for name, hex := range want {
		if v[name] != hex {
			t.Errorf("%s is %s, not %s", name, v[name], hex)
		}
	}
}
