// Columns of numbers that grow at their end: a few octets for each message where objects would take hundreds.

type Numbers = Float64Array | Int32Array | Uint32Array | Uint8Array

/** Numbers by position. `array` is longer than `length` and replaced when it grows: it must not be kept. */
export interface Column<A extends Numbers> {
  readonly array: A
  readonly length: number
  push(value: number): void
}

class Growing<A extends Numbers> implements Column<A> {
  array: A
  length = 0
  readonly #make: (length: number) => A

  constructor(make: (length: number) => A) {
    this.#make = make
    this.array = make(16)
  }

  push(value: number): void {
    if (this.length === this.array.length) {
      const larger = this.#make(this.length * 2)
      larger.set(this.array)
      this.array = larger
    }
    this.array[this.length++] = value
  }
}

export const doubles = (): Column<Float64Array> => new Growing((length) => new Float64Array(length))
export const integers = (): Column<Int32Array> => new Growing((length) => new Int32Array(length))
export const uids = (): Column<Uint32Array> => new Growing((length) => new Uint32Array(length))
export const octets = (): Column<Uint8Array> => new Growing((length) => new Uint8Array(length))
