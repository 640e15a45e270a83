/** Breaks things, one fault after another, until told to stop; then heals. Each fault draws from its own stream (schedule.ts). */

import type { PeerId } from '../../lib/model/ids.js'
import { SeededRandom } from '../../lib/testing/seeded-random.js'
import type { SimulatedPeer } from '../../lib/testing/simulated-peer.js'
import type { World } from '../../lib/testing/world.js'
import type { Ledger } from './checkers/ledger.js'
import { causeClockFault } from './clock-faults.js'
import { DiskFaults, isWhole } from './disk-faults.js'
import { makeFalse } from './false-state.js'
import { causeNetworkFault } from './network-faults.js'
import { ProcessFaults } from './process-faults.js'
import { isQuorum } from './quorum.js'
import type { FaultKind, Scenario } from './scenario.js'
import type { Schedule } from './schedule.js'
import { SnapshotCuts } from './snapshot-cuts.js'
import { Strikes } from './strikes.js'

/** After the leader's disk has become slow. */
export const SUCCESSOR_CRASHES_MS = 4000

export class Faults {
  readonly #drawn: readonly FaultKind[]
  readonly #strikes: Strikes
  readonly #processes: ProcessFaults
  readonly #world: World
  readonly #schedule: Schedule
  readonly #seed: number
  readonly #ledger: Pick<Ledger, 'falseStates' | 'falseDisks'>
  readonly #disks: DiskFaults
  #restarting = true
  /** Peers that stay down until everything heals. */
  readonly #keptDown = new Set<SimulatedPeer>()

