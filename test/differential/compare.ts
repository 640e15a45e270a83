/**
 * Whether two servers have said the same. Zxids may differ, as long as each of one stands for one of the other, in the same order; owners likewise;
 * times must only make sense. Everything else is equal, or allowed by a row of allowed.ts.
 */
import type { SessionId } from '../../lib/model/ids.js'
import { type Zxid, zxidToBigint } from '../../lib/model/zxid.js'
import { allowed } from './allowed.js'
import type { Value } from './asked.js'
import type { Step } from './sequence.js'
import type { Heard } from './side.js'

const NO_ZXID = 0xffff_ffff_ffff_ffffn
const NOBODY = '0000000000000000'

/** What is known so far of which stands for which. */
export class Correspondence {
  /** In order of both. */
  readonly #zxids: [reference: bigint, ours: bigint][] = []
  readonly #owners = new Map<string, string>()
  readonly #ofOurs = new Map<string, string>()

  zxids(reference: Zxid, ours: Zxid): boolean {
    const [a, b] = [zxidToBigint(reference), zxidToBigint(ours)]
    if (a === 0n || b === 0n || a === NO_ZXID || b === NO_ZXID) return a === b
    let at = this.#zxids.findIndex(([known]) => known >= a)
    if (at < 0) at = this.#zxids.length
    const known = this.#zxids[at]
    if (known?.[0] === a) return known[1] === b
    if ((this.#zxids[at - 1]?.[1] ?? 0n) >= b || (known !== undefined && known[1] <= b)) return false
    this.#zxids.splice(at, 0, [a, b])
    return true
  }

  owners(reference: SessionId, ours: SessionId): boolean {
    if (reference === NOBODY || ours === NOBODY) return reference === ours
    if (!this.#owners.has(reference) && !this.#ofOurs.has(ours)) {
      this.#owners.set(reference, ours)
      this.#ofOurs.set(ours, reference)
    }
    return this.#owners.get(reference) === ours
  }
}

/** The first thing that differs; undefined when nothing does. */
export function difference(
  step: Step,
  reference: readonly (readonly Heard[])[],
  ours: readonly (readonly Heard[])[],
  known: Correspondence,
): string | undefined {
  for (const [session, heard] of reference.entries()) {
    const [a, b] = [inOrder(step, heard), inOrder(step, ours[session]!)]
    for (let at = 0; at < Math.max(a.length, b.length); at++) {
      const why = differs(a[at], b[at], known)
      if (why === undefined) continue
      return `session ${session}, item ${at}: ${why}\n  reference: ${told(a)}\n  ours:      ${told(b)}`
    }
  }
  return undefined
}

/** The ephemerals of a session that closes go in no promised order, and so do the events that tell of it. */
function inOrder(step: Step, heard: readonly Heard[]): readonly Heard[] {
  const closing = step.kind === 'batch' && step.asked.some(({ op }) => op === 'closeSession')
  if (!closing) return heard
  const events = heard.filter(({ kind }) => kind === 'event')
  const key = (event: Heard) => JSON.stringify({ ...event, zxid: 0 })
  const sorted = events.sort((a, b) => (key(a) < key(b) ? -1 : 1))
  return heard.map(each => (each.kind === 'event' ? sorted.shift()! : each))
}

function differs(a: Heard | undefined, b: Heard | undefined, known: Correspondence): string | undefined {
  if (a === undefined || b === undefined) return 'one has heard more'
  const why = unequal(a, b, known)
  if (why === undefined) return undefined
  return allowed.some(({ allows }) => allows(a, b)) ? undefined : why
}

function unequal(a: Heard, b: Heard, known: Correspondence): string | undefined {
  if (a.kind !== b.kind) return `${a.kind} and ${b.kind}`
  switch (a.kind) {
    case 'answer': {
      const other = b as typeof a
      if (a.err !== other.err) return `${a.asked.op}: error ${a.err} and ${other.err}`
      if (!known.zxids(a.zxid, other.zxid)) return `${a.asked.op}: the zxid of the answer`
      return unequalValues(a.body, other.body, known, a.asked.op)
    }
    case 'event': {
      const other = b as typeof a
      if (a.type !== other.type || a.path !== other.path || a.state !== other.state) return 'another event'
      return known.zxids(a.zxid, other.zxid) ? undefined : 'the zxid of the event'
    }
    case 'session': {
      const other = b as typeof a
      if (!known.owners(a.session, other.session)) return 'another session'
      return a.timeOut === other.timeOut ? undefined : 'another timeout'
    }
    case 'refused': {
      const other = b as typeof a
      return a.timeOut === other.timeOut && a.bytes === other.bytes ? undefined : 'another refusal'
    }
    case 'closed':
      return undefined
  }
}

function unequalValues(a: Value, b: Value, known: Correspondence, where: string): string | undefined {
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') {
    return a === b ? undefined : `${where}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`
  }
  const zxids = bothMarked<Zxid>(a, b, 'zxid')
  if (zxids !== undefined) return known.zxids(...zxids) ? undefined : `${where}: zxid`
  const owners = bothMarked<SessionId>(a, b, 'owner')
  if (owners !== undefined) return known.owners(...owners) ? undefined : `${where}: owner`
  const times = bothMarked<number>(a, b, 'time')
  if (times !== undefined) return (times[0] === 0) === (times[1] === 0) ? undefined : `${where}: time`
  const [left, right] = [a as Record<string, Value>, b as Record<string, Value>]
  const names = new Set([...Object.keys(left), ...Object.keys(right)])
  for (const name of names) {
    if (!(name in left) || !(name in right)) return `${where}: only one has ${name}`
    const why = unequalValues(left[name]!, right[name]!, known, `${where}.${name}`)
    if (why !== undefined) return why
  }
  return undefined
}

function bothMarked<T>(a: object, b: object, mark: string): [T, T] | undefined {
  return mark in a && mark in b ? [(a as Record<string, T>)[mark]!, (b as Record<string, T>)[mark]!] : undefined
}

function told(heard: readonly Heard[]): string {
  return heard.map(each => JSON.stringify(each, shown)).join('\n             ')
}

/** Zxids as ZooKeeper prints them, and no bytes of a kilobyte. */
function shown(_name: string, value: unknown): unknown {
  if (typeof value === 'string' && value.length > 60) return `${value.slice(0, 20)}… (${value.length})`
  const { epoch, counter } = (value ?? {}) as Partial<Zxid>
  return epoch === undefined || counter === undefined ? value : `0x${zxidToBigint({ epoch, counter }).toString(16)}`
}
