/**
 * Three peers as a state that is never changed: an event makes the next one of it. Peers' cores are local-states.ts; disks, links and what
 * is under way are plain values here. Time stands still; what a timer would do is an event of its own.
 *
 * Events: a message arrives; a side hears that a link has ended; two peers find each other; a disk finishes its first operation; a stream of
 * history leaves; and, each as often as the scope allows: a client asks for a session (a transaction), a peer crashes (its disk having done
 * nothing more, or all it was asked) and comes back, a peer is cut off and found again, a timer goes off.
 */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input } from '../../../lib/core/input.js'
import type { PeerInitial } from '../../../lib/core/peer.js'
import { defaultProtocolOptions } from '../../../lib/core/protocol-options.js'
import type { PeerMessage } from '../../../lib/core/zab/messages.js'
import { TRUSTED } from '../../../lib/model/acl.js'
import { EMPTY_DIGEST } from '../../../lib/model/digest.js'
import type { EnsembleConfig } from '../../../lib/model/ensemble-config.js'
import type { Epochs } from '../../../lib/model/history.js'
import type { ClientId, LinkId, PeerId, SessionId } from '../../../lib/model/ids.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import { formatZxid, isAfter, isAtMost, ZERO, type Zxid } from '../../../lib/model/zxid.js'
import { HistoryRanges } from '../../../lib/storage/history-ranges.js'
import { describe } from './describe-state.js'
import type { Local, LocalStates, Step } from './local-states.js'

export interface Scope {
  readonly txns: number
  readonly crashes: number
  readonly partitions: number
  readonly timers: number
}

type Kind<K extends Effect['kind']> = Extract<Effect, { readonly kind: K }>
type DiskOperation = Kind<'append'> | Kind<'truncate'> | Kind<'saveEpochs'>
type Stream = Kind<'sendHistory'>

/** What survives a crash. */
export interface Disk {
  readonly epochs: Epochs
  readonly log: readonly Proposal[]
}

export interface PeerState {
  /** Undefined while it is down. */
  readonly local: Local | undefined
  readonly disk: Disk
  readonly pending: readonly DiskOperation[]
  readonly streams: readonly Stream[]
  /** How often it has begun, and how many links it has had. */
  readonly lives: number
  readonly links: number
}

/** One end of a link. */
interface End {
  readonly id: LinkId
  readonly open: boolean
  /** Nothing comes any more, and nothing said here arrives: this end has only to notice. */
  readonly broken: boolean
  /** On its way to this end; behind it comes the end of the link, once the other end is closed. */
  readonly coming: readonly PeerMessage[]
}

/** Of the pairs 1–2, 1–3, 2–3: the end of the smaller id, then of the larger. */
type Link = readonly [End, End] | undefined

/** What an observer of everything remembers. */
export interface Ghost {
  /** The one committed sequence, as far as anybody has applied it. */
  readonly chain: readonly Proposal[]
  /** By epoch, who has led it. */
  readonly leaders: readonly (readonly [epoch: number, peer: PeerId])[]
  /** By client, the newest established epoch when it asked; then the session it was given. */
  readonly asked: readonly { readonly epoch: number; readonly session: SessionId | undefined }[]
}

export interface State {
  readonly peers: readonly [PeerState, PeerState, PeerState]
  readonly links: readonly [Link, Link, Link]
  readonly cut: PeerId | undefined
  readonly left: Scope
  readonly ghost: Ghost
}

export interface Event {
  readonly name: string
  /** A fault, a transaction, a timer: not what happens by itself. */
  readonly special: boolean
  readonly apply: () => State
}

/** Something that must never be; `row` of the list of invariants. */
export class Violation extends Error {
  readonly row: string
  constructor(row: string, message: string) {
    super(`${row}: ${message}`)
    this.row = row
  }
}

const PEERS: readonly PeerId[] = [1 as PeerId, 2 as PeerId, 3 as PeerId]
const [ONE, TWO, THREE] = PEERS as [PeerId, PeerId, PeerId]
const PAIRS: readonly (readonly [PeerId, PeerId])[] = [
  [ONE, TWO],
  [ONE, THREE],
  [TWO, THREE],
]
const LIFE_MS = 1_000_000

