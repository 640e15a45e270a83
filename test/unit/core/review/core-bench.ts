/**
 * Whole cores with everything between them in the test's hand: messages of a held link wait, disk operations of a held disk wait, time passes when
 * told to. Nothing is random. For scenarios; whole random runs are in test/simulation.
 */

import type { Effect } from '../../../../lib/core/effect.js'
import type { Input } from '../../../../lib/core/input.js'
import { PeerCore } from '../../../../lib/core/peer.js'
import { defaultProtocolOptions } from '../../../../lib/core/protocol-options.js'
import type { PeerMessage } from '../../../../lib/core/zab/messages.js'
import { TRUSTED } from '../../../../lib/model/acl.js'
import { EMPTY_DIGEST } from '../../../../lib/model/digest.js'
import type { Epochs } from '../../../../lib/model/history.js'
import type { ClientId, LinkId, PeerId } from '../../../../lib/model/ids.js'
import type { Proposal } from '../../../../lib/model/proposal.js'
import type { Request } from '../../../../lib/model/request.js'
import { ZERO } from '../../../../lib/model/zxid.js'
import { HistoryRanges } from '../../../../lib/storage/history-ranges.js'
import { access } from '../../../helpers/access.js'

export type Kind<K extends Effect['kind']> = Extract<Effect, { readonly kind: K }>

export class BenchPeer {
  readonly id: number
  readonly core: PeerCore
  readonly bench: Bench
  readonly links = new Map<number, number>()
  epochs: Epochs
  log: Proposal[] = []
  /** Operations wait while it is held. */
  diskHeld = false
  pending: Input[] = []
  /** Another has taken its place. */
  isGone = false
  said: Effect[] = []
  wakeAt = Number.POSITIVE_INFINITY
  wall = 1_000_000

  constructor(id: number, bench: Bench, epochs: Epochs, log: readonly Proposal[]) {
    this.id = id
    this.bench = bench
    this.epochs = epochs
    this.log = [...log]
    const random = { uint32: () => id, bytes: (length: number) => new Uint8Array(length).fill(id) }
    const image = { zxid: ZERO, time: 0, digest: EMPTY_DIGEST, nodes: [], sessions: [] }
    const ranges = new HistoryRanges(ZERO)
    for (const { zxid } of log) ranges.add(zxid)
    const recovered = { epochs, image, suffix: log, history: ranges.summary() }
    const config = { version: ZERO, members: bench.members }
    this.core = new PeerCore(
      { peer: id as PeerId, config, options: bench.options, random, access, recovered },
      this.now(),
    )
  }

  now() {
    return { monotonic: this.bench.time, wall: this.wall + this.bench.time }
  }

  step(input: Input): void {
    if (this.isGone) return
    for (const effect of this.core.step(input, this.now())) {
      this.said.push(effect)
      this.#perform(effect)
    }
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        return this.bench.send(this, effect.link, effect.message)
      case 'disconnect':
        return this.bench.unlinkNumber(effect.link)
      case 'append':
        this.log.push(...effect.proposals)
        this.pending.push({ kind: 'logged', op: effect.op, zxid: effect.proposals.at(-1)!.zxid })
        return
      case 'truncate':
        this.pending.push({ kind: 'truncated', op: effect.op })
        return
      case 'saveEpochs':
        this.epochs = effect.epochs
        this.pending.push({ kind: 'epochsSaved', op: effect.op })
        return
      case 'wakeAt':
        this.wakeAt = effect.at
        return
    }
  }

  get stopped(): boolean {
    return this.said.some(each => each.kind === 'stop')
  }

  attach(client: number): void {
    const attachment = { timeoutMs: 9000, resume: undefined, lastZxidSeen: ZERO, identities: TRUSTED, embedded: true }
    this.step({ kind: 'clientAttached', client: client as ClientId, attachment })
  }

  ask(client: number, cxid: number, request: Request): void {
    this.step({ kind: 'request', client: client as ClientId, cxid, request })
  }

  replies(client: number): string[] {
    return this.said.flatMap(each =>
      (each.kind === 'reply' || each.kind === 'fail') && each.client === client ? [`${each.cxid} ${each.kind}`] : [],
    )
  }
}

export class Bench {
  readonly options = { ...defaultProtocolOptions }
  readonly members
  readonly peers = new Map<number, BenchPeer>()
  time = 0
  #lastLink = 0
  readonly #ends = new Map<number, readonly [number, number]>()
  readonly #later: (() => void)[] = []
  readonly #wire: { from: number; to: number; link: number; message: PeerMessage }[] = []
  /** Messages from → to that wait until it is released. */
  readonly held = new Set<string>()
  /** Told of every message before it is delivered; false loses it (then unlink: links lose only their end). */
  filter: (from: number, to: number, message: PeerMessage) => boolean = () => true

