package profile

import (
	"fmt"
	"path/filepath"
	"testing"

	"undertone/transport/key"
)

// BenchmarkPassphrase is what one guess of a passphrase costs, and opening.
func BenchmarkPassphrase(b *testing.B) {
	k := &fileKeys{cost: defaultCost}
	for b.Loop() {
		k.stretch([]byte("correct horse"))
	}
}

// BenchmarkSave is what happens each minute, with the disk, for thirty contacts.
func BenchmarkSave(b *testing.B) {
	c := sample(b)
	for i := len(c.Contacts); i < 30; i++ {
		c.Contacts = append(c.Contacts, Contact{
			Name: fmt.Sprint("contact ", i), Fingerprint: key.Fingerprint{9, byte(i)}, State: make([]byte, 400),
		})
	}
	p, err := Create(filepath.Join(b.TempDir(), "profile"), c, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	for b.Loop() {
		if err := p.Save(); err != nil {
			b.Fatal(err)
		}
	}
}
