/**
 * One peer of a simulated world: the core with a host around it that performs effects by virtual disk, network and clients.
 *
 * Always holds: an input is stepped and its effects performed in order before the next one; a crash may come between any two effects of a
 * step and loses the rest; the inputs of a peer that is paused, or busy with a slow step, wait and come in order, its disk goes on.
 * Mirrors host/peer-host.ts.
 */
import type { Effect } from '../core/effect.js'
import type { Input, Now } from '../core/input.js'
import type { PeerCore, PeerInitial } from '../core/peer.js'
import type { PeerStatus } from '../core/peer-status.js'
import type { ProtocolOptions } from '../core/protocol-options.js'
import type { Replica } from '../core/replica.js'
import type { EnsembleConfig } from '../model/ensemble-config.js'
import { ZooKeeperError } from '../model/errors.js'
import type { LinkId, PeerId } from '../model/ids.js'
import { unreachable } from '../model/invariant.js'
import { beginCore } from './begin-core.js'
import { pointOfEffect, pointOfInput } from './crash-points.js'
import type { SeededRandom } from './seeded-random.js'
import { SimulatedClock } from './simulated-clock.js'
import { type DiskOptions, SimulatedDisk } from './simulated-disk.js'
import { SimulatedStreams } from './simulated-streams.js'
import type { World, WorldObserver } from './world.js'

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

export class SimulatedPeer {
  readonly id: PeerId
  readonly disk: SimulatedDisk
  readonly options: SimulatedPeerOptions
  core: PeerCore | undefined
  /** Counts its starts: what was meant for a former life does not reach a later one. */
  life = 0
  readonly clock: SimulatedClock
  /** Its disk takes so many times longer than usual. */
  diskSlowness = 1
  /** Asked before each effect: whether it crashes now. */
  crashesMidStep: (() => boolean) | undefined
  /** Asked at each named point (crash-points.ts) that it comes past: whether it crashes there. */
  crashesAtPoint: ((point: string, peer: SimulatedPeer) => boolean) | undefined
  /** Whether it crashes right before, or right behind, this effect. For scripts. */
  crashesAt: (effect: Effect, where: 'before' | 'behind') => boolean = () => false
  /** How long its next step keeps it busy; nothing when undefined. */
  stepMs: (() => number) | undefined
  /** What it was, while it goes down. */
  fallen: PeerStatus | undefined
  stoppedBy: { readonly code: string; readonly message: string } | 'closed' | undefined
  /** Code of the error because of which it did not begin when it was last started. */
  refusedBy: string | undefined
  readonly #world: World
  #paused = false
  #busy = false
  #waiting: Input[] = []
  #wakeAt = Number.POSITIVE_INFINITY
  /** Counts them: the last one replaces those before. */
  #alarms = 0
  readonly #streams: SimulatedStreams

  constructor(id: PeerId, world: World, options: SimulatedPeerOptions) {
    this.id = id
    this.options = options
    this.#world = world
    this.clock = new SimulatedClock(options.clockOffsetMs)
    this.#streams = new SimulatedStreams(this, world)
    const disk = { ...options.disk, latencyMs: () => options.disk.latencyMs() * this.diskSlowness }
    this.disk = new SimulatedDisk(disk, {
      random: options.diskRandom,
      now: () => world.now,
      happened: fault => world.tell(observer => observer.diskFault?.(this, fault)),
      after: (delayMs, run) => world.after(delayMs, run),
      complete: input => this.receive(input),
      changed: change => world.diskChanged(this, change),
    })
  }

  get isUp(): boolean {
    return this.core !== undefined
  }
  get isPaused(): boolean {
    return this.#paused
  }

