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
import { TRUSTED } from '../../../lib/model/acl.js'
import { EMPTY_DIGEST } from '../../../lib/model/digest.js'
import type { EnsembleConfig } from '../../../lib/model/ensemble-config.js'
import type { ClientId, LinkId, PeerId } from '../../../lib/model/ids.js'
import { formatZxid, isAfter, isAtMost, later, ZERO } from '../../../lib/model/zxid.js'
import { HistoryRanges } from '../../../lib/storage/history-ranges.js'
import { access } from '../../helpers/access.js'
import { checkOperation, observe } from './checks.js'
import { describe } from './describe-state.js'
import type { LocalStates, Step } from './local-states.js'
import {
  change,
  changeEnd,
  type Disk,
  type DiskOperation,
  type End,
  type Event,
  keyOf,
  type Link,
  PAIRS,
  PEERS,
  type PeerState,
  placeOf,
  type Scope,
  type State,
  type Stream,
  tidy,
  Violation,
} from './state.js'

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
      return { peer: id, config, options: defaultProtocolOptions, random, access, recovered }
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

function performed(disk: Disk, operation: DiskOperation, id: PeerId): Disk {
  checkOperation(disk, operation, id)
  if (operation.kind === 'saveEpochs') return { ...disk, epochs: operation.epochs }
  if (operation.kind === 'append') return { ...disk, log: [...disk.log, ...operation.proposals] }
  return { ...disk, log: disk.log.filter(each => isAtMost(each.zxid, operation.after)) }
}
