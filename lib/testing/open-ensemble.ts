/**
 * What users' own tests hold: a whole ensemble in their process, whose members can be killed, paused and cut off from each other, on
 * virtual time (a failover takes milliseconds) or on the real one. The peers, clients and codecs are those of production.
 *
 * Always holds: equal seeds and equal tests give equal runs on virtual time (docs/testing.md says what makes a test unequal); after
 * `close()` no peer runs and no timer of the ensemble is left. Errors: BAD_OPTIONS, BAD_ARGUMENTS, OPERATION_TIMEOUT, CLOSED.
 * Before: index.ts. After: virtual/virtual-ensemble.ts, virtual/driver.ts.
 */
import type { ClientClock } from '../client/channel.js'
import type { Client } from '../client/client.js'
import type { ClientOptions } from '../client/client-options.js'
import type { OpenedPeer } from '../host/peer.js'
import { ZooKeeperError } from '../model/errors.js'
import type { PeerId } from '../model/ids.js'
import { type EnsembleOptions, resolveEnsembleOptions } from './ensemble-options.js'
import { type Driver, RealDriver, VirtualDriver } from './virtual/driver.js'
import { realTimeline, VirtualTime } from './virtual/timeline.js'
import { VirtualEnsemble } from './virtual/virtual-ensemble.js'
import type { VirtualPeer } from './virtual/virtual-peer.js'

const LIMIT_MS = 120_000

/**
 * Opens an ensemble of `size` voters (1 … 7), numbered from 1, in this process; resolves when it works.
 *
 * @example
 * await using ensemble = await openEnsemble(3, { seed: 7 })
 * const zk = await ensemble.client(1, { codec: json })
 * await zk.create('/config', { dark: true })
 * ensemble.kill(ensemble.leader()!)
 * await ensemble.until(() => ensemble.leader() !== undefined)
 * @throws BAD_OPTIONS with every complaint
 */
export async function openEnsemble(size: number, options: EnsembleOptions = {}): Promise<Ensemble> {
  const { clock, seed, observers, networkMs, diskMs, peer, logger } = resolveEnsembleOptions(size, options)
  const driver = clock === 'virtual' ? new VirtualDriver(new VirtualTime()) : new RealDriver(realTimeline())
  const world = new VirtualEnsemble({
    timeline: driver.timeline,
    seed,
    voters: size,
    observers,
    networkMs,
    diskMs,
    peer,
    pace: () => ({ waiting: driver.waiting }),
    ...(logger === undefined ? {} : { logger: (id: PeerId) => logger(id) }),
  })
  const ensemble = new Ensemble(world, driver)
  try {
    await ensemble.run(Promise.all([...world.peers.values()].map(each => each.start())))
    await ensemble.until(() => world.running.every(({ opened }) => opened!.status.serving))
  } catch (error) {
    await ensemble.close()
    throw error
  }
  return ensemble
}

/** An ensemble for tests. Made by `openEnsemble`. */
export class Ensemble implements AsyncDisposable {
  /**
   * The ensemble's time, for code under test that takes a clock: `now()` in ms since the ensemble was made, and `schedule(ms, callback)`,
   * which returns how to cancel. On virtual time the process's own timers know nothing of it.
   *
   * @example const retry = new Retry({ clock: ensemble.clock })
   */
  readonly clock: ClientClock
  readonly #world: VirtualEnsemble
  readonly #driver: Driver
  #closed = false

  /** Internal: use `openEnsemble`. */
  constructor(world: VirtualEnsemble, driver: Driver) {
    this.#world = world
    this.#driver = driver
    const { timeline } = driver
    this.clock = { now: () => timeline.now(), schedule: (afterMs, callback) => timeline.after(afterMs, callback) }
  }