const config: EnsembleConfig = {
  version: ZERO,
  members: PEERS.map(id => ({ id, address: `memory://${id}`, role: 'participant' as const })),
}
/** The same for every state, so that chance is none. */
const random = { uint32: () => 7, bytes: (length: number) => new Uint8Array(length) }

export class SmallWorld {
  readonly locals: LocalStates

  constructor(locals: LocalStates) {
    this.locals = locals
  }

  begin(scope: Scope): State {
    const peer: PeerState = {
      local: undefined,
      disk: { epochs: { accepted: 0, current: 0 }, log: [] },
      pending: [],
      streams: [],
      lives: 0,
      links: 0,
    }
    let state: State = {
      peers: [peer, peer, peer],
      links: [undefined, undefined, undefined],
      cut: undefined,
      left: scope,
      ghost: { chain: [], leaders: [], asked: [] },
    }
    for (const id of PEERS) state = this.#start(state, id)
    return state
  }

  /** All that can happen next. Faults, transactions and timers stand behind what happens by itself. */
  events(state: State): Event[] {
    const events: Event[] = []
    let special = false
    const add = (name: string, apply: () => State): void => {
      events.push({ name, special, apply })
    }
    for (const [index, [a, b]] of PAIRS.entries()) {
      const link = state.links[index]
      if (link === undefined) {
        const apart = state.cut === a || state.cut === b
        if (!apart && this.#up(state, a) && this.#up(state, b))
          add(`${a} and ${b} link`, () => this.#link(state, index))
        continue
      }
      for (const side of [0, 1] as const) {
        const { open, broken, coming } = link[side]
        if (!open) continue
        const to = side === 0 ? a : b
        const from = side === 0 ? b : a
        const message = coming[0]
        if (message !== undefined)
          add(`${to} hears ${message.kind} of ${from}`, () => this.#deliver(state, index, side))
        else if (broken || !link[1 - side]!.open)
          add(`${to} sees the link with ${from} end`, () => this.#linkEnds(state, index, side))
      }
    }
    for (const id of PEERS) {
      const { local, pending, streams } = state.peers[id - 1]!
      if (local === undefined) {
        add(`${id} starts`, () => this.#start(state, id))
        continue
      }
      if (pending[0] !== undefined) add(`${id} has done ${pending[0].kind}`, () => this.#diskDone(state, id))
      for (const stream of streams)
        if (this.#canStream(state, id, stream)) add(`${id} streams`, () => this.#stream(state, id, stream))
    }
    const { left } = state
    special = true
    for (const id of PEERS) {
      const { local, pending } = state.peers[id - 1]!
      if (local === undefined) continue
      if (left.txns > 0 && local.status.role === 'leading' && local.status.serving)
        add(`a client of ${id} asks`, () => this.#ask(state, id))
      if (left.crashes > 0) {
        add(`${id} crashes`, () => this.#crash(state, id, false))
        if (pending.length > 0) add(`${id} crashes, its disk done`, () => this.#crash(state, id, true))
      }
      if (left.partitions > 0 && state.cut === undefined) add(`${id} is cut off`, () => this.#cutOff(state, id))
      if (left.timers > 0 && local.wakeAt !== undefined) add(`the timer of ${id}`, () => this.#timer(state, id))
    }
    if (state.cut !== undefined) add('the cut is healed', () => ({ ...state, cut: undefined }))
    return events
  }

  #up(state: State, peer: PeerId): boolean {
    return state.peers[peer - 1]!.local !== undefined
  }

  #start(state: State, id: PeerId): State {
    const { disk, lives } = state.peers[id - 1]!
    const initial = (): PeerInitial => {
      const ranges = new HistoryRanges(ZERO)
      for (const { zxid } of disk.log) ranges.add(zxid)
      const image = { zxid: ZERO, time: 0, digest: EMPTY_DIGEST, nodes: [], sessions: [] }
      const recovered = { epochs: disk.epochs, image, suffix: disk.log, history: ranges.summary() }
      return { peer: id, config, options: defaultProtocolOptions, random, recovered }
    }
    const key = `${id} ${lives} ${describe(disk)}`
    const next = change(state, id, { lives: lives + 1, pending: [], streams: [] })
    return this.#take(next, id, this.locals.start(key, initial, LIFE_MS * (lives + 1)))
  }

  #input(state: State, id: PeerId, key: string, input: Input, now?: number): State {
    const { local } = state.peers[id - 1]!
    if (local === undefined) return state
    return this.#take(state, id, this.locals.step(local, key, input, now))
  }

  /** What a step has made of a peer, and what it wants done. */
  #take(before: State, id: PeerId, { local, effects, thrown }: Step): State {
    if (thrown !== undefined) throw new Violation('invariant', `peer ${id}: ${thrown.message}`)
    let state = change(before, id, { local })
    for (const effect of effects) state = this.#perform(state, id, effect)
    return observe(state, id)
  }

  #perform(state: State, id: PeerId, effect: Effect): State {
    const peer = state.peers[id - 1]!
    switch (effect.kind) {
      case 'send': {
        const place = placeOf(state, id, effect.link)
        if (place === undefined) return state
        const other = state.links[place.index]![1 - place.side]!
        if (!other.open || other.broken) return state
        return changeEnd(state, place.index, 1 - place.side, { coming: [...other.coming, effect.message] })
      }
      case 'disconnect': {
        const place = placeOf(state, id, effect.link)
        if (place === undefined) return state
        const closed = changeEnd(state, place.index, place.side, { open: false, coming: [] })
        const other = PAIRS[place.index]![1 - place.side]!
        const rest = closed.peers[id - 1]!.streams.filter(each => each.link !== effect.link)
        const quiet = change(closed, id, { streams: rest })
        return this.#input(tidy(quiet, place.index), id, `unlinked ${effect.link}`, {
          kind: 'unlinked',
          peer: other,
          link: effect.link,
        })
      }
      case 'append':
      case 'truncate':
      case 'saveEpochs':
        return change(state, id, { pending: [...peer.pending, effect] })
      case 'sendHistory':
        return change(state, id, { streams: [...peer.streams, effect] })
      case 'attached': {
        const client = Number(effect.client) - 1
        const asked = state.ghost.asked.map((each, at) => (at === client ? { ...each, session: effect.session } : each))
        return { ...state, ghost: { ...state.ghost, asked } }
      }
      case 'stop':
        throw new Violation('stop', `peer ${id} has stopped: ${effect.error?.code} ${effect.error?.message}`)
      case 'checkpoint':
      case 'sendSnapshot':
      case 'installSnapshot':
        throw new Error(`no ${effect.kind} in so small a scope`)
      default:
        return state
    }
  }

  #link(state: State, index: number): State {
    const [a, b] = PAIRS[index]!
    const ids = [state.peers[a - 1]!.links + 1, state.peers[b - 1]!.links + 1] as [number, number]
    const ends = ids.map(each => ({ id: each as LinkId, open: true, broken: false, coming: [] })) as unknown as [
      End,
      End,
    ]
    let next = change(change(state, a, { links: ids[0] }), b, { links: ids[1] })
    next = { ...next, links: next.links.with(index, ends) as unknown as State['links'] }
    next = this.#input(next, a, `linked ${b} ${ids[0]}`, { kind: 'linked', peer: b, link: ids[0] as LinkId })
    return this.#input(next, b, `linked ${a} ${ids[1]}`, { kind: 'linked', peer: a, link: ids[1] as LinkId })
  }

  #deliver(state: State, index: number, side: 0 | 1): State {
    const { id: link, coming } = state.links[index]![side]
    const [message, ...rest] = coming
    const next = changeEnd(state, index, side, { coming: rest })
    return this.#input(next, PAIRS[index]![side], `${link} ${keyOf(message!)}`, {
      kind: 'message',
      link,
      message: message!,
    })
  }

  #linkEnds(state: State, index: number, side: 0 | 1): State {
    const { id: link } = state.links[index]![side]
    const peer = PAIRS[index]![side]
    const next = tidy(changeEnd(state, index, side, { open: false }), index)
    const streams = next.peers[peer - 1]!.streams.filter(each => each.link !== link)
    const input: Input = { kind: 'unlinked', peer: PAIRS[index]![1 - side]!, link }
    return this.#input(change(next, peer, { streams }), peer, `unlinked ${link}`, input)
  }

