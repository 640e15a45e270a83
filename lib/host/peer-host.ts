/**
 * Owns the core and runs its turns: drain the inbox → step each input → perform its effects, in order → flush what gathered.
 *
 * Always holds: `step` is never re-entered; all effects of a step are performed before the next input; nothing of the core's
 * happens after `stop`. Anything thrown inside a turn is a bug of ours: the peer fails rather than go on (code INTERNAL). Turns run
 * in microtasks, but at least every TURNS_PER_LOOP-th lets the event loop have I/O and timers first, and a long turn is cut.
 * Before: log-writer, checkpointer, links, local-channel, alarm push inputs. After: perform.
 */
import { Authenticator } from '../auth/authenticator.js'
import type { Effect } from '../core/effect.js'
import type { Input, Now } from '../core/input.js'
import type { LeadershipStatus, PeerStatus } from '../core/peer-status.js'
import type { Replica } from '../core/replica.js'
import type { StateMark } from '../model/digest.js'
import type { ErrorCode } from '../model/errors.js'
import type { SessionId } from '../model/ids.js'
import type { Recovered, Storage, StorageSizes } from '../storage/storage.js'
import { Alarm } from './alarm.js'
import { Audit } from './audit.js'
import { accessOf, schemesOf } from './auth-options.js'
import { Checkpointer } from './checkpointer.js'
import { CommitWatch } from './commit-watch.js'
import { DiskSpace } from './disk-space.js'
import { HistorySender } from './history-sender.js'
import { Inbox } from './inbox.js'
import { Lifecycle } from './lifecycle.js'
import { Links } from './links.js'
import { LocalChannels } from './local-channel.js'
import { LogWriter } from './log-writer.js'
import { guardLogger, type Logger } from './logger.js'
import { watchHistory } from './lost-history.js'
import type { ResolvedPeerOptions } from './peer-options.js'
import { type PerformPorts, perform } from './perform.js'
import { systemPoolProbe } from './pool-probe.js'
import { SnapshotReceiver } from './snapshot-receiver.js'

/** The core as the host sees it. */
export interface SteppedCore {
  step(input: Input, now: Now): readonly Effect[]
  readonly status: PeerStatus
  /** Replaced as a whole when a snapshot is installed: never keep it. */
  readonly replica: Replica
  /** For metrics. */
  readonly counts: {
    readonly clients: number
    readonly watches: number
    readonly outstanding: number
    readonly localSessions: number
  }
  readonly leadership: LeadershipStatus | undefined
  /** For those who ask what goes on here: it walks over every watch. */
  watched(): Iterable<readonly [SessionId, ReadonlySet<string>]>
  /** Digests that other peers have, too. */
  readonly marks: readonly StateMark[]
}

/** A way in for clients that are not of this process. */
export interface Door {
  open(): Promise<void>
  /** Nothing is left of it when this resolves. */
  close(): Promise<void>
}

const TURNS_PER_LOOP = 64
const STEPS_PER_CLOCK = 64
const TURN_MS_MAX = 10

