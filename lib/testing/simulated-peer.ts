/**
 * One peer of a simulated world: the core with a host around it that performs effects by virtual disk, network and clients.
 *
 * Always holds: an input is stepped and its effects performed in order before the next one; a crash may come between any two effects of a
 * step and loses the rest; a paused peer's inputs wait and come in order, its disk goes on. Mirrors host/peer-host.ts, host/history-sender.ts.
 */
import type { Effect } from '../core/effect.js'
import type { Input, Now } from '../core/input.js'
import type { PeerCore, PeerInitial } from '../core/peer.js'
import type { ProtocolOptions } from '../core/protocol-options.js'
import type { EnsembleConfig } from '../model/ensemble-config.js'
import { ZooKeeperError } from '../model/errors.js'
import type { LinkId, PeerId, SessionId } from '../model/ids.js'
import { unreachable } from '../model/invariant.js'
import { isAfter, isAtMost, type Zxid } from '../model/zxid.js'
import { beginCore } from './begin-core.js'
import { deepFreeze } from './deep-freeze.js'
import type { SeededRandom } from './seeded-random.js'
import { type DiskOptions, SimulatedDisk } from './simulated-disk.js'
import type { World } from './world.js'

export interface SimulatedPeerOptions {
  readonly config: EnsembleConfig
  readonly protocol: ProtocolOptions
  readonly disk: DiskOptions
  readonly random: SeededRandom
  readonly diskRandom: SeededRandom
  /** Monotonic time differs from peer to peer by this much. */
  readonly clockOffsetMs: number
  /** How late a timer may be. */
  readonly timerLateMs: () => number
}

type HistoryEffect = Extract<Effect, { readonly kind: 'sendHistory' }>
const BATCH_ENTRIES = 8

export class SimulatedPeer {
  readonly id: PeerId
  readonly disk: SimulatedDisk
  readonly options: SimulatedPeerOptions
  core: PeerCore | undefined
  /** Counts its starts: what was meant for a former life does not reach a later one. */
  life = 0
  /** Wall clock minus virtual time; faults move it. */
  wallOffsetMs = 1_700_000_000_000
  /** Its disk takes so many times longer than usual. */
  diskSlowness = 1
  /** After this many more effects it crashes. */
  crashAfterEffects: number | undefined
  /** Whether it crashes right before, or right behind, this effect. For scripts. */
  crashesAt: (effect: Effect, where: 'before' | 'behind') => boolean = () => false
  stoppedBy: { readonly code: string; readonly message: string } | 'closed' | undefined
  /** Code of the error because of which it did not begin when it was last started. */
  refusedBy: string | undefined
  readonly #world: World
  #paused = false
  #waiting: Input[] = []
  #wakeAt = Number.POSITIVE_INFINITY
  readonly #streams = new Map<LinkId, object>()

  constructor(id: PeerId, world: World, options: SimulatedPeerOptions) {
    this.id = id
    this.options = options
    this.#world = world
    const disk = { ...options.disk, latencyMs: () => options.disk.latencyMs() * this.diskSlowness }
    this.disk = new SimulatedDisk(disk, {
      random: options.diskRandom,
      now: () => world.now,
      happened: fault => world.tell(observer => observer.diskFault?.(this, fault)),
      after: (delayMs, run) => world.after(delayMs, run),
      complete: input => this.receive(input),
      changed: change => world.tell(observer => observer.diskChanged?.(this, change)),
    })
  }

  get isUp(): boolean {
    return this.core !== undefined
  }
  get isPaused(): boolean {
    return this.#paused
  }

  now(): Now {
    const { now } = this.#world
    return { monotonic: Math.floor(now) + this.options.clockOffsetMs, wall: Math.floor(now) + this.wallOffsetMs }
  }

  start(): void {
    this.life += 1
    this.stoppedBy = undefined
    this.refusedBy = undefined
    this.crashAfterEffects = undefined
    this.#world.tell(observer => observer.opening?.(this))
    const recovered = this.#begin()
    if (recovered === undefined) return
    this.#wakeAt = Number.POSITIVE_INFINITY
    this.#world.tell(observer => observer.opened?.(this, recovered))
    this.#world.tell(observer => observer.started?.(this, recovered))
    this.#world.network.started(this.id)
    this.receive({ kind: 'tick' })
  }

