package seal

import (
	"crypto/hkdf"
	"crypto/sha256"

	"undertone/transport/key"
)

// Labels of the key schedule. Each is used for one purpose; the version in them
// is cell.Version.
const (
	labelLinkUp   = "undertone v1 link up"
	labelLinkDown = "undertone v1 link down"
	labelRatchet  = "undertone v1 ratchet"
	labelLetter   = "undertone v1 letter"
	labelIntro    = "undertone v1 introduction"
	labelCall     = "undertone v1 call"
	labelPair     = "undertone v1 pair"
	labelConfirm  = "undertone v1 confirm"
	labelMask     = "undertone v1 mask of a group"
	labelGroup    = "undertone v1 voice in a group"

	labelContactVeil = "undertone v1 veil of a contact"
	labelIntroVeil   = "undertone v1 veil of an introduction"
	labelGroupVeil   = "undertone v1 veil of a group"
)

// expand derives one secret from another for a purpose.
func expand(k *key.Secret, label string, context ...[]byte) key.Secret {
	info := []byte(label)
	for _, c := range context {
		info = append(info, c...)
	}
	b, err := hkdf.Key(sha256.New, k.Bytes(), nil, string(info), key.SecretSize)
	if err != nil {
		panic(err) // Only a length beyond 255 hashes fails.
	}
	s, err := key.NewSecret(b)
	if err != nil {
		panic(err) // b has SecretSize bytes.
	}
	clear(b)
	return s
}

// LinkKeys derives the keys of both directions of a link from the secret that
// signalling agreed on (protocol 1, step 1: «the user sets an encrypted link
// with the tMIX»).
func LinkKeys(link *key.Secret) (up, down key.Secret) {
	return expand(link, labelLinkUp), expand(link, labelLinkDown)
}

// Ratchet derives the pairwise key of the next hour. The last one cannot be
// computed from it.
func Ratchet(pair *key.Secret) key.Secret { return expand(pair, labelRatchet) }

// LetterKey derives the key of the letters of one hour from one user to
// another.
func LetterKey(pair *key.Secret, from, to key.Handle) key.Secret {
	return expand(pair, labelLetter, from[:], to[:])
}

// IntroKey derives the key of the letters of pairing in one direction from the
// introduction secret of whoever was asked.
func IntroKey(intro *key.Secret, from, to key.Handle) key.Secret {
	return expand(intro, labelIntro, from[:], to[:])
}

// CallKeys derives the keys of a call, one for each direction and one for what
// its caller lets the callee into, from the pairwise key of the hour in which it
// was rung, the agreement of both fresh X25519 keys, and all that names the call.
// With the fresh keys gone it cannot be computed again, whatever else is kept.
func CallKeys(pair *key.Secret, agreed []byte, call [8]byte, caller, callee key.Handle, callerKey, calleeKey []byte) (toCallee, toCaller, welcome key.Secret) {
	mixed, err := hkdf.Extract(sha256.New, agreed, pair.Bytes())
	if err != nil {
		panic(err) // Extract does not fail with SHA-256.
	}
	k, err := key.NewSecret(mixed)
	if err != nil {
		panic(err) // A hash has SecretSize bytes.
	}
	clear(mixed)
	defer k.Wipe()
	context := [][]byte{call[:], caller[:], callee[:], callerKey, calleeKey}
	toCallee = expand(&k, labelCall+" to callee", context...)
	toCaller = expand(&k, labelCall+" to caller", context...)
	welcome = expand(&k, labelCall+" welcome", context...)
	return toCallee, toCaller, welcome
}

// Mask hides the secret of a generation of a group from all but the two ends of
// the call that the key welcome is of, or shows it again. A mask serves one
// generation of one call, and so one secret. It does not authenticate: the letter
// around it does.
func Mask(welcome, secret *key.Secret, generation uint16, place int) key.Secret {
	mask := expand(welcome, labelMask, []byte{byte(generation >> 8), byte(generation), byte(place)}) //nolint:gosec // below 8
	for i, b := range secret.Bytes() {
		mask.Bytes()[i] ^= b
	}
	return mask
}

// GroupKey derives the key of the voice of the member at the given place of a
// group.
func GroupKey(group *key.Secret, place int) key.Secret {
	return expand(group, labelGroup, []byte{byte(place)}) //nolint:gosec // below 8
}

// PairKey derives the pairwise key and the key that confirms it from everything
// that two identities agreed on when they paired, and the hash of what they
// said.
func PairKey(transcript [sha256.Size]byte, agreed ...[]byte) (pair, confirm key.Secret) {
	var all []byte
	for _, a := range agreed {
		all = append(all, a...)
	}
	mixed, err := hkdf.Extract(sha256.New, all, transcript[:])
	if err != nil {
		panic(err) // Extract does not fail with SHA-256.
	}
	clear(all)
	k, err := key.NewSecret(mixed)
	if err != nil {
		panic(err) // A hash has SecretSize bytes.
	}
	clear(mixed)
	defer k.Wipe()
	return expand(&k, labelPair), expand(&k, labelConfirm)
}
