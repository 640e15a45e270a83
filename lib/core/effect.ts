/**
 * Everything a peer can ask of its host. Performed in order, all effects of a step before the next input. Plain data.
 *
 * Each effect that completes later names its completion; its failure is always `storageFailed` (storage) or `unlinked` (links):
 *
 * | effect            | completion          |
 * | ----------------- | ------------------- |
 * | append            | logged              |
 * | truncate          | truncated           |
 * | saveEpochs        | epochsSaved         |
 * | checkpoint        | checkpointed        |
 * | installSnapshot   | snapshotInstalled, or snapshotAborted when the link closes first |
 * | sendHistory       | syncStreamEnded     |
 * | sendSnapshot      | syncStreamEnded     |
 * | disconnect        | unlinked            |
 * | wakeAt            | tick                |
 *
 * append, truncate, saveEpochs and installSnapshot are carried out in the order given (one FIFO, operation numbers ascending).
 */
import type { ErrorCode } from '../model/errors.js'
import type { Epochs } from '../model/history.js'
import type { ClientId, LinkId, OperationNumber, SessionId } from '../model/ids.js'
import type { Proposal } from '../model/proposal.js'
import type { ReplicaChanges } from '../model/replica-image.js'
import type { Response } from '../model/response.js'
import type { WatchEvent } from '../model/watch-event.js'
import type { Zxid } from '../model/zxid.js'
import type { Audited } from './audited.js'
import type { PeerStatus } from './peer-status.js'
import type { PeerMessage, SnapshotBegin } from './zab/messages.js'

export type Effect =
  | { readonly kind: 'send'; readonly link: LinkId; readonly message: PeerMessage }
  /** Close this link; the host dials again if it is the one that dials. */
  | { readonly kind: 'disconnect'; readonly link: LinkId; readonly reason: string }
  | { readonly kind: 'append'; readonly op: OperationNumber; readonly proposals: readonly Proposal[] }
  /** Cut the log behind `after`. */
  | { readonly kind: 'truncate'; readonly op: OperationNumber; readonly after: Zxid }
  /** With `endsRepair` the store, once the epochs are durable, also forgets for good that it was damaged. */
  | {
      readonly kind: 'saveEpochs'
      readonly op: OperationNumber
      readonly epochs: Epochs
      readonly endsRepair?: boolean
    }
  | { readonly kind: 'checkpoint'; readonly op: OperationNumber; readonly changes: ReplicaChanges }
  /**
   * Stream the log behind `after` up to `upTo` (or further, as far as the log is written when the stream gets there) as
   * `proposal` messages (`as: 'proposal'`) or, for an observer, as `inform` messages and never beyond `upTo`.
   */
  | {
      readonly kind: 'sendHistory'
      readonly link: LinkId
      readonly after: Zxid
      readonly upTo: Zxid
      readonly as: 'proposal' | 'inform'
    }
  /** Send `snapshotBegin`, chunks and `snapshotEnd` of the last checkpoint, then history behind it as in `sendHistory`. */
  | { readonly kind: 'sendSnapshot'; readonly link: LinkId; readonly upTo: Zxid; readonly as: 'proposal' | 'inform' }
  /** Take the chunks that follow `begin` on `link` into the store; switch to them at `snapshotEnd`. */
  | {
      readonly kind: 'installSnapshot'
      readonly op: OperationNumber
      readonly link: LinkId
      readonly begin: SnapshotBegin
    }
  | {
      readonly kind: 'attached'
      readonly client: ClientId
      readonly session: SessionId
      readonly password: Uint8Array
      readonly timeoutMs: number
      /** There is no leader: reads only. */
      readonly readOnly?: true
    }
  | {
      readonly kind: 'reply'
      readonly client: ClientId
      readonly cxid: number
      readonly zxid: Zxid
      readonly response: Response
    }
  /**
   * This request gets no answer from the ensemble: `outcome` says whether it can still have taken effect.
   */
  | {
      readonly kind: 'fail'
      readonly client: ClientId
      readonly cxid: number
      readonly code: ErrorCode
      readonly outcome: 'not-applied' | 'unknown'
    }
  | { readonly kind: 'notify'; readonly client: ClientId; readonly event: WatchEvent }
  /** The core has forgotten this client; nothing more is said to it. SESSION_EXPIRED is final, CONNECTION_LOSS may attach again. */
  | { readonly kind: 'detachClient'; readonly client: ClientId; readonly code: ErrorCode }
  | { readonly kind: 'statusChanged'; readonly status: PeerStatus }
  /** Replaces the time asked for before. Monotonic milliseconds. */
  | { readonly kind: 'wakeAt'; readonly at: number }
  /** A condition an operator should hear of. */
  | { readonly kind: 'report'; readonly level: 'info' | 'warn' | 'error'; readonly message: string }
  /** For whoever has to account for it. */
  | { readonly kind: 'audit'; readonly event: Audited }
  /** Nothing follows. With an error the peer has failed; without one it has closed. */
  | { readonly kind: 'stop'; readonly error: { readonly code: ErrorCode; readonly message: string } | undefined }
