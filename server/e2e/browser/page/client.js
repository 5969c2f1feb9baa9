// A client of the tMIX: one link, from signalling on, with a cell down and a cell up in
// every slot. The steps are those of the comment of Go's package transport.

import * as p from './protocol.js';

// turn is how long before the message for a slot leaves the server its cut-off is, in
// ms (W + P of step 6).
const turn = 6;

// hold is for how many slots cover is sealed in advance, and ahead how many slots
// before its time it is asked what to say.
const hold = 25;
const ahead = 3;

// What the companion does, since a page cannot: TLS with the pinned server (step 1), and
// one request on that connection (step 2).
async function connect(invite) {
	const response = await fetch('companion/connect', {
		method: 'POST', body: JSON.stringify({ host: invite.host, pin: invite.pin }),
	});
	if (!response.ok) throw new Error(await response.text());
	const { connection, auth, link } = await response.json();
	return { connection, auth: p.fromBase64url(auth), link: p.fromBase64url(link) };
}

const until = (time) => new Promise((done) => setTimeout(done, Math.max(0, time - performance.now())));

export class Client {
	// What came: every cell that opened, by slot, and the messages that were none.
	cells = new Map(); // slot: {at, feedback, kind, body}
	odd = 0; // text, or of another length
	unopened = 0; // or opened before

	// What went up: what was said in each slot, and the slots that were missed because the
	// page stood still.
	said = new Map(); // slot: kind
	skipped = [];

	// How early messages are meant to be at the server, in ms, and the highest feedback since
	// that was decided. One message that was slow on its way lowers it for some seconds.
	margin = null;
	told = p.noFeedback;

	// mouth says what to send for a slot: {kind, body}, or nothing for cover.
	mouth = async () => null;

	#lost; // fails when the link has ended
	#opening = Promise.resolve();
	#preparing = Promise.resolve();
	#waiting = []; // {count, done}
	#base = Infinity; // the least of (when a cell came) - slot·interval
	#stock = new Map(); // slot: {kind, cell, variants}
	#stopped = false;

	// A client that is overTCP behaves as if there were no UDP.
	constructor(link, identity, { overTCP = false } = {}) {
		this.invite = p.parseInvite(link);
		this.identity = identity;
		this.overTCP = overTCP;
	}

