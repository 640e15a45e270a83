/**
 * One peer's decisions: `step(input, now)` is the only door. It routes and decides nothing itself: roles.ts has the protocol's
 * state, service.ts the clients', state-machine.ts the data.
 *
 * Always holds: a step is never re-entered; equal inputs give equal effects; nothing that depends on a storage operation is said before
 * its completion has come in as an input. The first step starts the election. After `stop` every input is ignored.
 */

import type { StateMark } from '../model/digest.js'
import type { EnsembleConfig } from '../model/ensemble-config.js'
import type { ErrorCode } from '../model/errors.js'
import type { Epochs, HistorySummary } from '../model/history.js'
import type { LinkId, PeerId, SessionId } from '../model/ids.js'
import { invariant, unreachable } from '../model/invariant.js'
import type { Proposal } from '../model/proposal.js'
import type { ReplicaImage } from '../model/replica-image.js'
import type { Effect } from './effect.js'
import type { Input, Now } from './input.js'
import { LinkTable } from './link-table.js'
import { Outbox } from './outbox.js'
import { type LeadershipStatus, type PeerStatus, saysTheSame } from './peer-status.js'
import type { ProtocolOptions } from './protocol-options.js'
import type { Random } from './random.js'
import type { Replica } from './replica.js'
import { Roles } from './roles.js'
import { Service } from './service.js'
import { NOT_WHOLE, StateMachine } from './state-machine.js'
import type { Access } from './tree/access.js'
import { EpochKeeper } from './zab/epochs.js'
import { History } from './zab/history.js'
import type { ZabEvents } from './zab/zab-port.js'
import { zabOutlet } from './zab-outlet.js'

export interface PeerInitial {
  readonly peer: PeerId
  readonly config: EnsembleConfig
  readonly options: ProtocolOptions
  readonly random: Random
  /** How ACLs are judged: the same on all peers. */
  readonly access: Access
  readonly recovered: {
    readonly epochs: Epochs
    readonly image: ReplicaImage
    readonly suffix: readonly Proposal[]
    readonly history: HistorySummary
    /** Something this peer has acknowledged is lost; its epochs are not. */
    readonly damage?: { readonly reason: string } | undefined
  }
}

export class PeerCore {
  readonly #initial: PeerInitial
  readonly #outbox = new Outbox()
  readonly #links = new LinkTable()
  readonly #history: History
  readonly #state: StateMachine
  readonly #roles: Roles
  readonly #service: Service
  #now: Now
  #stepping = false
  #stopped = false
  /** A role that has ended in this step; what follows it waits until the step is through. */
  #ending: string | undefined
  #closing: { readonly giveUpAt: number } | undefined
  #wakeAt = Number.POSITIVE_INFINITY
  /** The last that was told. */
  #status: PeerStatus | undefined
  /** Of the present state, once somebody has asked: nothing changes it between two steps. */
  #statusNow: PeerStatus | undefined

