/** Breaks a world of real peers, one fault after another, until told to stop; then heals. Each fault draws from its own stream (../schedule.ts). */
import type { PeerId } from '../../../lib/model/ids.js'
import type { SeededRandom } from '../../../lib/testing/seeded-random.js'
import type { VirtualTime } from '../../../lib/testing/virtual/timeline.js'
import type { VirtualEnsemble } from '../../../lib/testing/virtual/virtual-ensemble.js'
import type { VirtualPeer } from '../../../lib/testing/virtual/virtual-peer.js'
import type { Schedule } from '../schedule.js'
import type { Place } from './host-places.js'
import type { HostFaultKind, HostScenario } from './host-scenario.js'

const PLENTY = 1024 ** 4

export class HostFaults {
  readonly counts = new Map<HostFaultKind, number>()
  /** When a peer last went on after standing still. */
  readonly resumedAt = new Map<PeerId, number>()
  readonly #ensemble: VirtualEnsemble
  readonly #roaming: readonly Place[]
  readonly #time: VirtualTime
  readonly #schedule: Schedule
  readonly #calm: boolean
  #active = true
  #restarting = true

  constructor(
    ensemble: VirtualEnsemble,
    places: readonly Place[],
    time: VirtualTime,
    scenario: HostScenario,
    schedule: Schedule,
  ) {
    this.#ensemble = ensemble
    this.#roaming = places.filter(({ home }) => home === undefined)
    this.#time = time
    this.#schedule = schedule
    const { faultEveryMs, faults } = scenario
    this.#calm = faultEveryMs === undefined || faults.length === 0
    if (faultEveryMs !== undefined && faults.length > 0)
      schedule.series(
        'fault',
        faultEveryMs,
        () => this.#active,
        random => this.#cause(random.pick(faults), random),
      )
    this.#lookForTheDead(1)
  }

  /** Nothing goes wrong, by the seed or by now. */
  get quiet(): boolean {
    return this.#calm || !this.#active
  }

  heal(): void {
    this.#active = false
    this.#ensemble.network.heal()
    this.#ensemble.slowness = 1
    for (const peer of this.#peers) {
      this.#resume(peer)
      peer.disk.release()
      peer.disk.failNext = false
      peer.disk.failRead = false
      peer.disk.full = false
      peer.disk.freeBytes = PLENTY
    }
  }

  stopRestarting(): void {
    this.#restarting = false
  }

  start(peer: VirtualPeer): void {
    // A peer may crash while it starts.
    peer.start().catch(() => undefined)
  }

  get #peers(): VirtualPeer[] {
    return [...this.#ensemble.peers.values()]
  }

  /** Whoever is down or has failed comes back after a while, as under a supervisor. */
  #lookForTheDead(look: number): void {
    this.#time.after(50, () => {
      if (!this.#restarting) return
      for (const peer of this.#peers) {
        const dead = peer.process === undefined || (peer.lives > 0 && peer.ended)
        if (!dead) continue
        const random = this.#schedule.aftermath(`look ${look} at ${peer.id}`)
        if (random.chance(this.#active ? 0.1 : 0.5)) this.start(peer)
      }
      this.#lookForTheDead(look + 1)
    })
  }

