/**
 * What a peer does for clients under the role it has: its own clients ask all the time (pipeline/request-pipeline.ts); where their writes go depends on
 * the role, and while this peer leads, those of all clients come here (pipeline/leader-requests.ts).
 *
 * Always holds: the leader's side lives as long as one leadership; without a leader, clients wait and nothing is lost of what they have asked.
 * Before: peer.ts says when a role begins and ends; Zab says what has come (zab/zab-port.ts). After: both sides of the requests.
 */

import type { LinkId, PeerId } from '../model/ids.js'
import { invariant } from '../model/invariant.js'
import type { Proposal } from '../model/proposal.js'
import { sameZxid } from '../model/zxid.js'
import type { Now } from './input.js'
import { leaderDoor } from './leader-door.js'
import type { LinkTable } from './link-table.js'
import type { Applied } from './operations/apply-txn.js'
import type { Outbox } from './outbox.js'
import { ForwardStation } from './pipeline/forward.js'
import { type LeaderAnswers, LeaderRequests } from './pipeline/leader-requests.js'
import { RequestPipeline } from './pipeline/request-pipeline.js'
import type { ProtocolOptions } from './protocol-options.js'
import type { Random } from './random.js'
import type { StateMachine } from './state-machine.js'
import type { Access } from './tree/access.js'
import type { History } from './zab/history.js'
import type { Leader } from './zab/leader.js'
import type { ZabEvents } from './zab/zab-port.js'

export interface ServiceSetup {
  readonly self: PeerId
  readonly options: ProtocolOptions
  readonly random: Random
  readonly access: Access
  readonly outbox: Outbox
  readonly links: LinkTable
  readonly history: History
  readonly state: StateMachine
  /** Of the step that is under way. */
  readonly now: () => Now
}

/** What Zab tells of requests. */
type RequestEvents = Pick<
  ZabEvents,
  'handsOver' | 'forwarded' | 'revalidate' | 'touched' | 'pinged' | 'takeTouches' | 'refused' | 'synced' | 'revalidated'
>

export class Service {
  readonly clients: RequestPipeline
  /** The disk has little room left: what needs more of it is refused. */
  storageLow = false
  readonly #setup: ServiceSetup
  #leaderRequests: LeaderRequests | undefined

  constructor(setup: ServiceSetup) {
    this.#setup = setup
    const { self, options, random, access, outbox, state } = setup
    const storageLow = () => this.storageLow
    const replica = () => state.replica
    this.clients = new RequestPipeline({ self, options, random, access, outbox, replica, storageLow }, setup.now())
  }

  // --- roles begin and end

  /** This peer leads, and all of its history is committed. */
  lead(leader: Leader): void {
    const { self, options, access, outbox, links, history, state, now } = this.#setup
    invariant(sameZxid(history.applied, history.last), 'a leader applies all of its history before it serves')
    this.#leaderRequests = new LeaderRequests(
      {
        self,
        door: leaderDoor(leader, history, outbox),
        replica: state.replica,
        options,
        access,
        answers: this.#answers(leader),
        storageLow: () => this.storageLow,
        ages: state.ages,
        lowestProtocol: () => links.lowestProtocol,
      },
      now(),
    )
    this.clients.resume(this.#leaderRequests, [], now())
  }

  /** The leader at the other end lets this learner serve. */
  follow(link: LinkId): void {
    const { outbox, links, history, now } = this.#setup
    const station = new ForwardStation(outbox, link, links.protocolOf(link), this.clients.touches)
    this.clients.resume(station, history.unapplied(), now())
  }

  /** The role has ended: there is no leader. */
  suspend(): void {
    this.#leaderRequests = undefined
    this.clients.suspend(this.#setup.now().monotonic)
  }

  /** To the peer that asked, which may be this one. */
  #answers(leader: Leader): LeaderAnswers {
    const { self, outbox, now } = this.#setup
    return {
      answer: (to, message) => {
        if (to !== self) {
          // One that has come back over another link asks again once it is active.
          const learner = leader.learners.get(to)
          if (learner?.stage === 'active') outbox.send(learner.link, message)
        } else if (message.kind === 'synced') this.clients.synced(message, now())
        else if (message.kind === 'refused') this.clients.refused(message, now())
        else this.clients.revalidated(message, now())
      },
    }
  }

  // --- what happens meanwhile

  applied(proposal: Proposal, applied: Applied): void {
    this.#leaderRequests?.applied(proposal, applied.closedSession)
    this.clients.applied(proposal, applied, this.#setup.now())
  }

  /** Something was committed: syncs may be due. */
  advanced(): void {
    this.#leaderRequests?.advanced()
  }

  /** A leader takes no more requests: what it has proposed is to be handed over. */
  drain(): void {
    this.#leaderRequests?.drain()
  }

  /** Leader: syncs that wait for what was proposed before them. */
  get pendingSyncs(): number {
    return this.#leaderRequests?.pendingSyncs ?? 0
  }

  /** Leader: ends sessions and znodes whose time is over. */
  expire(): void {
    this.#leaderRequests?.expire(this.#setup.now())
  }

  get nextAt(): number {
    return Math.min(this.#leaderRequests?.nextAt ?? Number.POSITIVE_INFINITY, this.clients.nextAt)
  }

  readonly events: RequestEvents = {
    handsOver: () => this.drain(),
    forwarded: (from, request) => this.#leaderRequests?.take(from, request, this.#setup.now()),
    revalidate: (from, request) => this.#leaderRequests?.revalidateFor(from, request, this.#setup.now()),
    touched: sessions => {
      for (const session of sessions) this.#leaderRequests?.touch(session, this.#setup.now())
    },
    pinged: number => {
      this.clients.confirmed(number)
      this.advanced()
    },
    takeTouches: ping => this.clients.takeTouches(ping, this.#setup.now().monotonic),
    refused: message => this.clients.refused(message, this.#setup.now()),
    synced: message => this.clients.synced(message, this.#setup.now()),
    revalidated: message => this.clients.revalidated(message, this.#setup.now()),
  }
}
