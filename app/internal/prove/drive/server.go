package drive

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"undertone/app/internal/demo"
	"undertone/app/internal/profile"
	"undertone/transport/cell"
)

// The names of those who are recorded on loopback, in processes of their own.
const (
	clientName    = "client"
	partnerName   = "partner"
	bystanderName = "bystander"
	recorded      = 3
)

// others is how many further members a set has on loopback: two who call each other
// need not hide in a tMIX, but among others elsewhere.
func others(m cell.Mode) int {
	if m == cell.TMIX {
		return 0
	}
	return 2
}

// serve runs a server with as many idle members as it needs, until its input ends.
func serve(j job, lines *bufio.Scanner, events *writer) (err error) {
	ctx := context.Background()
	set, err := demo.NewSet(ctx, demo.SetConfig{Dir: j.Folder, Mode: j.Mode, Interval: j.Interval})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	names := []string{clientName, partnerName, bystanderName}
	for i := range others(j.Mode) {
		names = append(names, fmt.Sprintf("member%d", i))
	}
	var users []*demo.User
	for _, name := range names {
		u, err := set.Join(ctx, demo.UserConfig{Name: name, Answer: profile.AnswerNever})
		if err != nil {
			return err
		}
		for _, o := range users {
			if err := demo.Befriend(o, u); err != nil {
				return err
			}
		}
		users = append(users, u)
	}
	var ready event
	ready.Is, ready.At = isServing, set.CellsAddr()
	for _, u := range users[:recorded] {
		folder, err := u.HandOver()
		if err != nil {
			return err
		}
		ready.Clients = append(ready.Clients, folder)
	}
	for _, u := range users[recorded:] {
		if err := u.Start(ctx); err != nil {
			return err
		}
		go func() {
			for range u.Phone.Events() { //nolint:revive // until it is closed
			}
		}()
	}
	if err := events.write(ready); err != nil {
		return err
	}
	for lines.Scan() { //nolint:revive // a server has no orders
	}
	return closeAll(users[recorded:])
}

func closeAll(users []*demo.User) (err error) {
	for _, u := range users {
		err = errors.Join(err, u.Close())
	}
	return err
}