  now(): Now {
    return this.clock.now(this.#world.now)
  }

  start(): void {
    this.life += 1
    this.stoppedBy = undefined
    this.refusedBy = undefined
    this.crashesMidStep = undefined
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

  /** An input comes in; while the peer does nothing, or something else, it waits. */
  receive(input: Input): void {
    if (this.core === undefined) return
    if (this.#paused || this.#busy) this.#waiting.push(input)
    else this.#step(input)
  }

  pause(): void {
    this.#paused = this.isUp
  }

  resume(): void {
    this.#paused = false
    this.#goOn()
  }

  /** Its clock runs at this rate from now on. */
  drift(rate: number): void {
    this.clock.setRate(rate, this.#world.now)
    if (this.#wakeAt !== Number.POSITIVE_INFINITY) this.#setAlarm(this.#wakeAt)
  }

  #goOn(): void {
    const waiting = this.#waiting
    this.#waiting = []
    const { life } = this
    let taken = 0
    while (taken < waiting.length && !this.#paused && !this.#busy && this.life === life) this.receive(waiting[taken++]!)
    // Behind them stands what has come meanwhile.
    if (this.life === life) this.#waiting = [...waiting.slice(taken), ...this.#waiting]
  }

  /** Its process has so much to do elsewhere. */
  #rest(busyMs: number): void {
    if (busyMs <= 0) return
    const { life } = this
    this.#busy = true
    this.#world.after(busyMs, () => {
      if (life !== this.life) return
      this.#busy = false
      this.#goOn()
    })
  }

  /** @param silently its machine goes with it: nobody is told. */
  crash(silently: boolean): void {
    if (this.core === undefined) return
    this.#fall(silently, observer => observer.crashed?.(this))
  }

  /** Something in its memory is not what its log says. */
  falsify(change: (replica: Replica, peer: SimulatedPeer) => void): void {
    change(this.core!.replica, this)
    this.#world.tell(observer => observer.falsified?.(this))
  }

  linkClosed(link: LinkId): void {
    this.#streams.end(link)
    this.disk.linkClosed(link)
  }

  #fall(silently: boolean, told: (observer: WorldObserver) => void): void {
    this.fallen = this.core!.status
    this.core = undefined
    this.life += 1
    this.#paused = false
    this.#busy = false
    this.#waiting = []
    this.#streams.clear()
    this.disk.crash()
    this.#world.network.crashed(this.id, silently)
    this.#world.tell(told)
    this.#world.clients.peerGone(this)
    this.fallen = undefined
  }

  #step(input: Input): void {
    const { life } = this
    if (this.crashesAtPoint !== undefined && this.#crashesAtPoint(pointOfInput(input))) return
    const now = this.now()
    const effects = this.core!.step(input, now)
    this.#world.stepped(this, input, now, effects)
    for (const effect of effects) {
      const midStep = effect.kind !== 'audit' && this.crashesMidStep?.() === true
      if (midStep || this.crashesAt(effect, 'before')) return this.crash(false)
      const point = this.crashesAtPoint === undefined ? undefined : pointOfEffect(effect)
      if (point !== undefined && this.#crashesAtPoint(point.before)) return
      this.#world.performed(this, effect, input)
      this.#perform(effect)
      if (this.life !== life) return
      if (this.crashesAt(effect, 'behind')) return this.crash(false)
      if (point !== undefined && this.#crashesAtPoint(point.after)) return
    }
    if (this.stepMs !== undefined) this.#rest(this.stepMs())
  }

  #crashesAtPoint(point: string): boolean {
    if (this.crashesAtPoint?.(point, this) !== true) return false
    this.crash(false)
    return true
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
        return this.disk.submit(this.#world.handedOver(effect))
      case 'checkpoint':
        return this.disk.submitCheckpoint(effect)
      case 'sendHistory':
        return this.#streams.sendHistory(effect, effect.after)
      case 'sendSnapshot':
        return this.#streams.sendSnapshot(effect)
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
        return this.#fall(false, observer => observer.stopped?.(this, effect.error))
      case 'statusChanged':
        return this.#world.tell(observer => observer.statusChanged?.(this, effect.status))
      case 'report':
      case 'audit':
        return
      default:
        return unreachable(effect)
    }
  }

  /** A read that fails is a storage failure (D2), except where history was cut away or replaced under the reader. */
  read<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof ZooKeeperError)) throw error
      if (error.code === 'HISTORY_CONFLICT') return undefined
      this.disk.failedRead()
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
    this.#alarms += 1
    const alarm = this.#alarms
    const delay = this.clock.msUntil(at, this.#world.now) + this.options.timerLateMs()
    this.#world.after(delay, () => {
      if (life !== this.life || alarm !== this.#alarms) return
      this.#wakeAt = Number.POSITIVE_INFINITY
      this.receive({ kind: 'tick' })
    })
  }
}
