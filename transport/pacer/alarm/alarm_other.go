//go:build !linux

package alarm

import "time"

func sleepThread(d time.Duration) { time.Sleep(d) }

func holdThread(d time.Duration) { time.Sleep(d) }

type kernelTimer struct{}

func newKernelTimer() *kernelTimer { return nil }

func (*kernelTimer) wait(time.Duration) {}

func (*kernelTimer) end() {}

func (*kernelTimer) close() {}

type priority struct{}

func raise() priority { return priority{} }

func (priority) lower() {}
