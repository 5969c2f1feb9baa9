package core

import "undertone/mixclient/half"

// tellKeys tells the half whom we may hear and write to. It is done when that
// changes: with the hour, a contact, a pairing, a group, or a new link.
func (c *Core) tellKeys() {
	if c.half == nil {
		return
	}
	k := half.Keyring{Intro: &c.cfg.Intro, Groups: c.call.Keys()}
	for h, x := range c.contacts {
		p := half.Peer{Handle: h}
		if !x.Intro.IsZero() {
			p.Intro = &x.Intro
		}
		p.Pair, p.Last = x.PairwiseKeys()
		k.Peers = append(k.Peers, p)
	}
	c.half.Keys(&k)
}