export class PeerHost {
  readonly core: SteppedCore
  readonly channels: LocalChannels
  readonly links: Links
  readonly space: DiskSpace
  readonly commits: CommitWatch
  readonly logger: Logger
  /** Set when the user's logger threw: part of health(). */
  loggerFailure: unknown
  /** What was found damaged at the start, though it may be whole again. */
  readonly damage: string | undefined
  readonly #options: ResolvedPeerOptions
  readonly #storage: Storage
  readonly #inbox = new Inbox()
  readonly #log: LogWriter
  readonly #checkpointer: Checkpointer
  readonly #snapshots: SnapshotReceiver
  readonly #history: HistorySender
  readonly #alarm: Alarm
  readonly #ports: PerformPorts
  readonly #lifecycle = new Lifecycle()
  readonly #audit: Audit
  readonly #changeListeners = new Set<() => void>()
  readonly #doors: Door[] = []
  #turnScheduled = false
  #turnsThisLoop = 0
  #changed = false
  #coreStopped: (() => void) | undefined
  #stopped = false
  #teardown: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(options: ResolvedPeerOptions, storage: Storage, recovered: Recovered, core: SteppedCore) {
    this.core = core
    this.#options = options
    this.damage = recovered.damage?.reason
    this.#storage = storage
    this.logger = guardLogger(options.logger, { peer: options.id }, error => {
      this.loggerFailure = error
    })
    this.#audit = new Audit({
      peer: options.id,
      access: accessOf(options),
      listener: options.audit,
      wall: () => options.clock.wall(),
      logger: this.logger,
    })
    const push = (input: Input) => this.push(input)
    this.channels = new LocalChannels({
      offer: input => {
        const taken = !this.#stopped && this.#inbox.offer(input)
        if (taken) this.#schedule()
        return taken
      },
      push,
      clock: options.clock,
      logger: this.logger,
      dataBytesMax: options.protocol.dataBytesMax,
      audit: this.#audit,
      authenticator: new Authenticator(schemesOf(options)),
      enforceAuthSchemes: options.enforceAuthSchemes,
    })
    watchHistory(recovered, { storage, logger: this.logger, input: push })
    this.#checkpointer = new Checkpointer({ storage, input: push, logBytes: options.checkpointLogBytes })
    this.links = new Links({
      options,
      incarnation: recovered.identity.incarnation,
      logger: this.logger,
      linked: (peer, link, protocol) => push({ kind: 'linked', peer, link, protocol }),
      unlinked: (peer, link) => {
        this.#snapshots.linkClosed(link)
        this.#history.linkClosed(link)
        push({ kind: 'unlinked', peer, link })
      },
      message: (link, message) => push({ kind: 'message', link, message }),
      snapshots: {
        begin: link => this.#snapshots.begin(link),
        chunk: (link, bytes) => this.#snapshots.chunk(link, bytes),
        end: link => this.#snapshots.end(link),
      },
      changed: () => this.#publish(),
    })
    this.#snapshots = new SnapshotReceiver({
      storage,
      checkpointSettled: () => this.#checkpointer.settled(),
      pause: link => this.links.pause(link),
      resume: link => this.links.resume(link),
    })
    this.#history = new HistorySender({
      storage,
      send: (link, message) => this.links.stream(link, message),
      drained: link => this.links.drained(link),
      logGrown: () => this.#log.grown(),
      disconnect: (link, reason) => this.links.disconnect(link, reason),
      input: push,
    })
    const probe = options.poolProbe ?? systemPoolProbe()
    this.commits = new CommitWatch({ clock: options.clock, probe, logger: this.logger })
    this.#log = new LogWriter({
      storage,
      writing: () => this.commits.begin(),
      installSnapshot: effect => this.#snapshots.install(effect),
      completed: input => {
        push(input)
        if (input.kind === 'logged') this.#checkpointer.logGrew()
      },
    })
    this.space = new DiskSpace({
      freeBytes: storage.freeBytes?.bind(storage),
      clock: options.clock,
      logger: this.logger,
      input: push,
      changed: () => this.#publish(),
      freeBytesMin: options.diskFreeBytesMin,
    })
    this.#alarm = new Alarm(options.clock, () => push({ kind: 'tick' }))
    this.#ports = {
      links: this.links,
      log: this.#log,
      checkpointer: this.#checkpointer,
      history: this.#history,
      channels: this.channels,
      logger: this.logger,
      audit: this.#audit,
      statusChanged: status => {
        this.channels.serving(status.serving)
        this.#changed = true
      },
      wakeAt: at => this.#alarm.set(at),
      stop: error => {
        if (error !== undefined) this.#fail(error.code, error.message)
        else this.#stop()
      },
    }
  }

  get lifecycle(): Pick<Lifecycle, 'state' | 'error' | 'ended' | 'refusal'> {
    return this.#lifecycle
  }

  /** Listens, dials, and lets the core begin. Rejects (PORT_IN_USE, TRANSPORT_FAILED) with everything let go of. */
  async start(): Promise<void> {
    try {
      await this.space.start()
      await this.links.start()
    } catch (error) {
      this.#stop()
      await this.#teardown
      throw error
    }
    this.#lifecycle.enter('running')
    this.#audit.started()
    this.push({ kind: 'tick' })
  }

  /** Open as long as the peer runs. Rejects, with the peer closed, when it cannot be opened. */
  async openDoor(door: Door): Promise<void> {
    this.#doors.push(door)
    try {
      await door.open()
    } catch (error) {
      await this.close()
      throw error
    }
    // A peer that has failed meanwhile has closed its doors already, this one perhaps too early.
    if (this.#stopped) await door.close()
  }

  /** What the store has on its disk, in bytes; nothing if it has none. */
  async storageSizes(): Promise<StorageSizes> {
    return (await this.#storage.sizes?.()) ?? { tree: 0, log: 0 }
  }

  push(input: Input): void {
    if (this.#stopped) return
    this.#inbox.push(input)
    this.#schedule()
  }

  /** `listener` is called, in a microtask of its own, after something that status shows has changed. Returns how to stop it. */
  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener)
    return () => this.#changeListeners.delete(listener)
  }

  /** Graceful, but bounded by closeTimeoutMs. Resolves when nothing is left; the same promise every time. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** As if its process had ended here: no farewell to the ensemble. For a simulated world, which cuts network and disk off first. */
  abandon(): void {
    this.#stop()
  }

  async #close(): Promise<void> {
    if (this.#lifecycle.state === 'running') {
      const stopped = new Promise<void>(resolve => {
        this.#coreStopped = resolve
      })
      this.#lifecycle.enter('closing')
      this.#audit.stopped('OK')
      // Whoever comes through one finds another peer while this one drains.
      for (const door of this.#doors) door.close().catch(() => {})
      this.push({ kind: 'close' })
      this.#publish()
      const cancel = this.#options.clock.schedule(this.#options.closeTimeoutMs, () => {
        this.logger.warn('the peer did not close in time and is cut short', { ms: this.#options.closeTimeoutMs })
        this.#stop()
      })
      await stopped
      cancel()
    }
    this.#stop()
    await this.#teardown
  }

  #schedule(): void {
    if (this.#turnScheduled) return
    this.#turnScheduled = true
    if (this.#turnsThisLoop++ < TURNS_PER_LOOP) queueMicrotask(this.#turn)
    else this.#options.clock.afterLoop(this.#turnAfterLoop)
  }

  readonly #turnAfterLoop = (): void => {
    this.#turnsThisLoop = 0
    this.#turn()
  }

  readonly #turn = (): void => {
    this.#turnScheduled = false
    if (this.#stopped) return
    try {
      this.#stepAll()
      if (this.#stopped) return
      this.#log.flush()
      this.links.setPaused(this.#inbox.congested || this.#log.congested)
    } catch (error) {
      this.#fail('INTERNAL', error instanceof Error ? error.message : String(error), error)
      return
    }
    if (this.#changed) this.#publish()
  }

  #stepAll(): void {
    let now = this.#now()
    const deadline = now.monotonic + TURN_MS_MAX
    let steps = 0
    for (let input = this.#inbox.take(); input !== undefined; input = this.#inbox.take()) {
      for (const effect of this.core.step(input, now)) {
        perform(effect, this.#ports)
        if (this.#stopped) return
      }
      if (++steps % STEPS_PER_CLOCK !== 0) continue
      now = this.#now()
      if (now.monotonic < deadline || this.#inbox.length === 0) continue
      this.#turnScheduled = true
      this.#options.clock.afterLoop(this.#turnAfterLoop)
      return
    }
  }

  #now(): Now {
    return { monotonic: this.#options.clock.now(), wall: this.#options.clock.wall() }
  }

  #publish(): void {
    this.#changed = false
    for (const listener of this.#changeListeners) queueMicrotask(listener)
  }

  #fail(code: ErrorCode, message: string, cause?: unknown): void {
    if (this.#stopped) return
    this.#lifecycle.fail(code, message, cause)
    this.#audit.stopped(code)
    this.logger.error('the peer has failed and stops', { code, message, ...(cause === undefined ? {} : { cause }) })
    this.#stop()
  }

  /** The point of no return: no further input, clients told, then everything let go of. */
  #stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#alarm.cancel()
    this.#inbox.clear()
    this.#teardown = this.#letGo()
    // Whoever calls close() hears of a failure; a peer that stops by itself has it in its log.
    this.#teardown.catch((error: unknown) => this.logger.error('the peer could not be closed cleanly', { error }))
    this.#coreStopped?.()
    this.channels.close('CLOSED')
    this.#publish()
  }

  async #letGo(): Promise<void> {
    this.#snapshots.close()
    const results = await Promise.allSettled([
      ...this.#doors.map(door => door.close()),
      this.space.stop(),
      this.#history.close(),
      this.#log.stop(),
      this.#checkpointer.stop(),
      this.links.close(),
    ])
    results.push(...(await Promise.allSettled([this.#storage.close()])))
    // By then everyone has been told: close() resolves last.
    await new Promise<void>(resolve => this.#options.clock.afterLoop(resolve))
    if (this.#lifecycle.state === 'running') this.#lifecycle.enter('closing')
    if (!this.#lifecycle.ended) this.#lifecycle.enter('closed')
    this.#publish()
    this.#changeListeners.clear()
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }
}