  /** The peers that run, by id; each as `Peer.open` gives it. @example ensemble.peers.get(2)?.status.role */
  get peers(): ReadonlyMap<number, OpenedPeer> {
    return new Map(this.#world.running.map(({ id, opened }) => [id, opened!]))
  }

  /**
   * Opens a session on one of the peers, as `peer.client` does.
   *
   * @example await using zk = await ensemble.client(1, { codec: json })
   * @param id of the peer. @default the first one that runs and is not paused
   * @throws BAD_ARGUMENTS when that peer does not run, and what `peer.client` throws
   */
  async client<T = Uint8Array>(id?: number, options: ClientOptions<T> = {}): Promise<Client<T>> {
    this.#requireOpen()
    const any = this.#world.running.find(({ process }) => process?.paused === false)
    const peer = id === undefined ? any : this.#peer(id)
    if (peer === undefined) throw new ZooKeeperError('BAD_ARGUMENTS', 'no peer runs')
    return peer.client(options)
  }

  /** The id of the peer that leads a working majority; undefined while there is none. @example ensemble.kill(ensemble.leader()!) */
  leader(): number | undefined {
    let leader: { id: number; epoch: number } | undefined
    for (const { id, process, opened } of this.#world.running) {
      const { role, serving, epoch } = opened!.status
      // One that stands still, or is cut off, goes on believing it for a while: the newest epoch is right.
      if (role === 'leading' && serving && !process!.paused && epoch > (leader?.epoch ?? -1)) leader = { id, epoch }
    }
    return leader?.id
  }

  /**
   * Ends a peer's process: nothing more of it reaches the others or its disk; what it had not yet written may be lost. Its clients are told
   * CLOSED; their sessions expire at the others, as after a real crash.
   *
   * @example ensemble.kill(2)
   * @throws BAD_ARGUMENTS when it does not run
   */
  kill(id: number): void {
    this.#up(id).crash(false)
  }

  /**
   * Starts a peer that was killed or closed, on the disk that it left; resolves when it runs. `peer.serving()` tells when it is back in.
   *
   * @example const peer = await ensemble.restart(2)
   * @throws BAD_ARGUMENTS when it runs
   */
  async restart(id: number): Promise<OpenedPeer> {
    this.#requireOpen()
    return this.run(this.#peer(id).start())
  }

  /**
   * Cuts the network into groups that hear nothing of each other; who is not named is alone. In place of an earlier partition. What is
   * said across waits, as TCP has it, until `heal()` or until either side gives up.
   *
   * @example ensemble.partition([[1], [2, 3]])
   * @throws BAD_ARGUMENTS for an id that there is not, or twice
   */
  partition(groups: readonly (readonly number[])[]): void {
    this.#requireOpen()
    const sides = new Map<PeerId, number>()
    for (const [side, group] of groups.entries())
      for (const id of group) {
        const peer = this.#peer(id)
        if (sides.has(peer.id)) throw new ZooKeeperError('BAD_ARGUMENTS', `peer ${id} is in two groups`)
        sides.set(peer.id, side)
      }
    this.heal()
    for (const a of this.#world.peers.keys())
      for (const b of this.#world.peers.keys())
        if (a !== b && (sides.get(a) === undefined || sides.get(a) !== sides.get(b))) this.#world.network.block(a, b)
    this.#world.note(`partition ${groups.map(group => group.join()).join(' | ')}`)
  }

  /** Ends a partition. @example ensemble.heal() */
  heal(): void {
    this.#world.network.heal()
  }

  /**
   * Makes a peer's process stand still, with its clients, as SIGSTOP does: what reaches it waits.
   *
   * @example ensemble.pause(1)
   * @throws BAD_ARGUMENTS when it does not run
   */
  pause(id: number): void {
    this.#up(id).process!.pause()
  }

  /** Lets it go on. @example ensemble.resume(1) */
  resume(id: number): void {
    this.#up(id).process!.resume()
  }

  /**
   * Lets so much time pass: virtual time at once, with all that happens in it, real time by waiting.
   *
   * @example await ensemble.advance(10_000)
   * @param ms milliseconds, 0 or more
   */
  async advance(ms: number): Promise<void> {
    this.#requireOpen()
    if (!(ms >= 0 && Number.isFinite(ms))) throw new ZooKeeperError('BAD_ARGUMENTS', 'advance: takes milliseconds')
    await this.#driver.wait(ms)
  }

  /**
   * Lets time pass until the condition holds, which is asked after every event (on a real clock every 5 ms) and must have no effects.
   *
   * @example await ensemble.until(() => ensemble.leader() !== undefined)
   * @param limitMs of the ensemble's time. @default 120_000
   * @throws OPERATION_TIMEOUT when it does not hold by then, and what the condition throws
   */
  async until(condition: () => boolean, limitMs = LIMIT_MS): Promise<void> {
    this.#requireOpen()
    if (typeof condition !== 'function')
      throw new ZooKeeperError('BAD_ARGUMENTS', 'until: takes a function that answers true or false')
    const asked = (): boolean => {
      const held: unknown = condition()
      if (typeof held === 'boolean') return held
      throw new ZooKeeperError('BAD_ARGUMENTS', 'until: the condition must answer true or false at once')
    }
    if (await this.#driver.wait(limitMs, asked)) return
    throw new ZooKeeperError('OPERATION_TIMEOUT', `the condition does not hold after ${limitMs} ms: ${condition}`)
  }

  /**
   * Lets time pass until a promise has settled, and settles as it does. Calls of clients, `serving()` and `close()` need no such help; what
   * waits for an observable does.
   *
   * @example const state = await ensemble.run(firstValueFrom(zk.data$('/config')))
   * @param work a promise, or a function that makes one
   * @param limitMs of the ensemble's time. @default 120_000
   * @throws OPERATION_TIMEOUT when it has not settled by then
   */
  async run<R>(work: Promise<R> | (() => Promise<R>), limitMs = LIMIT_MS): Promise<R> {
    const promise = typeof work === 'function' ? work() : work
    let settled = false
    const over = (): void => {
      settled = true
    }
    promise.then(over, over)
    if (!(await this.#driver.wait(limitMs, () => settled)))
      throw new ZooKeeperError('OPERATION_TIMEOUT', `not settled after ${limitMs} ms`)
    return promise
  }

  /** Changes with everything that happens on virtual time: two runs of one test that end with the same hash went the same way. */
  get traceHash(): string {
    return this.#world.traceHash
  }

  /** Ends every process. Idempotent. @example await ensemble.close() */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const peer of this.#world.peers.values()) peer.crash(false)
    this.#driver.close()
    // The clients have been told by then.
    await new Promise<void>(resolve => setImmediate(resolve))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #peer(id: number): VirtualPeer {
    const peer = this.#world.peers.get(id as PeerId)
    if (peer === undefined) throw new ZooKeeperError('BAD_ARGUMENTS', `there is no peer ${id}`)
    return peer
  }

  #up(id: number): VirtualPeer {
    this.#requireOpen()
    const peer = this.#peer(id)
    if (peer.process === undefined) throw new ZooKeeperError('BAD_ARGUMENTS', `peer ${id} does not run`)
    return peer
  }

  #requireOpen(): void {
    if (this.#closed) throw new ZooKeeperError('CLOSED', 'this ensemble is closed')
  }
}