  #diskDone(state: State, id: PeerId): State {
    const { disk, pending } = state.peers[id - 1]!
    const [first, ...rest] = pending
    const next = change(state, id, { disk: performed(disk, first!, id), pending: rest })
    const { op } = first!
    if (first!.kind === 'append') {
      const { zxid } = first!.proposals.at(-1)!
      return this.#input(next, id, `logged ${op} ${formatZxid(zxid)}`, { kind: 'logged', op, zxid })
    }
    const kind = first!.kind === 'truncate' ? 'truncated' : 'epochsSaved'
    return this.#input(next, id, `${kind} ${op}`, { kind, op })
  }

  #canStream(state: State, id: PeerId, { after, upTo }: Stream): boolean {
    const last = state.peers[id - 1]!.disk.log.at(-1)?.zxid ?? ZERO
    return isAtMost(upTo, later(last, after))
  }

  #stream(state: State, id: PeerId, stream: Stream): State {
    const { disk, streams } = state.peers[id - 1]!
    let next = change(state, id, { streams: streams.filter(each => each !== stream) })
    let reached = stream.after
    for (const proposal of disk.log.filter(each => isAfter(each.zxid, stream.after))) {
      const message = { kind: 'proposal', proposal } as const
      next = this.#perform(next, id, { kind: 'send', link: stream.link, message })
      reached = proposal.zxid
    }
    const input: Input = { kind: 'syncStreamEnded', link: stream.link, zxid: reached }
    return this.#input(next, id, `streamed ${stream.link} ${formatZxid(reached)}`, input)
  }

  #ask(state: State, id: PeerId): State {
    const newest = Math.max(0, ...state.ghost.leaders.map(([epoch]) => epoch))
    const client = (state.ghost.asked.length + 1) as ClientId
    const asked = [...state.ghost.asked, { epoch: newest, session: undefined }]
    const left = { ...state.left, txns: state.left.txns - 1 }
    const attachment = {
      timeoutMs: 10_000,
      resume: undefined,
      lastZxidSeen: ZERO,
      identities: TRUSTED,
      embedded: false,
    }
    const input: Input = { kind: 'clientAttached', client, attachment }
    return this.#input({ ...state, left, ghost: { ...state.ghost, asked } }, id, `client ${client}`, input)
  }

  #crash(state: State, id: PeerId, done: boolean): State {
    const { disk, pending } = state.peers[id - 1]!
    const kept = done ? pending.reduce((held, each) => performed(held, each, id), disk) : disk
    let next = change(state, id, { local: undefined, disk: kept, pending: [], streams: [] })
    for (const [index, pair] of PAIRS.entries()) {
      const side = pair.indexOf(id)
      if (side === -1 || next.links[index] === undefined) continue
      next = tidy(changeEnd(next, index, side, { open: false, coming: [] }), index)
    }
    return { ...next, left: { ...next.left, crashes: next.left.crashes - 1 } }
  }

  /** What is under way is lost; each side hears of the end when it likes. */
  #cutOff(state: State, id: PeerId): State {
    const links = state.links.map((link, index): Link => {
      if (link === undefined || !PAIRS[index]!.includes(id)) return link
      const [a, b] = link
      return [
        { ...a, broken: true, coming: [] },
        { ...b, broken: true, coming: [] },
      ]
    }) as unknown as State['links']
    return { ...state, links, cut: id, left: { ...state.left, partitions: state.left.partitions - 1 } }
  }

  #timer(state: State, id: PeerId): State {
    const { local } = state.peers[id - 1]!
    const at = Math.max(local!.now, local!.wakeAt!)
    const next = { ...state, left: { ...state.left, timers: state.left.timers - 1 } }
    return this.#input(next, id, `tick ${at}`, { kind: 'tick' }, at)
  }
}