	// online takes steps 1 to 4.
	async online() {
		this.pc = new RTCPeerConnection();
		const channel = this.pc.createDataChannel('undertone', { ordered: false, maxPacketLifeTime: 90 });
		channel.binaryType = 'arraybuffer';
		channel.onmessage = (m) => this.#receive(m.data, performance.now());
		const opened = new Promise((yes) => {
			channel.onopen = yes;
		});
		this.#lost = new Promise((_, no) => {
			channel.onclose = () => no(new Error('the server has closed the channel'));
			this.pc.onconnectionstatechange = () => {
				if (this.pc.connectionState === 'failed') no(new Error('there is no way to the server'));
			};
		});
		this.#lost.catch(() => {}); // Whoever waits for something hears of it.
		this.channel = channel;

		const offer = await this.pc.createOffer();
		await this.pc.setLocalDescription(offer);
		const asked = this.overTCP ? offer.sdp + p.askingForTCP : offer.sdp;
		const { sdp: answer, link } = await this.#signal(p.pad(asked, p.offerSize));
		const sdp = this.overTCP ? p.withoutUDP(answer) : answer;
		this.up = await p.cipher(await p.linkKeyUp(link));
		this.down = await p.cipher(await p.linkKeyDown(link));
		await this.pc.setRemoteDescription({ type: 'answer', sdp });
		await Promise.race([opened, this.#lost]);
	}

	async #signal(body) {
		const { invite, identity } = this;
		const { connection, auth, link } = await connect(invite);
		const said = await p.transcript(auth, identity.account, p.utf8(body), invite.token);
		const response = await fetch(`companion/online/${connection}`, {
			method: 'POST',
			headers: {
				'Content-Type': 'application/sdp',
				'Undertone-Version': '1',
				'Undertone-Mode': invite.mode,
				'Undertone-Interval': invite.interval,
				'Undertone-Account': p.base64url(identity.account),
				'Undertone-Invite': p.base64url(invite.token),
				'Undertone-Signature': p.base64url(await p.sign(identity, said)),
			},
			body,
		});
		// The answer keeps its padding: the browser, like all readers of SDP, ignores it.
		const sdp = await response.text();
		if (response.status !== 201 || sdp.length !== p.answerSize) {
			throw new Error(`the server answered ${response.status}, ${sdp.length} bytes: ${sdp.trim()}`);
		}
		this.newest = Math.floor(Date.parse(response.headers.get('Date')) / invite.slot);
		return { sdp, link };
	}

	// ---- down

	#receive(data, at) {
		if (!(data instanceof ArrayBuffer) || data.byteLength !== p.cellSize) {
			this.odd++;
			return;
		}
		this.#opening = this.#opening.then(() => this.#open(new Uint8Array(data), at));
	}

	async #open(message, at) {
		const c = await p.openCell(this.down, message, this.newest);
		if (!c || this.cells.has(c.slot) || c.slot <= this.newest - 64) {
			this.unopened++;
			return;
		}
		this.cells.set(c.slot, { at, ...c });
		if (this.cells.size === 1 || c.slot > this.newest) {
			this.newest = c.slot;
			this.told = Math.max(this.told, c.feedback);
		}
		this.#base = Math.min(this.#base, at - c.slot * this.invite.slot);
		this.#waiting = this.#waiting.filter(({ count, done }) => this.cells.size < count || done());
	}

	// more waits until so many more cells have come.
	more(count) {
		const come = new Promise((resolve) => {
			const done = () => resolve() ?? false; // filter drops it
			this.#waiting.push({ count: this.cells.size + count, done });
		});
		return Promise.race([come, this.#lost]);
	}

	// ---- up

	#due(slot) {
		return this.phase + slot * this.invite.slot;
	}

	// start begins to send, so that every message is at the server about so many ms before
	// its cut-off. The round trip counts as zero.
	async start(margin) {
		this.margin = margin;
		this.phase = this.#base - turn - margin;
		this.next = Math.ceil((performance.now() - this.phase) / this.invite.slot) + ahead;
		await this.#prepare();
		this.running = this.#run();
	}

	// advance sends for k slots later at each tick from now on: all messages are at the
	// server k slots earlier, and no tick moves.
	advance(k) {
		this.next += k;
		this.phase -= k * this.invite.slot;
		this.margin += k * this.invite.slot;
		this.told = p.noFeedback;
	}

	async #run() {
		while (!this.#stopped) {
			await until(this.#due(this.next));
			this.#tick(this.next);
			this.next++;
			this.#preparing = this.#preparing.then(() => this.#prepare());
		}
	}

	// tick sends what lies ready for a slot, unless it is too late for that.
	#tick(slot) {
		const late = performance.now() - this.#due(slot);
		const ready = this.#stock.get(slot);
		if (late > this.invite.slot / 2 || !ready) {
			this.skipped.push(slot);
			return;
		}
		this.channel.send(ready.cell);
		this.said.set(slot, ready.kind);
	}

	// prepare lays in cover, and puts what is to be said in its place some slots before its
	// time.
	async #prepare() {
		for (const slot of this.#stock.keys()) {
			if (slot < this.next) this.#stock.delete(slot);
		}
		for (let slot = this.next; slot < this.next + hold; slot++) {
			if (!this.#stock.has(slot)) await this.#put(slot, { kind: p.kinds.cover, body: new Uint8Array(p.bodySize) });
		}
		const slot = this.next + ahead;
		const words = await this.mouth(slot);
		if (words) await this.#put(slot, words);
	}

	// put seals a cell for a slot, with a variant that no other cell for that slot has.
	async #put(slot, { kind, body }) {
		const variants = this.#stock.get(slot)?.variants ?? new Set();
		let variant;
		do {
			[variant] = crypto.getRandomValues(new Uint8Array(1));
		} while (variants.has(variant));
		variants.add(variant);
		const cell = await p.sealCell(this.up, slot, variant, { kind, body });
		if (slot >= this.next) this.#stock.set(slot, { kind, cell, variants });
	}

	// close takes step 7.
	async close() {
		this.#stopped = true;
		await this.running;
		await this.#preparing;
		await this.#opening;
		this.channel.onclose = null;
		this.pc.close();
	}
}
