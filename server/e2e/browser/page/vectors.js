// The project's own test vectors (the folders testdata of transport/seal and
// transport/signal), held against what protocol.js makes.

import * as p from './protocol.js';

const fromHex = (s) => Uint8Array.from(s.match(/../g) ?? [], (x) => parseInt(x, 16));
const repeat = (byte, n) => new Uint8Array(n).fill(byte);

// vectors returns how many were compared, and the names of those that differ.
export async function vectors() {
	const seal = await (await fetch('vectors/seal.json')).json();
	const signal = await (await fetch('vectors/signal.json')).json();
	const differ = [];
	let compared = 0;
	const check = (name, ok) => {
		compared++;
		if (!ok) differ.push(name);
	};
	const same = (name, got) => check(name, p.equal(got, fromHex(seal[name])));

	const slot = 0x123456789;
	same('link key up', await p.linkKeyUp(repeat(1, 32)));
	same('link key down', await p.linkKeyDown(repeat(1, 32)));
	const up = await p.cipher(fromHex(seal['link key up']));
	same('cell, slot 0x123456789, variant 0x55, feedback -5, a letter', await p.sealCell(up, slot, 0x55,
		{ feedback: -5, kind: p.kinds.letter, body: p.fill(p.utf8('body'), p.bodySize) }));
	const stream = await p.cipher(fromHex(seal['call key to callee']));
	same('stream, slot 0x123456789', await p.sealStream(stream, slot, 'v'.charCodeAt(0),
		p.fill(p.utf8('oice'), p.voiceSize)));
	const letters = await p.cipher(fromHex(seal['letter key']));
	same('letter, hour 70, nonce of sevens', await p.sealLetter(letters, repeat(0xb, 16), 70 % 64, repeat(7, 12),
		p.fill(p.utf8('letter'), p.letterSize)));

	const opened = await p.openCell(up, fromHex(seal['cell, slot 0x123456789, variant 0x55, feedback -5, a letter']), slot + 30000);
	check('opening the cell', opened?.slot === slot && opened.feedback === -5 && opened.kind === p.kinds.letter);

	for (const [i, v] of signal.entries()) {
		const account = p.fromBase64url(v.account);
		const said = await p.transcript(fromHex(v.exporter), account, p.utf8(v.offer), p.fromBase64url(v.token));
		check(`transcript ${i}`, p.equal(said, fromHex(v.transcript)));
		const key = await crypto.subtle.importKey('raw', account.slice(0, 32), 'Ed25519', false, ['verify']);
		check(`signature ${i}`, await crypto.subtle.verify('Ed25519', key, p.fromBase64url(v.signature), said));
	}
	return { compared, differ };
}
