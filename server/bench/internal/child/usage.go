package child

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// A Usage is what a process has cost so far.
type Usage struct {
	// CPU is the time that it had a processor.
	CPU time.Duration
	// Resident is how much memory it has, in bytes.
	Resident int64
	// Threads is how many threads it has.
	Threads int
}

// tick is the unit of times in /proc: 100 in a second on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// Own returns what this process has cost.
func Own() (Usage, error) { return usageOf(os.Getpid()) }

func usageOf(pid int) (Usage, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Usage{}, fmt.Errorf("what a process costs can be read on Linux only, and while it runs: %w", err)
	}
	return parseStat(b, os.Getpagesize())
}

// Where the fields of /proc/PID/stat are, after the name of the program, which may
// have spaces in it.
const (
	userAt     = 11
	systemAt   = 12
	threadsAt  = 17
	residentAt = 21
)

// Stolen returns for how long the processors of this machine, taken together, had work
// and did not run, because the host of a virtual machine gave their time to others
// (proc_stat(5): "steal"). On a machine of one's own it stays zero.
func Stolen() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("what the host of this machine takes can be read on Linux only: %w", err)
	}
	return parseStolen(b)
}

// stolenAt is where the first line of /proc/stat, that of all processors, has what was
// stolen.
const stolenAt = 8

func parseStolen(b []byte) (time.Duration, error) {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) <= stolenAt || string(fields[0]) != "cpu" {
		return 0, fmt.Errorf("/proc/stat begins with %q, where no stolen time is", line)
	}
	ticks, err := strconv.ParseInt(string(fields[stolenAt]), 10, 64)
	return time.Duration(ticks) * tick, err
}

func parseStat(b []byte, page int) (u Usage, err error) {
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	number := func(i int) (n int64) {
		if i >= len(fields) {
			err = fmt.Errorf("/proc has %d fields and not %d", len(fields), i+1)
		} else if err == nil {
			n, err = strconv.ParseInt(string(fields[i]), 10, 64)
		}
		return n
	}
	u.CPU = time.Duration(number(userAt)+number(systemAt)) * tick
	u.Threads = int(number(threadsAt))
	u.Resident = number(residentAt) * int64(page)
	return u, err
}