function later(a: Zxid, b: Zxid): Zxid {
  return isAfter(a, b) ? a : b
}

function change(state: State, id: PeerId, changes: Partial<PeerState>): State {
  const peers = state.peers.with(id - 1, { ...state.peers[id - 1]!, ...changes }) as unknown as State['peers']
  return { ...state, peers }
}

function changeEnd(state: State, index: number, side: number, changes: Partial<End>): State {
  const link = [...state.links[index]!] as [End, End]
  link[side] = { ...link[side]!, ...changes }
  return { ...state, links: state.links.with(index, link) as unknown as State['links'] }
}

/** A link of which both ends are closed is none. */
function tidy(state: State, index: number): State {
  const link = state.links[index]
  if (link === undefined || link[0].open || link[1].open) return state
  return { ...state, links: state.links.with(index, undefined) as unknown as State['links'] }
}

/** Where this peer's end of a link is, while it is open. */
function placeOf(state: State, id: PeerId, link: LinkId): { readonly index: number; readonly side: 0 | 1 } | undefined {
  for (const [index, pair] of PAIRS.entries()) {
    const side = pair.indexOf(id) as -1 | 0 | 1
    if (side === -1) continue
    const end = state.links[index]?.[side]
    if (end?.open && end.id === link) return { index, side }
  }
  return undefined
}

