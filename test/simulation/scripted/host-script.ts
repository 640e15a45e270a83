/**
 * A story told at the depth of hosts, codec, clients and observables: real peers on virtual time, each step when its condition holds. `chain.ts` looks on:
 * what the cores deliver is one sequence, and what a disk has acknowledged is on it.
 *
 * `end()` closes what still runs and sees that nothing is left (R3). Before: the stories. After: lib/testing/virtual. Mirrors script.ts.
 */
import type { Client } from '../../../lib/client/client.js'
import type { ClientOptions } from '../../../lib/client/client-options.js'
import { text } from '../../../lib/client/codec.js'
import type { Effect } from '../../../lib/core/effect.js'
import type { Input } from '../../../lib/core/input.js'
import { sameDigest } from '../../../lib/model/digest.js'
import type { PeerId } from '../../../lib/model/ids.js'
import { VirtualTime } from '../../../lib/testing/virtual/timeline.js'
import { VirtualEnsemble, type VirtualEnsembleOptions } from '../../../lib/testing/virtual/virtual-ensemble.js'
import type { VirtualPeer } from '../../../lib/testing/virtual/virtual-peer.js'
import { Violation } from '../checkers/violation.js'
import { Chain } from '../host/chain.js'
import { Verdict } from '../host/verdict.js'

type StepListener = (peer: PeerId, input: Input, effects: readonly Effect[]) => void

const PATIENCE_MS = 60_000

export class HostScript {
  readonly time = new VirtualTime()
  readonly ensemble: VirtualEnsemble
  readonly chain: Chain
  readonly #verdict = new Verdict()
  readonly #listeners: StepListener[] = []

  constructor(options: Partial<VirtualEnsembleOptions> = {}) {
    this.chain = new Chain({ durable: peer => this.ensemble.peer(peer).disk.durable })
    const { chain } = this
    const verdict = this.#verdict
    this.ensemble = new VirtualEnsemble({
      timeline: this.time,
      seed: 1,
      voters: 3,
      networkMs: 1,
      diskMs: 1,
      ...options,
      peer: { tickMs: 200, ...options.peer },
      observer: {
        started: (peer, initial) => verdict.guard(() => chain.started(peer, initial)),
        stepped: (peer, core, input, now, effects) => {
          verdict.guard(() => chain.stepped(peer, core, input, now, effects))
          for (const listener of this.#listeners) listener(peer, input, effects)
        },
      },
    })
  }

  /** All of them at their first start. */
  static async begin(options: Partial<VirtualEnsembleOptions> = {}): Promise<HostScript> {
    const script = new HostScript(options)
    await script.start()
    return script
  }

  get peers(): VirtualPeer[] {
    return [...this.ensemble.peers.values()]
  }
  peer(id: number): VirtualPeer {
    return this.ensemble.peer(id as PeerId)
  }
  get leader(): VirtualPeer {
    return this.ensemble.running.find(({ opened }) => opened!.status.role === 'leading')!
  }
  /** Those that run and do not lead. */
  get others(): VirtualPeer[] {
    return this.ensemble.running.filter(({ opened }) => opened!.status.role !== 'leading')
  }

  get followers(): [VirtualPeer, VirtualPeer] {
    const [a, b] = this.others
    this.reached('two follow', a !== undefined && b !== undefined)
    return [a!, b!]
  }

  async start(): Promise<void> {
    await this.of(Promise.all(this.peers.map(peer => peer.start())))
    await this.serving()
  }
  async serving(): Promise<void> {
    await this.soon('L1', 'all serve', () => this.ensemble.running.every(({ opened }) => opened!.status.serving))
  }

  client(peer: VirtualPeer, options: ClientOptions<string> = {}): Promise<Client<string>> {
    return this.of(peer.client({ codec: text, sessionTimeoutMs: 4000, ...options }))
  }

  /** Tells of every step of every core from now on. */
  listen(listener: StepListener): void {
    this.#listeners.push(listener)
  }

  /** Lets time pass until a promise has settled. */
  async of<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const over = (): void => {
      settled = true
    }
    promise.then(over, over)
    await this.soon('L2', 'it is settled', () => settled)
    return promise
  }

  /** Lets time pass until the story has got there. */
  async until(what: string, condition: () => boolean): Promise<void> {
    this.reached(what, await this.#run(condition, PATIENCE_MS))
  }
  /** What the row promises, in time. */
  async soon(row: string, what: string, condition: () => boolean, limitMs = PATIENCE_MS): Promise<void> {
    this.demand(row, `${what} within ${limitMs} ms`, await this.#run(condition, limitMs))
  }

  /** The story is where it wants to be. */
  reached(what: string, is: boolean): void {
    if (!is) throw new Error(`the story does not come about: ${what}`)
  }
  /** What the row promises. */
  demand(row: string, what: string, is: boolean): void {
    if (!is) throw new Violation(row, `not so: ${what}`)
  }
  /** The same of plain data. */
  equal(row: string, what: string, found: unknown, expected: unknown): void {
    const [a, b] = [JSON.stringify(found), JSON.stringify(expected)]
    this.demand(row, `${what}: ${a?.slice(0, 300)}, not ${b?.slice(0, 300)}`, a === b)
  }

  async pass(ms: number): Promise<void> {
    await this.time.run(this.time.now() + ms)
    this.#judge()
  }

  /** Cuts a peer off from all others, both ways. */
  isolate({ id }: VirtualPeer): void {
    for (const other of this.ensemble.peers.keys()) {
      if (other === id) continue
      this.ensemble.network.block(id, other)
      this.ensemble.network.block(other, id)
    }
  }
  heal(): void {
    this.ensemble.network.heal()
  }

  /** All serve and are equal (L3); then each closes, the leader first, and nothing is left (R3). */
  async end(): Promise<void> {
    const { ref } = this.chain
    await this.serving()
    const equal = (): boolean =>
      this.ensemble.running.every(({ host }) => sameDigest(host!.core.replica.digest, ref.digest))
    await this.soon('L3', 'all are equal', equal)
    for (const peer of [this.leader, ...this.others]) {
      const { process } = peer
      await this.of(peer.opened!.close())
      if (process!.timers > 0) throw new Violation('R3', `peer ${peer.id} leaves ${process!.timers} timers`)
      peer.crash(false)
    }
    await this.nothingLeft()
  }

  async nothingLeft(): Promise<void> {
    await this.pass(PATIENCE_MS)
    const { pending } = this.time
    const { liveEnds } = this.ensemble.network
    if (pending + liveEnds > 0) throw new Violation('R3', `${pending} events, ${liveEnds} ends of links are left`)
  }

  async #run(condition: () => boolean, limitMs: number): Promise<boolean> {
    const verdict = this.#verdict
    const held = await this.time.run(this.time.now() + limitMs, () => verdict.violation !== undefined || condition())
    this.#judge()
    return held
  }

  #judge(): void {
    const { violation } = this.#verdict
    if (violation !== undefined) throw new Violation(violation.row, violation.message)
  }
}
