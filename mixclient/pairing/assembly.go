package pairing

import "undertone/transport/wire"

// An assembly puts the fragments of one message together, in any order.
type assembly struct {
	data []byte
	have []bool
	left int
}

// add takes a fragment in; a repeated one changes nothing. It fails for one that
// does not fit those before, which no honest sender makes.
func (a *assembly) add(f wire.Fragment) bool {
	if a.have == nil {
		a.have = make([]bool, f.Count)
		a.data = make([]byte, int(f.Count)*wire.FragmentSize)
		a.left = int(f.Count)
	}
	if int(f.Count) != len(a.have) {
		return false
	}
	if !a.have[f.Index] {
		a.have[f.Index] = true
		a.left--
		copy(a.data[int(f.Index)*wire.FragmentSize:], f.Data[:])
	}
	return true
}

func (a *assembly) complete() bool { return a.have != nil && a.left == 0 }

// bytes returns the message if it has the length n, up to the zeros that fill
// the last fragment; nil if it has not.
func (a *assembly) bytes(n int) []byte {
	if (n+wire.FragmentSize-1)/wire.FragmentSize != len(a.have) {
		return nil
	}
	for _, b := range a.data[n:] {
		if b != 0 {
			return nil
		}
	}
	return a.data[:n:n]
}
