package sound

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const memorySize = int(unsafe.Sizeof(Memory{}))

// newMemory makes a memory and the file that a helper maps it from. The file
// cannot shrink, so that no helper can make the parent fault. It is never
// unmapped: a Card lives as long as its program, and a Read that is late must
// find it.
func newMemory() (*Memory, *os.File, error) {
	fd, err := unix.MemfdCreate("undertone-sound", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make shared memory for sound: %w", err)
	}
	file := os.NewFile(uintptr(fd), "undertone-sound") //nolint:gosec // a descriptor
	m, err := seal(file)
	if err != nil {
		file.Close()
		return nil, nil, fmt.Errorf("cannot make shared memory for sound: %w", err)
	}
	return m, file, nil
}

func seal(file *os.File) (*Memory, error) {
	if err := file.Truncate(int64(memorySize)); err != nil {
		return nil, err
	}
	const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(file.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		return nil, err
	}
	return mapMemory(file)
}

// mapMemory maps what newMemory made.
func mapMemory(file *os.File) (*Memory, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() != int64(memorySize) {
		return nil, fmt.Errorf("the shared memory has %d bytes, not %d", info.Size(), memorySize)
	}
	b, err := unix.Mmap(int(file.Fd()), 0, memorySize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED) //nolint:gosec // a descriptor
	if err != nil {
		return nil, err
	}
	return (*Memory)(unsafe.Pointer(unsafe.SliceData(b))), nil //nolint:gosec // of this size, and page-aligned
}

// monotonic is the time of a Line's When. It cannot fail.
func monotonic() uint64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return uint64(t.Nano()) //nolint:gosec // positive
}
