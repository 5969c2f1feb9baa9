// The protocol, as far as coming online and exchanging cells take it: bytes in, bytes
// out. Each part is written from the comment of the Go package that it names.

// ---- bytes

export const utf8 = (s) => new TextEncoder().encode(s);

export function join(...parts) {
	const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
	let at = 0;
	for (const p of parts) {
		all.set(p, at);
		at += p.length;
	}
	return all;
}

// fill returns what b begins with and zeros, size bytes in all.
export function fill(b, size) {
	return join(b, new Uint8Array(size - b.length));
}

export const equal = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

export function base64url(b) {
	return btoa(String.fromCharCode(...b)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

export function fromBase64url(s) {
	return Uint8Array.from(atob(s.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
}

async function sha256(...parts) {
	return new Uint8Array(await crypto.subtle.digest('SHA-256', join(...parts)));
}

// ---- transport/uri: the invite

export function parseInvite(link) {
	const found = /^undertone:\/\/([^/]+)\/\?([^#]+)#(.+)$/.exec(link);
	const q = new URLSearchParams(found?.[2]);
	if (q.get('v') !== '1' || q.get('mode') !== 'tmix') {
		throw new Error(`not an invite that this page can use: ${link}`);
	}
	return {
		host: found[1],
		pin: q.get('pin'),
		mode: q.get('mode'),
		interval: q.get('interval'),
		slot: parseInt(q.get('interval'), 10), // the length of a slot in ms
		token: fromBase64url(found[3]),
	};
}

// ---- transport/key: who the user is

const rawKey = async (k) => new Uint8Array(await crypto.subtle.exportKey('raw', k));

export async function newIdentity() {
	const signing = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
	const agreeing = await crypto.subtle.generateKey('X25519', true, ['deriveBits']);
	// WebCrypto has no ML-KEM-768, so these bytes stand where its key would. Such an
	// identity comes online like any other, and cannot pair.
	const noKEM = crypto.getRandomValues(new Uint8Array(1184));
	const inner = await sha256(utf8('undertone inner v1'), await rawKey(agreeing.publicKey), noKEM);
	const account = join(await rawKey(signing.publicKey), inner);
	const fingerprint = await sha256(utf8('undertone fingerprint v1'), account);
	return { signing, agreeing, account, handle: fingerprint.slice(0, 16) };
}

export async function sign(identity, message) {
	return new Uint8Array(await crypto.subtle.sign('Ed25519', identity.signing.privateKey, message));
}

// agree returns what two users' X25519 keys agree on.
export async function agree(identity, peer) {
	const bits = await crypto.subtle.deriveBits(
		{ name: 'X25519', public: peer.agreeing.publicKey }, identity.agreeing.privateKey, 256);
	return new Uint8Array(bits);
}

// ---- transport/signal: going online

export const offerSize = 8192;

// What asks the server for a way over TCP, as a line of the offer (package rtc).
export const askingForTCP = 'a=candidate:1 1 tcp 1518280447 0.0.0.0 9 typ host tcptype active\r\n';

// withoutUDP takes the candidates of UDP out of an answer.
export const withoutUDP = (sdp) => sdp.replace(/^a=candidate:\S+ 1 udp .*\r\n/gim, '');
export const answerSize = 4096;

export function pad(sdp, size) {
	const start = 'a=x-padding:', end = '\r\n';
	return sdp + start + '0'.repeat(size - sdp.length - start.length - end.length) + end;
}

// transcript is what the user signs.
export async function transcript(exporter, account, body, token) {
	return join(utf8('undertone online v1'), exporter, account,
		await sha256(body), await sha256(utf8('undertone token v1'), token));
}

// ---- transport/seal: keys, cells, streams and letters

export async function expand(secret, label) {
	const from = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
	const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: utf8(label) };
	return new Uint8Array(await crypto.subtle.deriveBits(how, from, 256));
}

export const linkKeyUp = (link) => expand(link, 'undertone v1 link up');
export const linkKeyDown = (link) => expand(link, 'undertone v1 link down');

// cipher returns AES-256-GCM with tags of 12 bytes.
export async function cipher(secret) {
	const key = await crypto.subtle.importKey('raw', secret, 'AES-GCM', false, ['encrypt', 'decrypt']);
	const how = (nonce, data) => ({ name: 'AES-GCM', iv: nonce, additionalData: data, tagLength: 96 });
	return {
		async seal(nonce, plain, data = new Uint8Array()) {
			return new Uint8Array(await crypto.subtle.encrypt(how(nonce, data), key, plain));
		},
		// open returns null for what was not sealed with the key.
		async open(nonce, sealed, data = new Uint8Array()) {
			try {
				return new Uint8Array(await crypto.subtle.decrypt(how(nonce, data), key, sealed));
			} catch {
				return null;
			}
		},
	};
}

function nonceOf(slot, variant = 0) {
	const b = new Uint8Array(12);
	new DataView(b.buffer).setBigUint64(0, BigInt(slot));
	b[8] = variant;
	return b;
}

const lowOf = (slot) => [slot % 65536 >> 8, slot % 256];

// slotOf returns the slot nearest to one that is known, by the low bits in b.
export function slotOf(b, known) {
	return known + ((((b[0] << 8 | b[1]) - known % 65536) << 16) >> 16);
}

// ---- transport/cell

export const cellSize = 128;
export const bodySize = 111;
export const voiceSize = 96;
export const kinds = { cover: 0, stream: 1, letter: 2, ring: 3, control: 4 };
export const noFeedback = -128;

export async function sealCell(up, slot, variant, { feedback = 0, kind, body }) {
	const sealed = await up.seal(nonceOf(slot, variant), join([feedback & 255, kind], body));
	return join(lowOf(slot), [variant], sealed);
}

// openCell returns null for what is no cell of the link.
export async function openCell(down, cell, known) {
	const slot = slotOf(cell, known);
	const plain = await down.open(nonceOf(slot, cell[2]), cell.slice(3));
	return plain && { slot, feedback: plain[0] << 24 >> 24, kind: plain[1], body: plain.slice(2) };
}

export async function sealStream(key, slot, head, voice) {
	return join(lowOf(slot), await key.seal(nonceOf(slot), join([head], voice)));
}

export async function openStream(key, body, known) {
	const slot = slotOf(body, known);
	const plain = await key.open(nonceOf(slot), body.slice(2));
	return plain && { slot, head: plain[0], voice: plain.slice(1) };
}

export const letterSize = 70;

export async function sealLetter(key, to, letterClass, nonce, letter) {
	return join(to, [letterClass], nonce, await key.seal(nonce, letter, new Uint8Array([letterClass])));
}

export async function openLetter(key, body) {
	const letter = await key.open(body.slice(17, 29), body.slice(29), body.slice(16, 17));
	return letter && { from: body.slice(0, 16), letter };
}