  constructor(
    world: World,
    scenario: Scenario,
    schedule: Schedule,
    ledger: Pick<Ledger, 'falseStates' | 'falseDisks'>,
  ) {
    this.#ledger = ledger
    this.#world = world
    this.#schedule = schedule
    this.#seed = scenario.world.seed
    const { families, faultEveryMs } = scenario
    this.#strikes = new Strikes(world, schedule, families?.seeks ?? families?.aimed === true)
    this.#disks = new DiskFaults(world, scenario, schedule, this.#strikes, ledger)
    // Those that wait for their moment are not drawn.
    this.#drawn = scenario.faults.filter(kind => kind !== 'cutSnapshot')
    if (faultEveryMs !== undefined && scenario.faults.includes('cutSnapshot'))
      new SnapshotCuts(world, schedule, this.#strikes)
    const restart = (peer: SimulatedPeer): void => this.#restartLater(peer)
    world.observe({ crashed: restart, stopped: restart, refused: restart })
    if (faultEveryMs !== undefined && this.#drawn.length > 0)
      schedule.series(
        'fault',
        faultEveryMs,
        () => this.#strikes.active,
        random => {
          const kind = random.pick(this.#drawn)
          const waits = this.#strikes.wait(random, kind, peer => this.#cause(kind, random, peer))
          return waits ?? this.#cause(kind, random)
        },
      )
    const processes = new ProcessFaults(this.#strikes, families?.crashesAt)
    this.#processes = processes
    this.#strikes.series('network fault', families?.network, causeNetworkFault)
    this.#strikes.series('process fault', families?.process, (kind, target, random) =>
      processes.cause(kind, target, random),
    )
    this.#strikes.series('clock fault', families?.clock, causeClockFault)
    if (scenario.slowLeaderAtMs !== undefined) this.#slowLeader(scenario.slowLeaderAtMs)
  }

  #slowLeader(atMs: number): void {
    const world = this.#world
    const leader = () => world.livePeers.find(peer => peer.core!.status.role === 'leading')!
    world.after(atMs, () => {
      leader().diskSlowness = 100
    })
    world.after(atMs + SUCCESSOR_CRASHES_MS, () => {
      if (leader().diskSlowness === 1) leader().crash(false)
    })
  }

  get counts(): ReadonlyMap<string, number> {
    return new Map<string, number>([...this.#strikes.counts, ...this.#disks.counts])
  }

  /** How often a peer has crashed at each named point. */
  get points(): ReadonlyMap<string, number> {
    return this.#processes.points
  }

  /** No more of them. A minority of voters (and any observer) may stay down or cut off: a quorum must do. */
  healQuorum(): void {
    this.#strikes.heal()
    const { network, peers } = this.#world
    network.heal()
    this.#world.slowness = 1
    const voters = this.#world.voterIds()
    // A damaged voter needs a quorum of the others, and so does one with a fresh disk (Z29), or with a false state (Z31): its log may be the only
    // one with all that is committed. The first start of all needs every one.
    this.#disks.heal()
    const lacking = voters
      .map(id => this.#world.peer(id))
      .filter(each => this.#isFalse(each) || !isWhole(this.#world, each)).length
    const spare = Math.max(0, Math.floor((voters.length - 1) / 2) - lacking)
    const random = new SeededRandom(this.#seed, 'heal')
    const down = random.below(spare + 1)
    for (let count = 0; count < down; count++) this.#keptDown.add(this.#world.peer(random.pick(voters)))
    // Where some count more than others, fewer may be missing.
    const isUp = (id: PeerId) => !this.#keptDown.has(this.#world.peer(id)) && isWhole(this.#world, this.#world.peer(id))
    for (const peer of [...this.#keptDown]) if (!isQuorum(this.#world, voters.filter(isUp))) this.#keptDown.delete(peer)
    for (const peer of peers.values()) {
      peer.resume()
      peer.diskSlowness = 1
      peer.crashesMidStep = undefined
      peer.receive({ kind: 'storageSpace', low: false })
      if (this.#keptDown.has(peer)) peer.crash(random.chance(0.5))
      else if (!peer.isUp) this.#start(peer)
      // Refused only now.
      if (!peer.isUp && !this.#keptDown.has(peer)) this.#start(peer)
    }
  }

  healAll(): void {
    this.#keptDown.clear()
    for (const peer of this.#world.peers.values()) {
      if (!peer.isUp) this.#start(peer)
      if (!peer.isUp) this.#start(peer)
    }
  }

  stopRestarting(): void {
    this.#restarting = false
  }

  /** What it did, if it did anything. */
  #cause(kind: FaultKind, random: SeededRandom, aimed?: SimulatedPeer): string | undefined {
    const world = this.#world
    const hit = (...peers: readonly SimulatedPeer[]): void => this.#strikes.hit(kind, ...peers)
    const all = [...world.peers.values()]
    const { network } = world
    const peer = random.pick(all)
    const other = random.pick(all)
    const isLeader = (each: SimulatedPeer | undefined) => each?.core?.status.role === 'leading'
    const leader = isLeader(aimed) ? aimed! : (world.livePeers.find(isLeader) ?? peer)
    const target = aimed ?? (random.chance(0.4) ? leader : peer)
    switch (kind) {
      case 'crash':
        if (!target.isUp) return
        hit(target)
        target.crash(random.chance(0.3))
        break
      case 'crashMidStep': {
        if (!target.isUp) return
        let effects = random.below(30)
        target.crashesMidStep = () => {
          if (effects-- > 0) return false
          hit(target)
          return true
        }
        break
      }
      case 'crashAll':
        if (random.chance(0.5)) return
        hit(...world.livePeers)
        for (const each of world.livePeers) each.crash(random.chance(0.3))
        break
      case 'resetLink': {
        const one = random.chance(0.5) && aimed === undefined ? leader : target
        if (!network.reset(one.id, other.id, 0)) return
        hit(one, other)
        break
      }
      case 'flapLearner': {
        // Comes back, and goes again, while what it asked for is still under way.
        const learner = random.chance(0.5) ? ([...world.peers.values()].at(-1) ?? other) : other
        if (learner === leader) return
        for (let times = 1 + random.below(4); times > 0; times--)
          world.after(random.between(0, 600), () => {
            if (network.reset(leader.id, learner.id, 0)) hit(leader, learner)
          })
        break
      }
      case 'halfOpenLink':
        if (!network.reset(target.id, other.id, random.between(100, 3000))) return
        hit(target, other)
        break
      case 'partition': {
        const side = [...world.peers.keys()].filter(() => random.chance(0.5))
        const there = [...world.peers.keys()].filter(id => !side.includes(id))
        hit(...all)
        for (const a of side) for (const b of there) this.#cut(a, b, true, random)
        this.#healLater(random, () => network.heal())
        break
      }
      case 'oneWayPartition': {
        if (target === other) return
        hit(target, other)
        network.block(target.id, other.id)
        this.#healLater(random, () => network.unblock(target.id, other.id))
        break
      }
      case 'isolateLeader':
        if (!isLeader(leader)) return
        hit(leader)
        for (const id of world.peers.keys()) if (id !== leader.id) this.#cut(leader.id, id, random.chance(0.7), random)
        this.#healLater(random, () => network.heal())
        break
      case 'slowNetwork':
        hit(...all)
        world.slowness = random.between(2, 60)
        this.#healLater(random, () => {
          world.slowness = 1
        })
        break
      case 'slowDisk': {
        const slow = all.filter(() => random.chance(0.5))
        hit(...slow)
        for (const each of slow) each.diskSlowness = random.between(2, 100)
        this.#healLater(random, () => {
          for (const each of all) each.diskSlowness = 1
        })
        break
      }
      case 'slowLeaderDisk':
        if (!isLeader(leader)) return
        hit(leader)
        leader.diskSlowness = random.between(20, 200)
        this.#healLater(random, () => {
          leader.diskSlowness = 1
        })
        break
      case 'pause':
        if (!target.isUp || target.isPaused) return
        hit(target)
        target.pause()
        this.#healLater(random, () => target.resume())
        break
      case 'wallClockStep':
        hit(target)
        target.clock.wallOffsetMs += Math.floor(random.between(-1, 1) * 10 ** random.between(1, 10))
        break
      case 'falseState':
        // One at a time: whose state is false is what most others say, and they must be able to.
        if (!target.isUp || target.isPaused || target.disk.isInstalling || this.#somebodyIsFalse) return
        if (![...world.peers.values()].every(each => isWhole(world, each))) return
        hit(target)
        target.falsify(makeFalse)
        break
      case 'storageLow':
        if (!target.isUp) return
        hit(target)
        target.receive({ kind: 'storageSpace', low: true })
        this.#healLater(random, () => target.receive({ kind: 'storageSpace', low: false }))
        break
      case 'wipe': {
        // With most disks gone at once there is nothing to be right about.
        const voters = world.voterIds().map(id => world.peer(id))
        const whole = voters.filter(each => isWhole(world, each) && !this.#isFalse(each))
        const left = whole.filter(each => each !== target).map(({ id }) => id)
        if (!target.isUp || !whole.includes(target) || !isQuorum(world, left)) return
        hit(target)
        target.crash(random.chance(0.3))
        target.disk.store.wipe()
        world.tell(observer => observer.wiped?.(target))
        break
      }
      case 'gracefulClose':
        if (!target.isUp) return
        hit(target)
        target.receive({ kind: 'close' })
        break
      case 'cutSnapshot':
        return
    }
    return `${kind} ${target.id} ${other.id}`
  }

  #cut(a: SimulatedPeer['id'], b: SimulatedPeer['id'], bothWays: boolean, random: SeededRandom): void {
    const { network } = this.#world
    network.block(a, b)
    if (bothWays) network.block(b, a)
    if (random.chance(0.5)) network.reset(a, b, random.between(0, 500))
  }

  get #somebodyIsFalse(): boolean {
    return this.#ledger.falseStates.size + this.#ledger.falseDisks.size > 0
  }

  #isFalse({ id, core }: SimulatedPeer): boolean {
    const { falseStates, falseDisks } = this.#ledger
    return falseStates.has(id) || falseDisks.has(id) || core?.status.diverged === true
  }

  #healLater(random: SeededRandom, heal: () => void): void {
    this.#world.after(random.between(50, 4000), heal)
  }

  #restartLater(peer: SimulatedPeer): void {
    const random = this.#schedule.aftermath(`restart of ${peer.id}`)
    this.#world.after(random.between(5, 1500), () => {
      if (!peer.isUp && !this.#keptDown.has(peer) && this.#restarting) this.#start(peer)
    })
  }

  #start(peer: SimulatedPeer): void {
    this.#disks.attend(peer)
    peer.start()
  }
}
