/** What the parent of a crash or fault test and its members say to each other over their channel (structured clone: bigints pass). */
import type { TcpOptions } from '../../transports/tcp/index.js'
import type { PlantedBug } from './planted-bugs.js'

/** Of every member. */
export const TICK_MS = 500
/** Shared out among the members. */
export const WRITERS = 8

/** How hard the clients of a member work. */
export interface Pace {
  /** Between two bursts of a writer. */
  readonly burstPauseMs: number
  readonly sessionTimeoutMs: number
  /** Also reads behind a sync, and watches: observers.ts. */
  readonly observe: boolean
}

export interface MemberConfig {
  readonly id: number
  readonly dataDir: string
  /** Of every member, in the order of their numbers, as it stands in everybody's list. */
  readonly addresses: readonly string[]
  readonly listen: TcpOptions
  readonly seed: number
  readonly pace: Pace
  /** Counts the starts of this member: makes the tokens of its writers unique. */
  readonly start: number
  readonly writers: readonly number[]
  readonly checkpointLogBytes: number
  readonly logBytesKept: number
  readonly plant: PlantedBug | undefined
}

export type OperationKind = 'create' | 'sequential' | 'set' | 'cas' | 'multi' | 'failing multi' | 'ephemeral' | 'delete'

/**
 * How one write ended. `ok`: acknowledged. `refused`: the ensemble said no. `not-applied`: it says that the write never left.
 * `unknown`: nobody can tell. What was never reported is unknown too.
 */
export interface Written {
  readonly kind: 'written'
  readonly writer: number
  /** Names this write; its data, or for a delete its path. */
  readonly token: string
  readonly operation: OperationKind
  readonly outcome: 'ok' | 'refused' | 'not-applied' | 'unknown'
  readonly code: string | undefined
  readonly session: bigint
  /** The znode that it created, set or deleted; for a sequential one only once it is known. */
  readonly path: string | undefined
  readonly version: number | undefined
  readonly zxid: bigint | undefined
  /** Nanoseconds of the machine's monotonic clock: comparable between processes. */
  readonly startedAt: bigint
  readonly endedAt: bigint
}

export interface MemberState {
  readonly kind: 'state'
  readonly zxid: bigint
  readonly digest: bigint
  readonly ephemerals: readonly { readonly path: string; readonly owner: bigint }[]
  /** Znodes of which a stream shows something else than the replica holds. */
  readonly unseen: readonly string[]
}

/** A read behind a sync: what it says must not be older than any write that was acknowledged before it began. */
export interface ConfirmedRead {
  readonly kind: 'confirmed read'
  readonly member: number
  /** Of the replica when the sync was answered. */
  readonly zxid: bigint
  readonly path: string
  readonly version: number
  readonly startedAt: bigint
  readonly endedAt: bigint
}

export type FromMember =
  | {
      readonly kind: 'status'
      readonly role: string
      readonly epoch: number
      readonly serving: boolean
      /** Why there is no link, by member. */
      readonly troubles: readonly string[]
      /** Of the machine's monotonic clock, as in Written. */
      readonly at: bigint
    }
  | Written
  | MemberState
  | ConfirmedRead
  /** A stream of this member shows what `beater` has written last. */
  | { readonly kind: 'seen'; readonly beater: number; readonly beat: number }
  | { readonly kind: 'session'; readonly writer: number; readonly session: bigint }
  | { readonly kind: 'deleting'; readonly path: string }
  | { readonly kind: 'expired'; readonly writer: number }
  | { readonly kind: 'synchronized'; readonly by: 'snapshot' | 'truncation' }
  | { readonly kind: 'paused'; readonly sessions: readonly { readonly writer: number; readonly session: bigint }[] }
  | { readonly kind: 'violation'; readonly what: string }

export type ToMember =
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'state' }
  | { readonly kind: 'beat'; readonly beat: number }
