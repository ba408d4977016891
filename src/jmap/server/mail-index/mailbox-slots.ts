// The messages of one mailbox by UID: two columns in ascending order, looked up by halving.
export class MailboxSlots {
  #uids = new Uint32Array(16)
  #slots = new Int32Array(16)
  #length = 0

  /** Of the messages, in order of UID; a view that is good until the next change. */
  get slots(): Int32Array {
    return this.#slots.subarray(0, this.#length)
  }

  /** −1: it is not there. */
  find(uid: number): number {
    const at = this.#place(uid)
    return at < this.#length && this.#uids[at] === uid ? (this.#slots[at] ?? -1) : -1
  }

  /** UIDs ascend as messages come; one below the others is put in its place. */
  add(uid: number, slot: number): void {
    if (this.#length === this.#uids.length) this.#grow()
    const at = this.#place(uid)
    if (at < this.#length) {
      this.#uids.copyWithin(at + 1, at, this.#length)
      this.#slots.copyWithin(at + 1, at, this.#length)
    }
    this.#uids[at] = uid
    this.#slots[at] = slot
    this.#length++
  }

  /** Takes out those that are there, all with null; their slots. */
  take(gone: readonly number[] | null): number[] {
    if (gone === null) {
      const all = [...this.slots]
      this.#length = 0
      return all
    }
    const taken: number[] = []
    for (const uid of gone) {
      const at = this.#place(uid)
      if (at >= this.#length || this.#uids[at] !== uid) continue
      taken.push(this.#slots[at] ?? -1)
      // Marked now and moved together once.
      this.#slots[at] = -1
    }
    if (taken.length > 0) this.#close()
    return taken
  }

  #close(): void {
    let to = 0
    for (let at = 0; at < this.#length; at++) {
      const slot = this.#slots[at] ?? -1
      if (slot === -1) continue
      this.#uids[to] = this.#uids[at] ?? 0
      this.#slots[to++] = slot
    }
    this.#length = to
  }

  #place(uid: number): number {
    let low = 0
    let high = this.#length
    // Nearly always what is looked for comes after all others, or is there.
    if (high > 0 && (this.#uids[high - 1] ?? 0) < uid) return high
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#uids[middle] ?? 0) < uid) low = middle + 1
      else high = middle
    }
    return low
  }

  #grow(): void {
    const [uids, slots] = [new Uint32Array(this.#length * 2), new Int32Array(this.#length * 2)]
    uids.set(this.#uids)
    slots.set(this.#slots)
    this.#uids = uids
    this.#slots = slots
  }
}
