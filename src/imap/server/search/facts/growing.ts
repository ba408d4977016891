// Numbers by message, in one typed array that grows: what a hundred thousand objects would need several times the memory for.

export type Numbers = Uint8Array | Int32Array | Uint32Array | Float64Array

/** A list of numbers of one kind. */
export class Growing<Kind extends Numbers> {
  readonly #make: (length: number) => Kind
  #array: Kind
  #length = 0

  constructor(make: (length: number) => Kind) {
    this.#make = make
    this.#array = make(0)
  }

  get length(): number {
    return this.#length
  }

  /** Octets held. */
  get weight(): number {
    return this.#array.byteLength
  }

  push(value: number): void {
    if (this.#length === this.#array.length) {
      const grown = this.#make(this.#length + (this.#length >> 2) + 64)
      grown.set(this.#array)
      this.#array = grown
    }
    this.#array[this.#length++] = value
  }

  /** Numbers from an index up to another, not copied: gone stale when more are pushed. */
  slice(from: number, to: number): Kind {
    // A typed array's subarray is of its own kind, which the union loses.
    return this.#array.subarray(from, to) as Kind
  }

  at(index: number): number {
    return this.#array[index] ?? 0
  }
}

export function growingBytes(): Growing<Uint8Array> {
  return new Growing((length) => new Uint8Array(length))
}

export function growingIntegers(): Growing<Int32Array> {
  return new Growing((length) => new Int32Array(length))
}

export function growingDoubles(): Growing<Float64Array> {
  return new Growing((length) => new Float64Array(length))
}
