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
	LabelsFile  = "labels.json"
	ClientFile  = "client.pcap"
	PartnerFile = "partner.pcap"
)

// collect ends everybody and reads what they recorded.
func (r *run) collect() (*Result, error) {
	r.tell("reading what was recorded", 0)
	for _, of := range []struct {
		child   *child
		sockets *[]netip.AddrPort
	}{{r.client, &r.labels.Client}, {r.partner, &r.labels.Partner}} {
		end, err := of.child.finish()
		if err != nil {
			return nil, err
		}
		*of.sockets = end.Sockets
		if of.child == r.client {
			r.labels.Server, r.labels.Voice = end.Peers, end.Voice
		}
	}
	r.result.Lost = r.client.lost
	if err := r.save(); err != nil {
		return nil, err
	}
	var err error
	r.result.Recording, err = Load(filepath.Join(r.cfg.Folder, LabelsFile),
		filepath.Join(r.cfg.Folder, ClientFile), filepath.Join(r.cfg.Folder, PartnerFile))
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