const keys = new WeakMap<object, string>()
export function keyOf(value: object): string {
  let key = keys.get(value)
  if (key === undefined) {
    key = describe(value)
    keys.set(value, key)
  }
  return key
}

function performed(disk: Disk, operation: DiskOperation, id: PeerId): Disk {
  const { log, epochs } = disk
  if (operation.kind === 'truncate') return { ...disk, log: log.filter(each => isAtMost(each.zxid, operation.after)) }
  if (operation.kind === 'append') {
    let last = log.at(-1)?.zxid ?? ZERO
    for (const { zxid, previous } of operation.proposals) {
      if (formatZxid(previous) !== formatZxid(last) || !isAfter(zxid, last))
        throw new Violation(
          'Z14',
          `peer ${id} logs ${formatZxid(zxid)} of ${formatZxid(previous)} behind ${formatZxid(last)}`,
        )
      last = zxid
    }
    return { ...disk, log: [...log, ...operation.proposals] }
  }
  const { accepted, current } = operation.epochs
  if (accepted < epochs.accepted || current < epochs.current || current > accepted)
    throw new Violation(
      'Z3',
      `peer ${id} saves epochs ${accepted}, ${current} over ${epochs.accepted}, ${epochs.current}`,
    )
  return { ...disk, epochs: operation.epochs }
}

/** What one peer has just made known: what it has applied, and whether it leads. */
function observe(state: State, id: PeerId): State {
  const { local, disk } = state.peers[id - 1]!
  const { applied, role, serving, epoch } = local!.status
  let { chain, leaders } = state.ghost
  const mine = disk.log.filter(each => isAtMost(each.zxid, applied))
  if (isAfter(applied, mine.at(-1)?.zxid ?? ZERO))
    throw new Violation(
      'Z22',
      `peer ${id} has applied up to ${formatZxid(applied)}, but its log has only ${mine.length} of it`,
    )
  for (const [at, proposal] of mine.entries()) {
    const known = chain[at]
    if (known !== undefined && keyOf(known) !== keyOf(proposal))
      throw new Violation(
        'Z8',
        `peer ${id} has applied ${formatZxid(proposal.zxid)} where ${formatZxid(known.zxid)} was committed`,
      )
  }
  if (mine.length > chain.length) chain = mine
  if (role === 'leading' && serving) {
    const known = leaders.find(each => each[0] === epoch)
    if (known !== undefined && known[1] !== id)
      throw new Violation('Z1', `peers ${known[1]} and ${id} both lead epoch ${epoch}`)
    if (known === undefined) {
      if (chain.length > mine.length)
        throw new Violation(
          'Z13',
          `peer ${id} leads epoch ${epoch} without ${formatZxid(chain.at(-1)!.zxid)}, which was committed`,
        )
      leaders = [...leaders, [epoch, id] as const].sort((a, b) => a[0] - b[0])
    }
  }
  if (chain === state.ghost.chain && leaders === state.ghost.leaders) return state
  return { ...state, ghost: { ...state.ghost, chain, leaders } }
}
