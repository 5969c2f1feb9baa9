package drive

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"

	"undertone/app/internal/prove/record"
)

// The files of a run, in its folder.
const (
	LabelsFile    = "labels.json"
	ClientFile    = "client.pcap"
	PartnerFile   = "partner.pcap"
	BystanderFile = "bystander.pcap"
)

// collect ends everybody and reads what they recorded. Without the captures of the
// others, if they have broken off, there is less to look at.
func (r *run) collect() (*Result, error) {
	r.tell("reading what was recorded", 0)
	r.result.Lost = r.client.lost // Whoever takes leave loses the line as well.
	end, err := r.client.finish()
	if err != nil {
		return nil, err
	}
	captures := []string{filepath.Join(r.cfg.Folder, ClientFile)}
	r.labels.Client, r.labels.Server, r.labels.Voice = end.Sockets, end.Peers, end.Voice
	if r.attacker != nil { // Who records on the line sees him instead of the server.
		r.labels.Server = append(r.labels.Server, r.attacker.at)
	}
	for _, other := range []struct {
		*child
		file    string
		sockets *[]netip.AddrPort
	}{{r.partner, PartnerFile, &r.labels.Partner}, {r.bystander, BystanderFile, &r.labels.Bystander}} {
		if other.child == nil {
			continue
		}
		switch end, err := other.finish(); {
		case err == nil:
			*other.sockets = end.Sockets
			captures = append(captures, filepath.Join(r.cfg.Folder, other.file))
		case r.result.Why == nil && other.child == r.partner:
			return nil, err
		}
	}
	if r.attacker != nil {
		end, err := r.attacker.finish()
		if err != nil {
			return nil, err
		}
		r.result.Attacked = end.Attacked
	}
	if err := r.save(); err != nil {
		return nil, err
	}
	r.result.Recording, err = Load(filepath.Join(r.cfg.Folder, LabelsFile), captures...)
	return &r.result, err
}

func (r *run) save() error {
	f, err := os.OpenFile(filepath.Join(r.cfg.Folder, LabelsFile), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(r.labels.Write(f), f.Close())
}

// Load reads a labels file and captures.
func Load(labels string, captures ...string) (*record.Recording, error) {
	f, err := os.Open(labels)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l, err := record.ReadLabels(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", labels, err)
	}
	var files []io.Reader
	defer func() {
		for _, c := range files {
			c.(*os.File).Close() //nolint:forcetypeassert // they are put in below
		}
	}()
	for _, name := range captures {
		c, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		files = append(files, c)
	}
	return record.Read(l, files...)
}
