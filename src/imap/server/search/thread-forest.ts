// Threads as a forest: which message is whose child, the children in the order in which they came, and the response that tells it.
//
// Nodes are numbers: messages from 0 on, then dummies, which stand for a parent that is not there and are found at the root only. Nothing
// here recurses: a thread may be as deep as the mailbox is long.

/** A forest under construction. Children are added in the order in which they are told. */
export class Forest {
  readonly #messages: number
  readonly #firstChild: Int32Array
  readonly #lastChild: Int32Array
  readonly #next: Int32Array
  #roots: number[] = []

  constructor(messages: number, nodes: number) {
    this.#messages = messages
    this.#firstChild = new Int32Array(nodes).fill(-1)
    this.#lastChild = new Int32Array(nodes).fill(-1)
    this.#next = new Int32Array(nodes).fill(-1)
  }

  get roots(): readonly number[] {
    return this.#roots
  }

  addRoot(node: number): void {
    this.#roots.push(node)
  }

  addChild(parent: number, child: number): void {
    const last = this.#lastChild[parent] ?? -1
    if (last === -1) this.#firstChild[parent] = child
    else this.#next[last] = child
    this.#lastChild[parent] = child
  }

  /** Orders the threads anew, by a number for each root; equal ones stay as they are. */
  sortRoots(valueOf: (root: number) => number): void {
    this.#roots = this.#roots.toSorted((a, b) => valueOf(a) - valueOf(b))
  }

  /**
   * RFC 5256 §5 `thread-list`: in pieces of text. `numberOf` gives the number that a message is told by.
   */
  *text(numberOf: (message: number) => number): Generator<string> {
    // Nodes whose list is to be opened, the next one last; -1 closes a list.
    for (const root of this.#roots) {
      const stack = [root]
      let text = ''
      for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
        text += node === -1 ? ')' : this.#open(node, stack, numberOf)
        if (text.length < 4_096) continue
        yield text
        text = ''
      }
      yield text
    }
  }

  /** `"(" nz-number *(SP nz-number) [SP`: down to where the thread splits or ends. */
  #open(node: number, stack: number[], numberOf: (message: number) => number): string {
    const members: number[] = []
    let at = node
    if (at >= this.#messages) {
      this.#pushChildren(at, stack)
      return '('
    }
    for (;;) {
      members.push(numberOf(at))
      const child = this.#firstChild[at] ?? -1
      if (child === -1) return `(${members.join(' ')})`
      if (this.#next[child] !== -1) break
      at = child
    }
    this.#pushChildren(at, stack)
    return `(${members.join(' ')} `
  }

  #pushChildren(parent: number, stack: number[]): void {
    const children: number[] = []
    for (let child = this.#firstChild[parent] ?? -1; child !== -1; child = this.#next[child] ?? -1)
      children.push(child)
    stack.push(-1, ...children.reverse())
  }

  /** For each message the root of its thread. */
  rootOfEach(): Int32Array {
    const rootOf = new Int32Array(this.#messages).fill(-1)
    for (const root of this.#roots) {
      const stack = [root]
      for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
        if (node < this.#messages) rootOf[node] = root
        for (let child = this.#firstChild[node] ?? -1; child !== -1; child = this.#next[child] ?? -1)
          stack.push(child)
      }
    }
    return rootOf
  }
}
