package main

import (
	"os"
	"strconv"
	"strings"
)

// socketRoom asks the kernel how many bytes a program may have it keep for a socket.
func socketRoom() (room int, ok bool) {
	text, err := os.ReadFile("/proc/sys/net/core/rmem_max")
	if err != nil {
		return 0, false // In a container's own network there is no such file.
	}
	room, err = strconv.Atoi(strings.TrimSpace(string(text)))
	return room, err == nil
}
