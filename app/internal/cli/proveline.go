package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"undertone/app/internal/profile"
	"undertone/app/internal/prove/drive"
	"undertone/app/internal/prove/relay"
	"undertone/transport/cell"
	"undertone/transport/key"
)

// line says what is to be measured, in cfg, and returns it in words.
func (a *app) line(ctx context.Context, f proveFlags, cfg *drive.Config) (words string, err error) {
	if f.loopback {
		if cfg.Mode, err = cell.ParseMode(f.mode); err != nil {
			return "", a.misused("--mode: %w", err)
		}
		if cfg.Interval, err = cell.ParseInterval(f.interval); err != nil {
			return "", a.misused("--interval: %w", err)
		}
		if cfg.Attack, err = relay.Parse(f.attack); err != nil {
			return "", a.misused("--attack: %w", err)
		}
		return "loopback", nil
	}
	dir, err := a.folder()
	if err != nil {
		return "", err
	}
	ours, passphrase, err := a.member(ctx, dir, nil)
	if err != nil {
		return "", err
	}
	defer ours.Wipe()
	theirs, other, err := a.member(ctx, f.partner, passphrase)
	if err != nil {
		return "", fmt.Errorf("--partner: %w", err)
	}
	defer theirs.Wipe()
	with, back, err := acquainted(ours, theirs)
	if err != nil {
		return "", err
	}
	server := ours.Account.Server
	cfg.Mode, cfg.Interval = server.Mode, server.Interval
	cfg.Client = &drive.User{Profile: dir, Passphrase: passphrase, With: with}
	cfg.Partner = &drive.User{Profile: f.partner, Passphrase: other, With: back}
	return fmt.Sprintf("%s at %s", ours.Name, server.Host), nil
}

// member reads a profile, with a passphrase that may be its own, and returns the one
// that is.
func (a *app) member(ctx context.Context, dir string, passphrase []byte) (c *profile.Content, found []byte, err error) {
	c, _, err = profile.Read(dir, profile.Options{Passphrase: passphrase})
	if err == nil {
		return c, passphrase, nil
	}
	if passphrase != nil && !errors.Is(err, profile.ErrPassphrase) && !errors.Is(err, profile.ErrPassphraseNeeded) {
		return nil, nil, err
	}
	of := *a
	of.dir = dir
	if passphrase != nil {
		of.passphraseFile = "" // It was of the other profile.
	}
	err = of.unlock(ctx, func(dir string, o profile.Options) (err error) {
		if c, _, err = profile.Read(dir, o); err == nil {
			found = slices.Clone(o.Passphrase)
		}
		return err
	})
	return c, found, err
}

// acquainted returns what two people call each other, if they are of one server and
// have exchanged their keys.
func acquainted(a, b *profile.Content) (one, other string, err error) {
	if a.Account.Server.Pin != b.Account.Server.Pin {
		return "", "", errors.New("the two profiles are of different servers")
	}
	if one, err = nameFor(a, b); err != nil {
		return "", "", err
	}
	other, err = nameFor(b, a)
	return one, other, err
}

// nameFor returns what a calls b.
func nameFor(a, b *profile.Content) (string, error) {
	id, err := key.IdentityFromSeed(&b.Seed)
	if err != nil {
		return "", err
	}
	self, err := key.IdentityFromSeed(&a.Seed)
	if err != nil {
		return "", err
	}
	handle := id.Account().Handle()
	switch k := slices.IndexFunc(a.Contacts, func(c profile.Contact) bool { return c.Handle() == handle }); {
	case self.Account().Handle() == handle:
		return "", errors.New("both are the same profile; the other side of the calls has to be another")
	case k < 0:
		return "", fmt.Errorf("%s is no contact of %s; add each to the other, and call once", b.Name, a.Name)
	case a.Contacts[k].Blocked:
		return "", fmt.Errorf("%s has blocked %s", a.Name, b.Name)
	case len(a.Contacts[k].State) == 0:
		return "", fmt.Errorf("%s and %s have not exchanged their keys yet; be online with both for a minute", a.Name, b.Name)
	default:
		return a.Contacts[k].Name, nil
	}
}
