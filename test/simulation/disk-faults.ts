/**
 * Breaks disks, in every way of invariants §4.2, each fault from a stream of its own (schedule.ts); and the operator who looks at a peer that refuses to start.
 *
 * Always holds (the limit of §4.2): damage to data is on one disk at a time, and on none while another voter has nothing yet; what it can take away
 * unnoticed, a quorum of others has. So each entry keeps a holder in every quorum, and what must be noticed can be.
 */
import type { DamageKind } from '../../lib/testing/disk-damage.js'
import type { SeededRandom } from '../../lib/testing/seeded-random.js'
import type { DiskFault, WriteFault } from '../../lib/testing/simulated-disk.js'
import type { SimulatedPeer } from '../../lib/testing/simulated-peer.js'
import type { World } from '../../lib/testing/world.js'
import type { Ledger } from './checkers/ledger.js'
import { isQuorum } from './quorum.js'
import type { Scenario } from './scenario.js'
import type { Schedule } from './schedule.js'
import type { Strikes } from './strikes.js'

export class DiskFaults {
  readonly counts = new Map<DiskFault, number>()
  readonly #world: World
  readonly #ledger: Pick<Ledger, 'falseStates' | 'falseDisks'>
  #active = true

  constructor(
    world: World,
    scenario: Scenario,
    schedule: Schedule,
    strikes: Strikes,
    ledger: Pick<Ledger, 'falseStates' | 'falseDisks'>,
  ) {
    this.#world = world
    this.#ledger = ledger
    world.observe({ diskFault: (_peer, fault) => this.#count(fault) })
    for (const peer of world.peers.values()) {
      peer.disk.mayLose = zxid => this.#othersHold(peer, zxid)
      peer.disk.mayDamage = () => this.#mayDamage()
    }
    if (scenario.diskFaultEveryMs !== undefined && scenario.diskFaults.length > 0)
      schedule.series(
        'disk fault',
        scenario.diskFaultEveryMs,
        () => this.#active,
        random => {
          const kind = random.pick(scenario.diskFaults)
          const waits = strikes.wait(random, kind, peer => this.#cause(kind, random, peer))
          return waits ?? this.#cause(kind, random)
        },
      )
  }

  heal(): void {
    this.#active = false
    for (const { disk } of this.#world.peers.values()) {
      disk.full = false
      disk.failRead = false
      disk.failNext(undefined)
      disk.stall(0)
    }
  }

  /** What an operator does about a peer that has refused to start. */
  attend(peer: SimulatedPeer): void {
    if (peer.refusedBy === 'DATA_CORRUPT') peer.disk.store.restoreIdentity()
  }

  #cause(kind: DiskFault, random: SeededRandom, aimed?: SimulatedPeer): string | undefined {
    const world = this.#world
    const leader = world.livePeers.find(each => each.core?.status.role === 'leading')
    const led = random.chance(0.3) ? leader : undefined
    const peer = aimed ?? led ?? random.pick([...world.peers.values()])
    const { disk } = peer
    // Who waited for a moment waits for one in which there is something to be done.
    const isVain = (fault: WriteFault): boolean => !peer.isUp || (aimed !== undefined && !disk.awaits(fault))
    switch (kind) {
      case 'syncFails':
      case 'writeFails':
        if (isVain(kind)) return
        disk.failNext(kind)
        break
      case 'stuckDisk':
        if (!peer.isUp || (aimed !== undefined && disk.idle)) return
        disk.stall(random.between(200, 6000))
        break
      case 'readError':
        if (random.chance(0.5)) this.#crash(peer, random)
        disk.failRead = true
        break
      case 'fullDisk':
        disk.full = true
        world.after(random.between(50, 3000), () => {
          disk.full = false
        })
        break
      case 'lostWrite':
      case 'misdirectedWrite':
      case 'rotSnapshot': {
        if (isVain(kind)) return
        disk.failNext(kind)
        // By the time it is done, its peer may be in another part.
        const { leader } = peer.core!.status
        if (aimed !== undefined && leader !== undefined && random.chance(0.4)) world.network.reset(peer.id, leader, 0)
        break
      }
      case 'oldCopy':
        disk.store.backUp()
        world.after(random.between(100, 3000), () => this.#damage(peer, kind, true, random))
        break
      case 'rotIdentity':
      case 'rotMark':
      case 'lostName':
        this.#damage(peer, kind, true, random)
        break
      case 'rotLog':
      case 'rotTree':
      case 'rotEpochs':
        if (aimed === undefined) this.#damage(peer, kind, random.chance(0.5), random)
        else if (!this.#damage(peer, kind, false, random, 300)) return
        break
      case 'tornWrite':
        // Comes with crashes; so a crash, at a moment when it can.
        if (aimed === undefined || !peer.isUp || !disk.mayTear) return
        this.#crash(peer, random)
        break
      case 'unsyncedLost':
        return
    }
    return `${kind} ${peer.id}`
  }

  #damage(peer: SimulatedPeer, kind: DamageKind, atRest: boolean, random: SeededRandom, unseenMs = 2000): boolean {
    if (!this.#active) return false
    if (atRest) this.#crash(peer, random)
    if (!this.#mayDamage() || !peer.disk.store.damage(kind)) return false
    // The limit holds for what is damaged at rest, too.
    if (!peer.isUp) peer.disk.store.settleFlaws(peer.disk.mayLose)
    if (!peer.disk.damaged) return false
    this.#count(kind)
    this.#world.struck(kind, peer)
    this.#world.note(`damage ${kind} ${peer.id}`)
    // What lies there unseen is found at the next start.
    if (!atRest) this.#world.after(random.between(0, unseenMs), () => this.#crash(peer, random))
    return true
  }

  #crash(peer: SimulatedPeer, random: SeededRandom): void {
    if (this.#active) peer.crash(random.chance(0.3))
  }

  #mayDamage(): boolean {
    const all = [...this.#world.peers.values()]
    // Whose state is false cannot take the place of one whose data are.
    if (this.#ledger.falseStates.size + this.#ledger.falseDisks.size > 0) return false
    return this.#world.voterIds().length > 1 && all.every(each => isWhole(this.#world, each))
  }

  #othersHold(peer: SimulatedPeer, zxid: Parameters<SimulatedPeer['disk']['covers']>[0]): boolean {
    const voters = this.#world.voterIds()
    if (!voters.includes(peer.id)) return true
    const holding = voters.filter(id => {
      const { disk } = this.#world.peer(id)
      return id !== peer.id && !disk.damaged && disk.covers(zxid)
    })
    return isQuorum(this.#world, holding)
  }

  #count(fault: DiskFault): void {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1)
  }
}

/** Its disk has what it was given; and it has a history, if it is a voter: with a fresh disk it is none yet (Z29). */
export function isWhole(world: World, { id, disk }: SimulatedPeer): boolean {
  return !disk.damaged && (disk.epochs.current > 0 || !world.voterIds().includes(id))
}
