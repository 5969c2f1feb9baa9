package demo

import "errors"

// HandOver saves and closes the profile of a user who has not been started, for
// another process that will be him, and returns its folder.
func (u *User) HandOver() (dir string, err error) {
	err = errors.Join(u.profile.Save(), u.sound.Close())
	u.profile.Close()
	return u.profile.Dir(), err
}
