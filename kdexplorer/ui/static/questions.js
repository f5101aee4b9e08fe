// Questions to a process that answers one at a time: never more than one is on its way, one that waits gives way to a
// newer one of its kind, and where the process was busy with other people's, the same is asked again in a moment.

const AGAIN_AFTER = 1500; // ms
const AGAIN_MOST = 8; // times, then the answer is that it is busy

// The answer of ask(); an answer with `again` is no answer yet, as long as it is wanted().
export async function insistent(ask, wanted = () => true) {
  let answer = await ask();
  for (let times = 0; answer?.again && times < AGAIN_MOST; times += 1) {
    await new Promise(done => setTimeout(done, AGAIN_AFTER));
    if (!wanted()) break;
    answer = await ask();
  }
  return answer;
}

export class Questions {
  // idle() → the next question of little hurry, or null. A question: {ask() → promise of an answer, take(answer)}.
  constructor(idle = () => null) {
    Object.assign(this, { idle, waiting: new Map(), busy: false, round: 0 });
  }

  put(kind, question) {
    this.waiting.set(kind, question);
    this.go();
  }

  drop(kind) {
    this.waiting.delete(kind);
  }

  // What was asked before concerns nobody any more.
  forget() {
    this.round += 1;
    this.waiting.clear();
  }

  async go() {
    if (this.busy) return;
    const [kind] = this.waiting.keys();
    const question = kind === undefined ? this.idle() : this.waiting.get(kind);
    this.waiting.delete(kind);
    if (!question) return;
    const { round } = this;
    const newer = () => (kind === undefined ? this.waiting.size > 0 : this.waiting.has(kind));
    this.busy = true;
    const answer = await insistent(question.ask, () => round === this.round && !newer());
    this.busy = false;
    if (round === this.round && !(answer?.again && newer())) question.take(answer);
    this.go();
  }
}