  #begin(): PeerInitial['recovered'] | undefined {
    const { config, protocol, random } = this.options
    const initial = { peer: this.id, config, options: protocol, random }
    try {
      const { core, recovered } = beginCore(initial, this.disk, this.now())
      this.core = core
      return recovered
    } catch (error) {
      if (!(error instanceof ZooKeeperError)) throw error
      this.refusedBy = error.code
      this.disk.crash()
      this.#world.tell(observer => observer.refused?.(this, error))
      return undefined
    }
  }

  /** An input comes in; while the peer is paused it waits. */
  receive(input: Input): void {
    if (this.core === undefined) return
    if (this.#paused) this.#waiting.push(input)
    else this.#step(input)
  }

  pause(): void {
    this.#paused = this.isUp
  }

  resume(): void {
    this.#paused = false
    const waiting = this.#waiting
    this.#waiting = []
    for (const input of waiting) this.receive(input)
  }

  /** @param silently its machine goes with it: nobody is told. */
  crash(silently: boolean): void {
    if (this.core === undefined) return
    this.#down()
    this.disk.crash()
    this.#world.network.crashed(this.id, silently)
    this.#world.tell(observer => observer.crashed?.(this))
    this.#world.clients.peerGone(this)
  }

  /** Something in its memory is not what its log says: a session that nobody has opened, which no client comes to see. */
  falsify(): void {
    const session = `fa15e000${(this.life * 256 + this.id).toString(16).padStart(8, '0')}` as SessionId
    this.core!.replica.sessions.add({ session, timeoutMs: 4000, password: new Uint8Array(16) })
    this.#world.tell(observer => observer.falsified?.(this))
  }

  linkClosed(link: LinkId): void {
    this.#streams.delete(link)
    this.disk.linkClosed(link)
  }

  #down(): void {
    this.core = undefined
    this.life += 1
    this.#paused = false
    this.#waiting = []
    this.#streams.clear()
  }

  #step(input: Input): void {
    const { life } = this
    const now = this.now()
    const effects = this.core!.step(input, now)
    this.#world.stepped(this, input, now, effects)
    for (const effect of effects) {
      const counted = effect.kind !== 'audit' && this.crashAfterEffects !== undefined && this.crashAfterEffects-- <= 0
      if (counted || this.crashesAt(effect, 'before')) return this.crash(false)
      this.#world.performed(this, effect, input)
      this.#perform(effect)
      if (this.life !== life) return
      if (this.crashesAt(effect, 'behind')) return this.crash(false)
    }
  }

  #perform(effect: Effect): void {
    const { network, clients } = this.#world
    switch (effect.kind) {
      case 'send':
        return network.send(effect.link, effect.message)
      case 'disconnect':
        return network.disconnect(effect.link)
      case 'append':
      case 'truncate':
      case 'saveEpochs':
      case 'installSnapshot':
        return this.disk.submit(deepFreeze(effect))
      case 'checkpoint':
        return this.disk.submitCheckpoint(effect)
      case 'sendHistory':
        return this.#stream(effect, effect.after)
      case 'sendSnapshot': {
        const image = this.#read(() => this.disk.image())
        if (image === undefined) return
        this.#world.tell(observer => observer.snapshotSent?.(this, image))
        const { zxid, time, digest } = image
        network.send(effect.link, { kind: 'snapshotBegin', zxid, time, digest })
        const token = this.#beginStream(effect.link)
        this.#world.after(this.#world.streamDelayMs(), () => {
          if (this.#streams.get(effect.link) !== token) return
          network.send(effect.link, { kind: 'snapshotImage', image })
          this.#stream(effect, zxid)
        })
        return
      }
      case 'attached':
      case 'reply':
      case 'fail':
      case 'notify':
      case 'detachClient':
        return clients.tell(this, effect)
      case 'wakeAt':
        return this.#setAlarm(effect.at)
      case 'stop':
        this.stoppedBy = effect.error ?? 'closed'
        this.#down()
        this.disk.crash()
        this.#world.network.crashed(this.id, false)
        this.#world.tell(observer => observer.stopped?.(this, effect.error))
        this.#world.clients.peerGone(this)
        return
      case 'statusChanged':
      case 'report':
      case 'audit':
        return
      default:
        return unreachable(effect)
    }
  }

  /** A read that fails is a storage failure (D2), except where history was cut away or replaced under the reader. */
  #read<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof ZooKeeperError)) throw error
      if (error.code === 'HISTORY_CONFLICT') return undefined
      this.disk.fail()
      const { life } = this
      const { code, message: reason } = error
      this.#world.after(0, () => {
        if (life === this.life) this.receive({ kind: 'storageFailed', code, reason })
      })
      return undefined
    }
  }

  #setAlarm(at: number): void {
    this.#wakeAt = at
    const { life } = this
    const delay = Math.max(0, at - this.options.clockOffsetMs - this.#world.now) + this.options.timerLateMs()
    this.#world.after(delay, () => {
      if (life !== this.life || at !== this.#wakeAt) return
      this.#wakeAt = Number.POSITIVE_INFINITY
      this.receive({ kind: 'tick' })
    })
  }

  #beginStream(link: LinkId): object {
    const token = {}
    this.#streams.set(link, token)
    return token
  }

  /** In batches, with time between them, as far as the log is durable when the stream gets there. */
  #stream(effect: Omit<HistoryEffect, 'kind' | 'after'>, after: Zxid): void {
    const { link, upTo, as } = effect
    const token = this.#beginStream(link)
    let reached = after
    const end = (): void => {
      this.#streams.delete(link)
      this.receive({ kind: 'syncStreamEnded', link, zxid: reached })
    }
    const next = (): void => {
      if (this.#streams.get(link) !== token) return
      const batch = this.#read(() => this.disk.historyAfter(reached, BATCH_ENTRIES))
      if (this.disk.failed) return
      if (batch === undefined) {
        this.#streams.delete(link)
        this.#world.network.disconnect(link)
        return
      }
      for (const proposal of batch) {
        if (as === 'inform' && isAfter(proposal.zxid, upTo)) return end()
        this.#world.tell(observer => observer.streamed?.(this, link, proposal))
        this.#world.network.send(link, { kind: as, proposal })
        reached = proposal.zxid
      }
      if (batch.length < BATCH_ENTRIES && isAtMost(upTo, reached)) return end()
      this.#world.after(this.#world.streamDelayMs(), next)
    }
    this.#world.after(this.#world.streamDelayMs(), next)
  }
}
