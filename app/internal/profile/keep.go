package profile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"time"
)

// Every is the time between two writes while online.
const Every = time.Minute

const (
	// maxMachine is the length of the longest machine name that is stored, in bytes.
	maxMachine = 64
	// machineSize is the length of what tells machines apart, in bytes.
	machineSize = 16
)

// mark says that a machine is online with the profile.
type mark struct {
	// Machine tells this machine from others: 32 hexadecimal digits.
	Machine string `json:"machine"`
	// Name is what a person calls it.
	Name string `json:"name"`
}

// Keep writes the profile at fixed times as long as the user is online: now,
// every minute from now, changed or not, and once more when ctx ends; then it
// returns. Nothing else writes meanwhile.
//
// The time of the first write comes from when the user went online, so none of
// them tells what happened since. problem is called when writing begins to
// fail, when it fails in another way, and with nil when it works again.
func (p *Profile) Keep(ctx context.Context, problem func(error)) {
	name, _ := os.Hostname()
	p.setKeeper(true, &mark{Machine: machineID(), Name: shorten(name)})
	last := ""
	write := func() {
		err := p.writeKept()
		if now := message(err); now != last {
			last = now
			problem(err)
		}
	}
	// A ticker keeps its phase, whatever a write takes.
	tick := time.NewTicker(Every)
	defer tick.Stop()
	for write(); ; write() {
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		p.setKeeper(true, nil)
		write()
		p.setKeeper(false, nil)
		return
	}
}

func (p *Profile) setKeeper(on bool, m *mark) {
	p.disk.Lock()
	defer p.disk.Unlock()
	p.keeper, p.mark = on, m
}

func (p *Profile) writeKept() error {
	p.disk.Lock()
	defer p.disk.Unlock()
	if p.next != nil {
		return p.rekey()
	}
	return p.replaceOrWrite()
}

func shorten(name string) string {
	name = strings.ToValidUTF8(name, "")
	return name[:min(len(name), maxMachine)]
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// machineID tells machines apart without saying which: the system's number is
// hashed, and stored encrypted only.
func machineID() string {
	b, err := os.ReadFile("/etc/machine-id")
	if err != nil || len(strings.TrimSpace(string(b))) == 0 {
		name, _ := os.Hostname() // Good enough: most networks have each name once.
		b = []byte(name)
	}
	sum := sha256.Sum256(append([]byte("undertone machine v1"), b...))
	return hex.EncodeToString(sum[:machineSize])
}
