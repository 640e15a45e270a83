/**
 * A story on the simulated world of test/simulation, told step by step: nothing goes wrong but what the story says, and every checker watches.
 *
 * Always holds: a step that does not come about is an Error, a promise that is broken is a Violation: so a story is red for the right reason or not at all.
 * What is held back — messages of a kind on a link, and all behind them; writes of a kind on a disk — waits until it is released. Virtual time.
 * Before: played.ts makes tests of stories. After: lib/testing/world.ts.
 */
import type { Effect } from '../../../lib/core/effect.js'
import type { PeerMessage } from '../../../lib/core/zab/messages.js'
import type { PeerId } from '../../../lib/model/ids.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import { compareZxid, sameZxid, type Zxid } from '../../../lib/model/zxid.js'
import type { Call } from '../../../lib/testing/simulated-client.js'
import type { DiskOperation } from '../../../lib/testing/simulated-disk.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import { World, type WorldOptions } from '../../../lib/testing/world.js'
import { type Check, makeCheckers } from '../checkers/checkers.js'
import type { Ledger } from '../checkers/ledger.js'
import { Violation } from '../checkers/violation.js'
import { close, converged, states } from '../run.js'
import { Minutes } from './minutes.js'
import { Teller } from './teller.js'

export interface Held {
  /** Something waits there now. */
  readonly waiting: boolean
  release(): void
}

type MessageKind = PeerMessage['kind'] | 'snapshotImage'
type WriteKind = DiskOperation['kind'] | 'checkpoint'

/** In virtual milliseconds; a tick has 200. */
const PATIENCE_MS = 20_000

export class Script {
  readonly world: World
  readonly ledger: Ledger
  /** What was sent, heard and written. */
  readonly minutes: Minutes
  readonly #checks: readonly Check[]
  readonly #tellers: Teller[] = []
  readonly #holding = new Set<() => void>()

  constructor(voters: number, options: Partial<WorldOptions> = {}) {
    // Nobody makes a checkpoint unless the story has one.
    const plain = { observers: 0, checkpointEntries: 1_000_000, entriesKept: 1_000_000, networkMs: 0.5, diskMs: 0.5 }
    this.world = new World({ seed: 1, ...plain, ...options, voters })
    const { all, ledger } = makeCheckers(this.world)
    this.#checks = all
    this.ledger = ledger
    this.minutes = new Minutes(this.world)
  }

  /** All of them at their first start. The one with the largest id leads. */
  static begin(voters: number, options: Partial<WorldOptions> = {}): Script {
    const script = new Script(voters, options)
    for (const peer of script.world.peers.values()) peer.start()
    script.all('serve at first', ({ core }) => core!.status.serving)
    script.reached('the largest id leads', script.leader === voters)
    return script
  }

  // --- who is who

  peer(id: number): SimulatedPeer {
    return this.world.peer(id as PeerId)
  }
  status(id: number) {
    const { core } = this.peer(id)
    if (core === undefined) throw new Error(`peer ${id} is down: ${states(this.world)}`)
    return core.status
  }
  /** The one who leads and serves with the latest epoch; undefined while nobody does. */
  get leader(): number | undefined {
    const leading = this.world.livePeers.filter(({ core }) => core!.status.role === 'leading' && core!.status.serving)
    return leading.sort((a, b) => b.core!.status.epoch - a.core!.status.epoch)[0]?.id
  }
  /** Whether the disk holds the entry now. */
  has(id: number, zxid: Zxid): boolean {
    return this.peer(id).disk.covers(zxid)
  }
  log(id: number): readonly Proposal[] {
    return this.peer(id).disk.entries
  }

  // --- time

  run(ms: number): void {
    this.world.run(this.world.now + ms)
  }
  /** Lets time pass until then. */
  until(what: string, condition: () => boolean, ms = PATIENCE_MS): void {
    if (!this.world.run(this.world.now + ms, condition)) this.reached(what, false)
  }
  all(what: string, condition: (peer: SimulatedPeer) => boolean, ms = PATIENCE_MS): void {
    this.until(what, () => this.world.livePeers.every(condition), ms)
  }
  serving(...ids: number[]): void {
    this.until(`peers ${ids} serve`, () => ids.every(id => this.peer(id).isUp && this.status(id).serving))
  }
  /** On their disks. */
  allHaveAll(): void {
    this.all('all have all', ({ disk }) => sameZxid(disk.last, this.lastOn(this.leader!)))
  }
  /** A leader among these, of which all serve. */
  led(...ids: number[]): number {
    this.serving(...ids)
    this.until('one of them leads', () => this.leader !== undefined)
    return this.leader!
  }

  /** The story is where it wants to be. */
  reached(what: string, is: boolean): void {
    if (!is) throw new Error(`the story does not come about: ${what}; ${states(this.world)}`)
  }
  /** What the row promises. */
  demand(row: string, what: string, is: boolean): void {
    if (!is) throw new Violation(row, `not so: ${what}; ${states(this.world)}`)
  }
  /** The same, in time. */
  soon(row: string, what: string, condition: () => boolean, ms = PATIENCE_MS): void {
    if (!this.world.run(this.world.now + ms, condition)) this.demand(row, what, false)
  }

  // --- what goes wrong

  /** What comes from there next of these kinds waits, and all behind it, from now on; of proposals, those that `which` says. */
  holdLink(from: number, to: number, kinds: readonly MessageKind[], which?: (message: PeerMessage) => boolean): Held {
    const { network } = this.world
    const before = network.holds
    const held = { waiting: false, active: true }
    network.holds = (a, b, parcel) => {
      const named = kinds.includes(parcel.kind) && (parcel.kind === 'snapshotImage' || (which?.(parcel) ?? true))
      if (!held.active || a !== from || b !== to || !named) return before(a, b, parcel)
      held.waiting = true
      return true
    }
    return this.#held(held, () => network.release())
  }