  constructor(initial: PeerInitial, now: Now) {
    const { peer, config, options, random, access, recovered } = initial
    this.#initial = initial
    this.#now = now
    this.#state = new StateMachine(recovered.image, config, options.digestEvery, now.monotonic)
    this.#history = new History(recovered.history, recovered.image.zxid, recovered.suffix)
    const outbox = this.#outbox
    const parts = { self: peer, options, outbox, links: this.#links, history: this.#history }
    this.#service = new Service({ ...parts, random, access, state: this.#state, now: () => this.#now })
    const port = zabOutlet(
      outbox,
      link => this.#forgetLink(link),
      () => outbox.checkpoint(this.replica.captureChanges()),
    )
    this.#roles = new Roles({
      ...parts,
      config,
      port,
      events: this.#events(),
      epochs: new EpochKeeper(port, recovered.epochs),
      marks: this.#state.marks,
      damaged: recovered.damage !== undefined,
    })
  }

  step(input: Input, now: Now): Effect[] {
    invariant(!this.#stepping, 'a step is never re-entered')
    if (this.#stopped) return []
    this.#stepping = true
    this.#statusNow = undefined
    try {
      this.#now = now
      if (input.kind === 'request') this.#lapse()
      this.#route(input)
      this.#settle()
      return this.#outbox.take()
    } finally {
      this.#stepping = false
    }
  }

  /** The replicated state of this moment; a snapshot replaces the object. Read only. */
  get replica(): Replica {
    return this.#state.replica
  }

  get status(): PeerStatus {
    if (this.#stepping) return this.#makeStatus()
    this.#statusNow ??= this.#makeStatus()
    return this.#statusNow
  }

  #makeStatus(): PeerStatus {
    const { name, phase, leaderId, epoch, serving, diverged, repairing, damagedVoters, freshVoters } = this.#roles
    const { last, committed, applied } = this.#history
    return {
      peer: this.#initial.peer,
      role: name,
      phase,
      leader: leaderId,
      epoch,
      serving,
      readOnly: this.#service.clients.readOnly,
      diverged,
      repairing,
      damagedVoters,
      standsAside: this.#roles.standsAside(this.#now.monotonic),
      freshVoters,
      firstStartWait: serving ? undefined : this.#roles.firstStartWait,
      logged: last,
      committed,
      applied,
    }
  }

  /** For metrics. */
  get counts(): {
    readonly clients: number
    readonly watches: number
    readonly outstanding: number
    readonly localSessions: number
  } {
    const { clientCount, watchCount, outstandingCount, localSessionCount } = this.#service.clients
    const sessions = { localSessions: localSessionCount }
    return { clients: clientCount, watches: watchCount, outstanding: outstandingCount, ...sessions }
  }

  /** Undefined of who does not lead, or is not established yet. */
  get leadership(): LeadershipStatus | undefined {
    const { leader } = this.#roles
    if (leader?.establishedAt === undefined) return undefined
    const inStep = { followers: leader.inStep('participant'), observers: leader.inStep('observer') }
    return { ...inStep, pendingSyncs: this.#service.pendingSyncs, since: leader.establishedAt }
  }

  /** Sessions with the paths that they watch. */
  watched(): Iterable<readonly [SessionId, ReadonlySet<string>]> {
    return this.#service.clients.watched()
  }

  /** Digests of this peer's state at the places where all peers look, as far as they are remembered. */
  get marks(): readonly StateMark[] {
    return this.#state.marks.all
  }

  #route(input: Input): void {
    const now = this.#now
    switch (input.kind) {
      case 'tick':
        return
      case 'linked':
        return this.#onLinked(input.peer, input.link, input.protocol)
      case 'unlinked': {
        const peer = this.#links.remove(input.link)
        if (peer !== undefined) this.#roles.onUnlinked(peer, input.link, now.monotonic)
        return
      }
      case 'message': {
        const peer = this.#links.peerOf(input.link)
        if (peer !== undefined) this.#roles.onMessage(peer, input.link, input.message, now.monotonic)
        return
      }
      case 'logged':
        this.#outbox.completed(input.op)
        this.#history.logged(input.zxid)
        this.#roles.onLogged()
        return
      case 'truncated':
        this.#outbox.completed(input.op)
        return
      case 'epochsSaved':
        this.#outbox.completed(input.op)
        this.#roles.onEpochsSaved(input.op)
        return
      case 'checkpointDue':
        if (!this.#history.installing) this.#outbox.checkpoint(this.replica.captureChanges())
        return
      case 'checkpointed':
        this.#history.trim(input.base)
        this.#roles.onCheckpointed(input.op, input.zxid)
        return
      case 'historyLost':
        this.#history.trim(input.base)
        return
      case 'snapshotInstalled':
        this.#outbox.completed(input.op)
        if (!this.#history.snapshotInstalled(input.op)) return
        if (!this.#state.replace(input.image, now.monotonic))
          return this.#stop({ code: 'DATA_CORRUPT', message: NOT_WHOLE })
        this.#roles.onSnapshotInstalled()
        return
      case 'snapshotAborted':
        this.#outbox.completed(input.op)
        this.#history.snapshotAborted(input.op)
        return
      case 'syncStreamEnded':
        this.#roles.onSyncStreamEnded(input.link, input.zxid)
        return
      case 'storageFailed':
        return this.#stop({ code: input.code, message: input.reason })
      case 'storageSpace':
        this.#service.storageLow = input.low
        return
      case 'clientAttached':
        return this.#service.clients.attach(input.client, input.attachment, now)
      case 'clientDetached':
        return this.#service.clients.detach(input.client)
      case 'request':
        return this.#service.clients.request(input.client, input.cxid, input.request, now)
      case 'close':
        this.#service.drain()
        this.#closing = {
          giveUpAt: now.monotonic + this.#initial.options.syncLimitTicks * this.#initial.options.tickMs,
        }
        return
      default:
        return unreachable(input)
    }
  }

  /** What every step ends with: what is committed is applied, what is due is done, and the next time to wake is said. */
  #settle(): void {
    if (this.#stopped) return
    const now = this.#now
    this.#apply()
    this.#roles.tick(now.monotonic)
    this.#service.expire()
    this.#service.clients.tick(now.monotonic, this.#isSound())
    this.#endRole()
    this.#close()
    if (this.#stopped) return
    this.#tellStatus()
    const next = Math.min(this.#roles.nextAt, this.#service.nextAt, this.#closing?.giveUpAt ?? Number.POSITIVE_INFINITY)
    // A time that moves further away (a leader was heard) is looked at again when the earlier one has come.
    if (next !== Number.POSITIVE_INFINITY && (next < this.#wakeAt || this.#wakeAt <= now.monotonic)) {
      this.#outbox.put({ kind: 'wakeAt', at: next })
      this.#wakeAt = next
    }
  }

  /** After a standstill a request may come before the tick: no answer is given on the word of what has lapsed meanwhile (C14, Z24). */
  #lapse(): void {
    this.#roles.tick(this.#now.monotonic)
    this.#service.clients.tick(this.#now.monotonic, this.#isSound())
    this.#endRole()
  }

  /** Nothing is known to be wrong or half of what this peer has applied. */
  #isSound(): boolean {
    return !this.#roles.diverged && !this.#roles.repairing && !this.#history.installing
  }

  #onLinked(peer: PeerId, link: LinkId, protocol: number | undefined): void {
    const former = this.#links.linkTo(peer)
    if (former !== undefined) {
      this.#links.remove(former)
      this.#roles.onUnlinked(peer, former, this.#now.monotonic)
      this.#endRole()
    }
    this.#links.add(peer, link, protocol)
    this.#roles.onLinked(peer, link, this.#now.monotonic)
  }

  /** Applies what is committed and in this peer's own durable log (Z22), in order, and answers who waited for it. */
  #apply(): void {
    if (this.#history.installing) return
    for (let proposal = this.#history.nextToApply(); proposal !== undefined; proposal = this.#history.nextToApply()) {
      const applied = this.#state.apply(proposal, this.#now.monotonic)
      this.#history.markApplied(proposal)
      this.#service.applied(proposal, applied)
    }
  }

  /** The leader's history is ours and we may serve. */
  #established(): void {
    this.#apply()
    const { leader, learner, serving } = this.#roles
    if (leader !== undefined) this.#service.lead(leader)
    else if (learner?.link !== undefined && serving) this.#service.follow(learner.link)
    this.#roles.announce()
  }

  #endRole(): void {
    if (this.#ending === undefined) return
    const reason = this.#ending
    this.#ending = undefined
    this.#service.suspend()
    this.#roles.look(reason)
    this.#outbox.report('info', `back to the election: ${reason}`)
    this.#roles.tick(this.#now.monotonic)
  }

  /** A leader hands over first: everything committed and acknowledged, so the next one begins with it. */
  #close(): void {
    if (this.#closing === undefined) return
    const { leader } = this.#roles
    const waits = (leader?.established === true && !leader.handedOver) || !this.#outbox.drained
    if (!waits || this.#now.monotonic >= this.#closing.giveUpAt) this.#stop(undefined)
  }

  #stop(error: { code: ErrorCode; message: string } | undefined): void {
    this.#stopped = true
    this.#outbox.put({ kind: 'stop', error })
  }

  #tellStatus(): void {
    const status = this.#makeStatus()
    this.#statusNow = status
    if (this.#status !== undefined && saysTheSame(status, this.#status)) return
    this.#status = status
    this.#outbox.put({ kind: 'statusChanged', status })
  }

  #forgetLink(link: LinkId): boolean {
    const peer = this.#links.remove(link)
    if (peer !== undefined) this.#roles.forget(peer)
    return peer !== undefined
  }

  #events(): ZabEvents {
    return {
      roleEnded: reason => {
        this.#ending ??= reason
      },
      established: () => this.#established(),
      advanced: () => {
        this.#apply()
        this.#service.advanced()
      },
      stateReplaced: () => this.#service.clients.stateReplaced(),
      diverged: () => {
        this.#service.clients.suspend(this.#now.monotonic)
        // What was answered from this state may be wrong, and so may what is seen next to it elsewhere.
        this.#service.clients.stateReplaced()
      },
      ...this.#service.events,
      fatal: (code, message) => this.#stop({ code, message }),
    }
  }
}