  constructor(voters: number, observers = 0) {
    this.members = Array.from({ length: voters + observers }, (_, n) => ({
      id: (n + 1) as PeerId,
      address: `memory://${n + 1}`,
      role: n < voters ? ('participant' as const) : ('observer' as const),
    }))
  }

  peer(id: number): BenchPeer {
    return this.peers.get(id)!
  }

  /** Also in place of one that ran before, whose links are gone then. */
  start(id: number, epochs: Epochs = { accepted: 0, current: 0 }, log: readonly Proposal[] = []): BenchPeer {
    const former = this.peers.get(id)
    if (former !== undefined) {
      for (const other of [...former.links.keys()]) this.unlink(id, other)
      former.pending = []
      former.wakeAt = Number.POSITIVE_INFINITY
      former.isGone = true
    }
    const peer = new BenchPeer(id, this, epochs, log)
    this.peers.set(id, peer)
    peer.step({ kind: 'tick' })
    return peer
  }

  startAll(): void {
    for (const { id } of this.members) this.start(id)
    this.relink()
  }

  /** Between all that run. The larger id dials first. */
  relink(): void {
    for (const a of this.peers.keys())
      for (const b of this.peers.keys()) if (a < b && !this.peer(a).links.has(b)) this.link(a, b)
  }

  link(a: number, b: number): void {
    this.#lastLink += 1
    const link = this.#lastLink
    this.#ends.set(link, [a, b])
    for (const [at, to] of [
      [a, b],
      [b, a],
    ] as const) {
      this.peer(at).links.set(to, link)
      this.peer(at).step({ kind: 'linked', peer: to as PeerId, link: link as LinkId })
    }
  }

  unlink(a: number, b: number): void {
    const link = this.peer(a).links.get(b)
    if (link !== undefined) this.unlinkNumber(link)
  }

  unlinkNumber(link: number): void {
    const ends = this.#ends.get(link)
    if (ends === undefined) return
    this.#ends.delete(link)
    for (const [at, to] of [ends, [ends[1], ends[0]] as const]) {
      this.peer(at).links.delete(to)
      const peer = this.peer(at)
      this.#later.push(() => peer.step({ kind: 'unlinked', peer: to as PeerId, link: link as LinkId }))
    }
  }

  send(from: BenchPeer, link: number, message: PeerMessage): void {
    const ends = this.#ends.get(link)
    if (ends === undefined) return
    this.#wire.push({ from: from.id, to: ends[0] === from.id ? ends[1] : ends[0], link, message })
  }

  /** One message or completion; false when there is none. */
  moveOnce(): boolean {
    return this.#move()
  }

  /** Until nothing moves without time. */
  settle(): void {
    for (let moves = 0; moves < 100_000; moves += 1) if (!this.#move()) return
    throw new Error('it never settles')
  }

  #move(): boolean {
    const later = this.#later.shift()
    if (later !== undefined) {
      later()
      return true
    }
    for (const peer of this.peers.values()) {
      const input = peer.diskHeld ? undefined : peer.pending.shift()
      if (input === undefined) continue
      peer.step(input)
      return true
    }
    const index = this.#wire.findIndex(each => !this.held.has(`${each.from} ${each.to}`))
    if (index < 0) return false
    const { from, to, link, message } = this.#wire.splice(index, 1)[0]!
    if (this.#ends.has(link) && this.filter(from, to, message)) {
      this.peer(to).step({ kind: 'message', link: link as LinkId, message })
    }
    return true
  }

  /** Lets time pass, alarm by alarm, or until the condition holds; the milliseconds it took. */
  pass(ms: number, until: () => boolean = () => false): number {
    const begin = this.time
    const end = begin + ms
    this.settle()
    while (!until()) {
      const next = Math.min(...[...this.peers.values()].map(each => each.wakeAt))
      if (next > end) {
        this.time = end
        break
      }
      this.time = Math.max(this.time, next)
      for (const peer of this.peers.values()) {
        if (peer.wakeAt > this.time) continue
        peer.wakeAt = Number.POSITIVE_INFINITY
        peer.step({ kind: 'tick' })
      }
      this.settle()
    }
    return this.time - begin
  }

  serving(...ids: number[]): boolean {
    return ids.every(id => this.peer(id).core.status.serving)
  }
}
