//go:build !linux

package alarm

import "time"

func sleepThread(d time.Duration) { time.Sleep(d) }

func holdThread(d time.Duration) { time.Sleep(d) }

type priority struct{}

func raise() priority { return priority{} }

func (priority) lower() {}
