// The threading algorithms (RFC 5256 §3 ORDEREDSUBJECT and REFERENCES, draft-ietf-morg-inthread REFS) over columns of numbers.
//
// - Every set of siblings is in order of sent date, and the whole is built in that order, so that nothing is sorted but once.
// - A chain of ancestors is followed for a bounded number of steps to see whether a link would close a loop; beyond it the link is not
//   made. Honest threads are never that deep.
import { Forest } from './thread-forest.ts'
import type { Pace } from '../pace.ts'

/** What is known of the messages to thread, by position: in order of the mailbox. */
export interface Threaded {
  readonly length: number
  /** Positions in order of sent date (RFC 5256 §2.2). */
  readonly byDate: Uint32Array
  /** Number of the base subject; 0 is the empty one. */
  readonly subjects: Int32Array
  /** 1 for a reply or forward. */
  readonly replies: Uint8Array
  /** Number of the Message-ID, below `idCount`; -1 is none. */
  readonly ids: Int32Array
  readonly idCount: number
  /** Numbers of the ids that messages refer to, message after message, and where those of each begin. */
  readonly references: Int32Array
  readonly referencesFrom: Int32Array
}

/** Ancestors that are looked at for a loop. */
const deepest = 10_000

/** "poor man's threading": messages of one base subject, all children of the first. */
export async function orderedSubject(of: Threaded, pace: Pace): Promise<Forest> {
  const forest = new Forest(of.length, of.length)
  const firsts = new Map<number, number>()
  for (const position of of.byDate) {
    const subject = of.subjects[position] ?? 0
    const first = firsts.get(subject)
    if (first === undefined) {
      firsts.set(subject, position)
      forest.addRoot(position)
    } else forest.addChild(first, position)
    const others = pace.spend(20)
    if (others !== undefined) await others
  }
  return forest
}

/** Steps 1 to 6. */
export async function references(of: Threaded, pace: Pace): Promise<Forest> {
  const threads = await prune(await link(of, pace), pace)
  await mergeSubjects(threads, of, pace)
  return build(threads, of, pace)
}

/** As REFERENCES without its step 5, the subjects; threads are in order of their newest arrival. */
export async function refs(
  of: Threaded,
  options: { arrival: (position: number) => number; pace: Pace },
): Promise<Forest> {
  const { pace } = options
  const forest = await build(await prune(await link(of, pace), pace), of, pace)
  const newest = new Map<number, number>()
  for (const [position, root] of forest.rootOfEach().entries()) {
    const others = pace.spend(50)
    if (others !== undefined) await others
    newest.set(root, Math.max(newest.get(root) ?? -Infinity, options.arrival(position)))
  }
  forest.sortRoots((root) => newest.get(root) ?? 0)
  return forest
}

/** Nodes from `messages` on are dummies. */
interface Links {
  readonly messages: number
  /** -1 is none. */
  readonly parents: Int32Array
}

/** Step 1: parents by the references. */
async function link(of: Threaded, pace: Pace): Promise<Links> {
  const nodeOf = new Int32Array(of.idCount).fill(-1)
  // "only use that Message ID in the first (lowest sequence number) message"
  for (let position = 0; position < of.length; position++) {
    const id = of.ids[position] ?? -1
    if (id >= 0 && nodeOf[id] === -1) nodeOf[id] = position
  }
  const nodes = new Nodes(of.length + of.idCount)
  let dummies = 0
  for (let position = 0; position < of.length; position++) {
    let parent = -1
    const end = of.referencesFrom[position + 1] ?? 0
    for (let at = of.referencesFrom[position] ?? 0; at < end; at++) {
      const id = of.references[at] ?? 0
      // "If no message can be found with a given Message ID, create a dummy message with this ID."
      if (nodeOf[id] === -1) nodeOf[id] = of.length + dummies++
      const node = nodeOf[id] ?? 0
      // (A) "If a message already has a parent, don't change the existing link."
      if (parent !== -1 && nodes.parents[node] === -1) nodes.link(parent, node)
      parent = node
    }
    // (B) "break the current parent/child link before creating the new correct one"
    nodes.unlink(position)
    if (parent !== -1) nodes.link(parent, position)
    const others = pace.spend(50 + nodes.takeSteps())
    if (others !== undefined) await others
  }
  return { messages: of.length, parents: nodes.parents.subarray(0, of.length + dummies) }
}

class Nodes {
  readonly parents: Int32Array
  readonly #children: Int32Array
  #steps = 0

  constructor(most: number) {
    this.parents = new Int32Array(most).fill(-1)
    this.#children = new Int32Array(most)
  }

