// Questions to a process that answers one at a time: never more than one is on its way, and one that waits gives way
// to a newer one of its kind.

export class Questions {
  // idle() → the next question of little hurry, or null. A question: {ask() → promise of an answer, take(answer)}.
  constructor(idle) {
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
    this.busy = true;
    const answer = await question.ask();
    this.busy = false;
    if (round === this.round) question.take(answer);
    this.go();
  }
}
