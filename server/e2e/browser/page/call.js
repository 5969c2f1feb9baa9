// Two users of one server, both in this page, come online, exchange cover, and then
// talk to each other. What they saw is for the test to judge.

import { Client } from './client.js';
import * as p from './protocol.js';

// How many slots each part takes, besides what was in the page for the first of them.
const listening = 20; // before anything is sent
const sending = 30; // cover, with each of the margins
const talking = 100;

// The margins, of which the first is in ms and the others are so many slots more: one that
// is hardly enough, one that can be told, and one beyond what can. A page's times are worse
// than those of Undertone's metronome; with the last it may stand still for a moment, and
// nothing is late.
const margin = 20;
const advances = [2, 6];

// ringEvery is how many slots lie between two rings, since any may be lost: so often a
// letter comes out at the other end. The first is in so many slots: more than the client
// asks ahead for what to say.
const ringEvery = 10;
const soon = 8;

const letterClass = 0; // of a letter between contacts, in an hour that ends in these bits
const headVoice = 0;

// mark has the test look at the server's counts.
async function mark(name) {
	const response = await fetch(`mark/${name}`, { method: 'POST' });
	if (!response.ok) throw new Error(await response.text());
}

// wordsOf is what a user says in a slot; no two are alike.
function wordsOf(handle, slot) {
	return p.fill(p.join(handle, p.utf8(` says this in slot ${slot}`)), p.voiceSize);
}

const ringing = (from, to) => p.fill(p.join(p.utf8('ring '), from.identity.handle, to.identity.handle), p.letterSize);

// A Talk is what a user says to another, and hears from him. A call's keys would come from
// a pairing and from letters (mixclient/pairing and call), which take ML-KEM; these come
// from the two users' X25519 keys, of which the server knows nothing either.
class Talk {
	constructor(self, peer) {
		this.self = self;
		this.peer = peer;
	}

	async prepare() {
		const agreed = await p.agree(this.self.identity, this.peer.identity);
		const key = async (label, from) => p.cipher(await p.expand(agreed, `${label} of ${p.base64url(from.identity.handle)}`));
		this.mouthKey = await key('voice', this.self);
		this.earKey = await key('voice', this.peer);
		this.letterKey = await key('letters', this.self);
		this.postKey = await key('letters', this.peer);
	}

	// begin talks, and rings from time to time.
	begin() {
		this.first = this.self.next + soon;
		this.self.mouth = (slot) => slot < this.first ? null : this.#words(slot - this.first, slot);
	}

	async #words(since, slot) {
		if (since % ringEvery === 0) {
			const nonce = crypto.getRandomValues(new Uint8Array(12));
			const body = await p.sealLetter(this.letterKey, this.peer.identity.handle, letterClass, nonce, ringing(this.self, this.peer));
			return { kind: p.kinds.ring, body };
		}
		return {
			kind: p.kinds.stream,
			body: await p.sealStream(this.mouthKey, slot, headVoice, wordsOf(this.self.identity.handle, slot)),
		};
	}

	// rung is the slot in which the other's first ring came: his route is there.
	rung() {
		return Math.min(...[...this.self.cells.values()].filter((c) => c.kind === p.kinds.letter).map((c) => c.slot));
	}

	// heard compares what came with what the other said, slot by slot.
	async heard(from, to) {
		const r = { expected: 0, heard: 0, letters: 0, wrong: [] };
		for (let slot = from; slot < to; slot++) {
			const cell = this.self.cells.get(slot);
			const said = this.peer.said.get(slot);
			if (cell?.kind === p.kinds.letter) {
				r.letters++;
				if (!await this.#isRing(cell.body)) r.wrong.push(`the letter of slot ${slot}`);
				continue;
			}
			if (said === p.kinds.stream) r.expected++;
			if (cell?.kind === p.kinds.stream) {
				r.heard++;
				if (said !== p.kinds.stream || !await this.#isVoice(cell.body, slot)) r.wrong.push(`the voice of slot ${slot}`);
			} else if (cell && (cell.kind !== p.kinds.cover || cell.body.some((x) => x !== 0))) {
				r.wrong.push(`a cell of kind ${cell.kind} in slot ${slot}`);
			}
		}
		return r;
	}

	async #isRing(body) {
		const l = await p.openLetter(this.postKey, body);
		return l !== null && p.equal(l.from, this.peer.identity.handle) && p.equal(l.letter, ringing(this.peer, this.self));
	}

	// isVoice: the server passes a body on in the cell for the slot that it was sent for.
	async #isVoice(body, slot) {
		const s = await p.openStream(this.earKey, body, slot);
		return s !== null && s.slot === slot && s.head === headVoice &&
			p.equal(s.voice, wordsOf(this.peer.identity.handle, slot));
	}
}

// down counts what came from the first cell to the last, and how far they were apart.
function down(client) {
	const slots = [...client.cells.keys()].sort((a, b) => a - b);
	const [first, last] = [slots.at(0), slots.at(-1)];
	return {
		slots: last - first + 1,
		interval: (client.cells.get(last).at - client.cells.get(first).at) / (last - first),
		cells: slots.length,
		odd: client.odd,
		unopened: client.unopened,
	};
}

export async function call(links) {
	// The second has no UDP.
	const users = await Promise.all(links.map(async (link, i) => new Client(link, await p.newIdentity(), { overTCP: i === 1 })));
	await mark('start');
	await Promise.all(users.map((u) => u.online()));
	await Promise.all(users.map((u) => u.more(listening)));
	const silent = users.map((u) => u.told);

	await Promise.all(users.map((u) => u.start(margin)));
	await Promise.all(users.map((u) => u.more(sending)));
	const report = () => users.map((u) => ({ margin: u.margin, told: u.told }));
	const reports = [report()];
	for (const slots of advances) {
		users.forEach((u) => u.advance(slots));
		await Promise.all(users.map((u) => u.more(sending)));
		reports.push(report());
	}
	const before = users.map((u) => ({ slot: u.next, skipped: u.skipped.length }));
	await mark('cover');

	const talks = [new Talk(users[0], users[1]), new Talk(users[1], users[0])];
	await Promise.all(talks.map((t) => t.prepare()));
	talks.forEach((t) => t.begin());
	await Promise.all(users.map((u) => u.more(talking)));
	await mark('call');

	const from = Math.max(...talks.map((t) => t.rung())) + 1;
	const to = Math.min(...users.map((u) => u.newest));
	await Promise.all(users.map((u) => u.close()));
	return Promise.all(users.map(async (u, i) => ({
		down: down(u),
		silent: silent[i],
		feedback: reports.map((r) => r[i]),
		up: { slots: u.next - before[i].slot, skipped: u.skipped.length - before[i].skipped },
		voice: await talks[i].heard(from, to),
	})));
}
