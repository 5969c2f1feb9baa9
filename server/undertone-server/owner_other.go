//go:build !unix

package main

import "io/fs"

// ownerOf knows of no owners here.
func ownerOf(fs.FileInfo) (uid, gid int, ok bool) { return 0, 0, false }

// actAsOwner has nothing to do where there is no root.
func actAsOwner(string) error { return nil }

// asOwner has nothing to do where there is no root.
func asOwner(_ string, f func() error) error { return f() }

// operates is never so where there is no package of the server.
func operates(string) bool { return false }
