/**
 * What Zab asks of the world: messages on links and operations on the log. The peer's outbox turns the calls into effects.
 * Zab orders opaque proposals and knows no tree; `ZabEvents` is what it tells the rest of the core.
 */
import type { Epochs } from '../../model/history.js'
import type { LinkId, OperationNumber, PeerId, SessionId } from '../../model/ids.js'
import type { Proposal } from '../../model/proposal.js'
import type { Zxid } from '../../model/zxid.js'
import type {
  ForwardedRequest,
  PeerMessage,
  Refused,
  Revalidate,
  Revalidated,
  SnapshotBegin,
  Synced,
} from './messages.js'

export interface ZabPort {
  send(link: LinkId, message: PeerMessage): void
  /** Ends the relationship: nothing of this link is heard again. */
  disconnect(link: LinkId, reason: string): void
  append(proposals: readonly Proposal[]): OperationNumber
  truncate(after: Zxid): OperationNumber
  saveEpochs(epochs: Epochs, endsRepair: boolean): OperationNumber
  installSnapshot(link: LinkId, begin: SnapshotBegin): OperationNumber
  /** Makes the state as it is now the one that snapshots are sent of. */
  checkpoint(): OperationNumber
  sendHistory(link: LinkId, after: Zxid, upTo: Zxid, as: 'proposal' | 'inform'): void
  sendSnapshot(link: LinkId, upTo: Zxid, as: 'proposal' | 'inform'): void
  report(level: 'info' | 'warn' | 'error', message: string): void
}

export interface ZabEvents {
  /** This peer's role ends; it goes back to the election. */
  roleEnded(reason: string): void
  /** The peer is part of an established ensemble; everything up to history.committed may be applied. */
  established(): void
  /** history.committed or history.durable moved. */
  advanced(): void
  /** The replicated state was replaced by a snapshot that is about to arrive: nothing of the old one may be served. */
  stateReplaced(): void
  /** Leader: it is about to step down in favour of others: take no more requests. */
  handsOver(): void
  /** The state of this peer is not the ensemble's: it must not be served (Z31). */
  diverged(): void
  /** Leader: what a learner's client asks. */
  forwarded(from: PeerId, request: ForwardedRequest): void
  revalidate(from: PeerId, request: Revalidate): void
  /** Leader: sessions whose clients a learner has heard. */
  touched(sessions: readonly SessionId[]): void
  /** Leader: a quorum answered ping `number`. Learner: a quorum and this peer's pong `number` have reached the leader. */
  pinged(number: number): void
  /** Sessions of this peer's own clients to report: with this pong, or, on the leader, at this ping. */
  takeTouches(ping: number): readonly SessionId[]
  /** Learner: the leader's answers that are not txns. */
  refused(message: Refused): void
  synced(message: Synced): void
  revalidated(message: Revalidated): void
  /** Nothing can be right any more: stop and say so. */
  fatal(code: 'HISTORY_CONFLICT' | 'PROTOCOL_ERROR', message: string): void
}
