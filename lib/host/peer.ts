/**
 * What an application holds: one peer of the ensemble, living in this process. A face over peer-host; it decides nothing.
 *
 * Always holds: observables give the current value first and complete when the peer has ended; subscribers run in microtasks of
 * their own, outside every turn of the peer.
 * Before: compose.ts (Peer.open). After: peer-host; client/ over the local channel.
 */
import { BehaviorSubject, defer, distinctUntilChanged, map, type Observable, of } from 'rxjs'
import { onAbort } from '../client/abort-listeners.js'
import { type Client, openClient } from '../client/client.js'
import { type ClientOptions, callNames, checkCallOptions } from '../client/client-options.js'
import { ZooKeeperError } from '../model/errors.js'
import type { PeerId } from '../model/ids.js'
import type { PeerHost } from './peer-host.js'
import type { ResolvedPeerOptions } from './peer-options.js'
import { ReplicaView } from './replica-view.js'
import { type Health, type MemberReport, reportHealth, reportStatus, type StatusReport } from './status-report.js'

export interface PortAddress {
  readonly host: string
  readonly port: number
}

export class OpenedPeer {
  /**
   * The replica of this peer, read synchronously in this thread. It may be behind the leader; `view.zxid` says where it is.
   *
   * @example const stat = peer.view.get('/config')?.stat
   */
  readonly view: ReplicaView
  readonly #host: PeerHost
  readonly #options: ResolvedPeerOptions
  readonly #status: BehaviorSubject<StatusReport>
  readonly #clientPort: { readonly address: PortAddress | undefined } | undefined

  /** Not for applications: use `Peer.open`. */
  constructor(
    host: PeerHost,
    options: ResolvedPeerOptions,
    clientPort?: { readonly address: PortAddress | undefined },
  ) {
    this.#clientPort = clientPort
    this.#host = host
    this.#options = options
    this.view = new ReplicaView(host.core)
    this.#status = new BehaviorSubject(reportStatus(host, options))
    host.onChange(() => {
      const status = this.status
      this.#status.next(status)
      if (host.lifecycle.ended) this.#status.complete()
    })
  }

  /** This peer's number in the ensemble. */
  get id(): PeerId {
    return this.#options.id
  }

  /** Where ZooKeeper's own clients connect, the port that was free included; undefined without the option `clientPort`, and when it is closed. */
  get clientPort(): PortAddress | undefined {
    return this.#clientPort?.address
  }

  /**
   * Opens a session on this peer without a socket. Waits for the ensemble if it must.
   *
   * It is trusted with everything, unless `identities` say whom it acts as.
   *
   * @example await using zk = await peer.client({ codec: json })
   * @example await using zk = await peer.client({ identities: [{ scheme: 'digest', id: digestOf('alice:secret') }] })
   * @throws CLOSED when the peer is not running, CONNECTION_LOSS when no session came about within `options.timeout`
   */
  async client<T = Uint8Array>(options: ClientOptions<T> = {}): Promise<Client<T>> {
    const refusal = this.#host.lifecycle.refusal()
    if (refusal !== undefined) throw refusal
    return openClient(this.#host.channels.channel({ identities: options?.identities }), options, this.#options.random)
  }

  /** All that this peer says of itself, at this moment. @example peer.status.role === 'leading' */
  get status(): StatusReport {
    return reportStatus(this.#host, this.#options)
  }

  /**
   * Every change of role, phase, leader, links or life, the present one first; zxids are those of that moment. Completes when the peer has ended,
   * by `close()` or by a failure (then `status.error` says why).
   *
   * @example peer.status$.subscribe(({ role, epoch, serving }) => console.log(role, epoch, serving))
   */
  get status$(): Observable<StatusReport> {
    // A completed subject keeps its last value to itself.
    return defer(() => (this.#host.lifecycle.ended ? of(this.status) : this.#status))
  }

  /**
   * The id of the leader that this peer knows, undefined while there is none. It tells who orders writes; for a job that one of many does, see
   * examples/leader-job.ts.
   *
   * @example peer.leader$.subscribe(leader => console.log(leader ?? 'no leader'))
   */
  get leader$(): Observable<PeerId | undefined> {
    return this.status$.pipe(
      map(status => status.leader),
      distinctUntilChanged(),
    )
  }

  /**
   * Who belongs to the ensemble, and whom this peer has a link with.
   *
   * @example peer.members$.subscribe(members => console.log(members.filter(({ connected }) => !connected).map(({ id }) => id)))
   */
  get members$(): Observable<readonly MemberReport[]> {
    return this.status$.pipe(
      map(status => status.members),
      distinctUntilChanged(sameMembers),
    )
  }

  /**
   * Resolves when the peer is part of a working ensemble: at once if it is.
   *
   * @example await peer.serving({ timeout: 10_000 })
   * @param options.timeout milliseconds. @default none
   * @throws BAD_ARGUMENTS, OPERATION_TIMEOUT, ABORTED, CLOSED, or the code with which the peer has failed
   */
  serving(options: { readonly signal?: AbortSignal; readonly timeout?: number } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      checkCallOptions(options, callNames)
      const { signal, timeout } = options
      const settle = (error: ZooKeeperError | undefined): void => {
        stopListening()
        cancelTimer?.()
        unlisten?.()
        over?.()
        if (error === undefined) resolve()
        else reject(error)
      }
      const look = (): boolean => {
        const refusal = this.#host.lifecycle.refusal()
        if (refusal === undefined && !this.#host.core.status.serving) return false
        settle(refusal)
        return true
      }
      const aborted = (): void =>
        settle(new ZooKeeperError('ABORTED', 'aborted while waiting for the peer to serve', { cause: signal?.reason }))
      let stopListening = (): void => {}
      let cancelTimer: (() => void) | undefined
      let over: (() => void) | undefined
      let unlisten: (() => void) | undefined
      if (signal?.aborted) return aborted()
      if (look()) return
      stopListening = this.#host.onChange(look)
      over = this.#options.clock.waiting?.()
      unlisten = signal && onAbort(signal, aborted)
      if (timeout === undefined) return
      cancelTimer = this.#options.clock.schedule(timeout, () => {
        settle(new ZooKeeperError('OPERATION_TIMEOUT', `the peer does not serve after ${timeout} ms`))
      })
    })
  }

  /**
   * Whether this peer is alive and part of a working ensemble, and what is wrong. For a health check of the process. Never throws.
   *
   * @example response.writeHead(peer.health().ok ? 200 : 503).end(peer.health().reasons.join('; '))
   */
  health(): Health {
    return reportHealth(this.#host, this.#options)
  }

  /**
   * Leaves gracefully: a leader drains first. Clients of this peer are closed. Idempotent; resolves when no timer, socket or file
   * of this peer is left, at the latest after `closeTimeoutMs` and what the disk still needs. Rejects, then too, with what could not be closed cleanly.
   *
   * @example await peer.close()
   */
  close(): Promise<void> {
    const over = this.#options.clock.waiting?.()
    const closed = this.#host.close()
    return over === undefined ? closed : closed.finally(over)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function sameMembers(a: readonly MemberReport[], b: readonly MemberReport[]): boolean {
  return a.every((member, index) => {
    const other = b[index]
    return other !== undefined && other.connected === member.connected && other.trouble === member.trouble
  })
}