  /** "Do not create a parent/child link if creating that link would introduce a loop." The child has no parent. */
  link(parent: number, child: number): void {
    if (parent === child || this.#isBelow(parent, child)) return
    this.parents[child] = parent
    this.#children[parent] = (this.#children[parent] ?? 0) + 1
  }

  unlink(child: number): void {
    const parent = this.parents[child] ?? -1
    if (parent === -1) return
    this.parents[child] = -1
    this.#children[parent] = (this.#children[parent] ?? 0) - 1
  }

  #isBelow(node: number, above: number): boolean {
    // Nothing is below a node without children: nearly always.
    if (this.#children[above] === 0) return false
    let at = node
    for (let step = 0; step < deepest; step++) {
      this.#steps++
      at = this.parents[at] ?? -1
      if (at === -1) return false
      if (at === above) return true
    }
    return true
  }

  /** Steps since the last time, for the pace. */
  takeSteps(): number {
    const steps = this.#steps
    this.#steps = 0
    return steps
  }
}

/** Threads after step 3: dummies are at the root only, and have two children at least. */
interface Threads {
  readonly messages: number
  /** Of messages: a message, a dummy, or -1 at the root. */
  readonly parents: Int32Array
  /** A dummy that was merged into another one (step 5). */
  readonly mergedInto: Map<number, number>
  dummies: number
}

/** Steps 2 and 3: a message's parent is its nearest ancestor that is there, or else the dummy at the top of its thread. */
async function prune({ messages, parents }: Links, pace: Pace): Promise<Threads> {
  const above = new Int32Array(parents.length).fill(-2)
  const found = new Int32Array(messages).fill(-1)
  const children = new Int32Array(parents.length)
  for (let position = 0; position < messages; position++) {
    const parent = nearest(position, { messages, parents, above })
    found[position] = parent
    if (parent >= messages) children[parent] = (children[parent] ?? 0) + 1
    const others = pace.spend(20)
    if (others !== undefined) await others
  }
  // "Do not promote the children if doing so would make them children of the root, unless there is only one child."
  for (let position = 0; position < messages; position++) {
    const parent = found[position] ?? -1
    if (parent >= messages && (children[parent] ?? 0) < 2) found[position] = -1
  }
  return { messages, parents: found, mergedInto: new Map(), dummies: parents.length - messages }
}

/** `above` keeps what was found for dummies: each is passed once. */
function nearest(position: number, of: Links & { above: Int32Array }): number {
  const { messages, parents, above } = of
  const passed: number[] = []
  let at = parents[position] ?? -1
  let top = -1
  while (at >= messages) {
    const known = above[at] ?? -2
    if (known !== -2) {
      top = known === -1 ? at : known
      at = -1
      break
    }
    passed.push(at)
    top = at
    at = parents[at] ?? -1
  }
  const result = at === -1 ? top : at
  for (const dummy of passed) above[dummy] = dummy === result ? -1 : result
  return result
}

/** Step 5: "Gather together messages under the root that have the same base subject text." */
async function mergeSubjects(threads: Threads, of: Threaded, pace: Pace): Promise<void> {
  const roots = await rootsInOrder(threads, of, pace)
  const table = new Map<number, number>()
  const isReply = (position: number): boolean => of.replies[position] === 1
  // The first child of a dummy says what its subject is: the first that stands in order of date.
  for (const { node, subject } of roots) {
    const others = pace.spend(20)
    if (others !== undefined) await others
    if (subject === 0) continue
    const known = table.get(subject)
    if (known === undefined) table.set(subject, node)
    else if (known < threads.messages) {
      const isDummy = node >= threads.messages
      if (isDummy || (isReply(known) && !isReply(node))) table.set(subject, node)
    }
  }
  for (const { node, subject } of roots) {
    const others = pace.spend(20)
    if (others !== undefined) await others
    const known = table.get(subject)
    if (subject === 0 || known === undefined || known === node) continue
    const knownIsDummy = known >= threads.messages
    if (node >= threads.messages) {
      if (knownIsDummy) threads.mergedInto.set(node, known)
    } else if (knownIsDummy) threads.parents[node] = known
    else if (isReply(node) && !isReply(known)) threads.parents[node] = known
    else {
      const dummy = threads.messages + threads.dummies++
      threads.parents[node] = dummy
      threads.parents[known] = dummy
      table.set(subject, dummy)
    }
  }
}

interface ThreadRoot {
  readonly node: number
  readonly subject: number
}

/** Step 4: threads in order of date, a dummy by its first child. */
async function rootsInOrder(threads: Threads, of: Threaded, pace: Pace): Promise<ThreadRoot[]> {
  const roots: ThreadRoot[] = []
  const seen = new Set<number>()
  for (const position of of.byDate) {
    const parent = threads.parents[position] ?? -1
    const node = parent === -1 ? position : parent
    if ((parent !== -1 && parent < threads.messages) || seen.has(node)) continue
    if (parent !== -1) seen.add(node)
    roots.push({ node, subject: of.subjects[position] ?? 0 })
    const others = pace.spend(20)
    if (others !== undefined) await others
  }
  return roots
}

/** Step 6: every set of siblings in order of date. */
async function build(threads: Threads, of: Threaded, pace: Pace): Promise<Forest> {
  const forest = new Forest(threads.messages, threads.messages + threads.dummies)
  const told = new Set<number>()
  for (const position of of.byDate) {
    const parent = threads.parents[position] ?? -1
    const others = pace.spend(20)
    if (others !== undefined) await others
    if (parent === -1) {
      forest.addRoot(position)
      continue
    }
    const into = parent < threads.messages ? parent : (threads.mergedInto.get(parent) ?? parent)
    forest.addChild(into, position)
    if (into < threads.messages || told.has(into)) continue
    told.add(into)
    forest.addRoot(into)
  }
  return forest
}