  /** What it did, if it did anything. */
  #cause(kind: HostFaultKind, random: SeededRandom): string | undefined {
    const { network } = this.#ensemble
    const peer = random.pick(this.#peers)
    const leader = this.#ensemble.running.find(each => each.opened!.status.role === 'leading') ?? peer
    const target = random.chance(0.4) ? leader : peer
    // Of a peer that is alone, itself: nothing comes of what takes two.
    const other = random.pick(this.#peers.length > 1 ? this.#peers.filter(each => each !== target) : this.#peers)
    const ids = this.#peers.map(({ id }) => id)
    switch (kind) {
      case 'crash':
      case 'crashSilently':
        if (target.process === undefined) return
        target.crash(kind === 'crashSilently')
        break
      case 'crashAll':
        if (random.chance(0.5)) return
        for (const each of this.#peers) each.crash(random.chance(0.3))
        break
      case 'resetLink':
        if (!network.reset(target.id, other.id, 0)) return
        break
      case 'halfOpenLink':
        if (!network.reset(target.id, other.id, random.between(100, 3000))) return
        break
      case 'damagedFrame':
        if (!network.damage(target.id, other.id, random.pick(['cut', 'flipped']))) return
        break
      case 'narrowLink':
      case 'crumblingLink':
        if (target === other) return
        // From one byte at a time, up to what a snapshot takes seconds for.
        network.narrow(
          target.id,
          other.id,
          kind === 'crumblingLink'
            ? { bytes: 1, everyMs: random.between(0, 0.2) }
            : { bytes: 20 + random.below(2000), everyMs: random.between(1, 10) },
        )
        this.#time.after(kind === 'crumblingLink' ? random.between(10, 100) : random.between(50, 3000), () =>
          network.widen(target.id, other.id),
        )
        break
      case 'partition': {
        const side = ids.filter(() => random.chance(0.5))
        const there = ids.filter(id => !side.includes(id))
        for (const a of side) for (const b of there) this.#cut(a, b, true, random)
        this.#later(random, () => network.heal())
        break
      }
      case 'oneWayPartition':
        if (target === other) return
        network.block(target.id, other.id)
        this.#later(random, () => network.unblock(target.id, other.id))
        break
      case 'clog':
        if (target === other) return
        network.block(target.id, other.id)
        this.#time.after(random.between(5, 300), () => network.unblock(target.id, other.id))
        break
      case 'isolateLeader':
        for (const id of ids) if (id !== leader.id) this.#cut(leader.id, id, random.chance(0.7), random)
        this.#later(random, () => network.heal())
        break
      case 'slowNetwork':
        this.#ensemble.slowness = random.between(2, 40)
        this.#later(random, () => {
          this.#ensemble.slowness = 1
        })
        break
      case 'slowDisk':
        for (const each of this.#peers) if (random.chance(0.5)) each.disk.slowness = random.between(2, 100)
        this.#later(random, () => {
          for (const each of this.#peers) each.disk.slowness = 1
        })
        break
      case 'diskError':
        if (target.process === undefined) return
        target.disk.failNext = true
        break
      case 'readError':
        target.disk.failRead = true
        // Or it is history, or a snapshot, that cannot be read.
        if (random.chance(0.5)) target.crash(false)
        break
      case 'stuckDisk':
        target.disk.stall(random.between(200, 6000))
        break
      case 'fullDisk':
        target.disk.full = true
        this.#later(random, () => {
          target.disk.full = false
        })
        break
      case 'damagedDisk':
      case 'wipedDisk':
        if (!this.#mayDamage) return
        target.crash(random.chance(0.3))
        if (kind === 'damagedDisk') target.disk.corrupt()
        else target.disk.wipe()
        break
      case 'lowDisk':
        target.disk.freeBytes = 1000
        this.#later(random, () => {
          target.disk.freeBytes = PLENTY
        })
        break
      case 'pause':
        if (target.process === undefined || target.process.paused) return
        target.process.pause()
        // Up to ten session timeouts: all of its timers are due at once then.
        this.#time.after(random.chance(0.3) ? random.between(1000, 10_000) : random.between(50, 3000), () =>
          this.#resume(target),
        )
        break
      case 'wallClockStep':
        target.process?.stepWall(Math.floor(random.between(-1, 1) * 10 ** random.between(1, 10)))
        break
      case 'moveSession':
        if (this.#roaming.length === 0) return
        if (!random.pick(this.#roaming).move(random.chance(0.5) ? 0 : random.between(0, 3000))) return
        break
      case 'gracefulClose':
        if (target.opened === undefined || target.process!.paused) return
        target.close().catch(() => undefined)
        break
    }
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
    return `${kind} ${target.id} ${other.id}`
  }

  /** One disk at a time, and only while every voter has a history: each entry keeps a holder in every quorum (invariants §4.2). */
  get #mayDamage(): boolean {
    const { voters } = this.#ensemble
    return voters.length > 1 && voters.every(id => this.#ensemble.peer(id).disk.whole)
  }

  #resume(peer: VirtualPeer): void {
    if (!peer.process?.paused) return
    peer.process.resume()
    this.resumedAt.set(peer.id, this.#time.now())
  }

  #cut(a: PeerId, b: PeerId, bothWays: boolean, random: SeededRandom): void {
    const { network } = this.#ensemble
    network.block(a, b)
    if (bothWays) network.block(b, a)
    if (random.chance(0.5)) network.reset(a, b, random.between(0, 500))
  }

  #later(random: SeededRandom, heal: () => void): void {
    this.#time.after(random.between(50, 3000), heal)
  }
}