  /** Such writes are not done, from now on. */
  holdDisk(id: number, ...kinds: readonly WriteKind[]): Held {
    const { disk } = this.peer(id)
    const before = disk.holds
    const held = { waiting: false, active: true }
    disk.holds = write => {
      if (!held.active || !kinds.includes(write)) return before(write)
      held.waiting = true
      return true
    }
    return this.#held(held, () => disk.release())
  }

  #held(held: { waiting: boolean; active: boolean }, again: () => void): Held {
    const release = (): void => {
      if (!held.active) return
      held.active = false
      held.waiting = false
      again()
    }
    this.#holding.add(release)
    return {
      get waiting() {
        return held.waiting
      },
      release,
    }
  }

  /** Neither hears the other; both know that the link is gone. */
  cut(a: number, ...others: number[]): void {
    const { network } = this.world
    for (const b of others) {
      network.block(a as PeerId, b as PeerId)
      network.block(b as PeerId, a as PeerId)
      network.reset(a as PeerId, b as PeerId, 0)
    }
  }
  mend(a: number, ...others: number[]): void {
    for (const b of others) {
      this.world.network.unblock(a as PeerId, b as PeerId)
      this.world.network.unblock(b as PeerId, a as PeerId)
    }
  }
  reset(a: number, b: number): void {
    this.reached(`there is a link from ${a} to ${b}`, this.world.network.reset(a as PeerId, b as PeerId, 0))
  }

  crash(...ids: number[]): void {
    for (const id of ids) this.cutPower(id, 0)
  }
  /** Of what is under way on its disk, so many synced writes are there afterwards. */
  cutPower(id: number, keeps: number): void {
    const peer = this.peer(id)
    peer.disk.keeps = keeps
    peer.crash(false)
    peer.disk.keeps = undefined
  }
  /** The same in the middle of a step, before or behind this effect. */
  crashAt(id: number, where: 'before' | 'behind', which: (effect: Effect) => boolean): void {
    const peer = this.peer(id)
    peer.disk.keeps = 0
    peer.crashesAt = (effect, at) => at === where && which(effect)
  }
  start(...ids: number[]): void {
    for (const id of ids) this.peer(id).start()
  }
  comeBack(id: number): void {
    this.start(id)
    this.serving(id)
  }
  restart(id: number): void {
    this.crash(id)
    this.comeBack(id)
  }

  // --- clients

  client(at: number): Teller {
    const teller = new Teller(this.world, () => this.leader)
    this.#tellers.push(teller)
    this.attach(teller, at)
    return teller
  }
  attach(teller: Teller, at: number): void {
    this.serving(at)
    teller.attach(this.peer(at))
    this.until(`a client is attached to ${at}`, () => teller.attached)
  }
  /** So many writes, one after another; each is answered. */
  writes(teller: Teller, count: number): void {
    for (let left = count; left > 0; left--) this.answered(teller.write())
  }
  answered(call: Call): void {
    this.until(`${call.request.kind} is answered`, () => call.outcome?.kind === 'answered')
  }
  /** The place of a write that was told to be done. */
  placeOf(call: Call): Zxid {
    if (call.outcome?.kind !== 'answered') throw new Error('it was not answered')
    return call.outcome.zxid
  }
  /** Writes that only the leader has: what it sent of them is held back, or lost when it is gone. The last of them. */
  writeAlone(teller: Teller, count: number): Zxid {
    const { leader } = this
    const before = this.lastOn(leader!)
    for (const { id, isUp } of this.world.peers.values())
      if (isUp && id !== leader) this.holdLink(leader!, id, ['proposal'])
    for (let left = count; left > 0; left--) teller.write()
    this.until('the leader has logged them', () => this.lastOn(leader!).counter === before.counter + count)
    const last = this.lastOn(leader!)
    this.reached('nobody else has', !this.isCommitted(last))
    return last
  }
  releaseAll(): void {
    for (const release of this.#holding) release()
    this.#holding.clear()
  }
  /** The last entry on that disk. */
  lastOn(id: number): Zxid {
    return this.peer(id).disk.last
  }
  isCommitted(zxid: Zxid): boolean {
    return this.ledger.at(zxid) !== undefined || compareZxid(zxid, this.ledger.last) <= 0
  }

  // --- the end

  /** All is well again: everybody comes back, agrees, works on, and closes with nothing left. */
  end(): void {
    this.releaseAll()
    const { world } = this
    // What a story has put in its place.
    Reflect.deleteProperty(world, 'streamDelayMs')
    world.network.heal()
    for (const peer of world.peers.values()) {
      peer.resume()
      peer.crashesAt = () => false
      peer.disk.keeps = undefined
      peer.disk.full = false
      if (!peer.isUp) peer.start()
    }
    this.soon('L1', 'everybody serves at the end', () =>
      [...world.peers.values()].every(({ core }) => core?.status.serving),
    )
    const last = this.client(this.leader!)
    const call = last.write()
    this.soon('L2', 'a write is answered at the end', () => call.outcome?.kind === 'answered')
    for (const teller of this.#tellers) teller.leave()
    this.soon('L2', 'every client comes to its end', () => this.#tellers.every(each => each.gone))
    world.run(world.now + 2 * world.protocol.sessionTimeoutMaxMs)
    converged(world)
    close(world, { stopRestarting: () => {} })
    for (const check of this.#checks) check.atEnd?.()
  }
}
