// A value that must not be printed: a password, a key. Every way in which a program prints by accident gives
// `[secret]`; the value itself comes out only where someone writes `reveal()`, which can be searched for.

/** Holds a string that no log, JSON, template or inspection shows. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}
