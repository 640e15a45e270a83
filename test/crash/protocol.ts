/** What the parent of a crash test and its members say to each other over their channel (structured clone: bigints pass). */
import type { PlantedBug } from './planted-storage.js'

export interface MemberConfig {
  readonly id: number
  readonly dataDir: string
  /** Of members 1, 2, 3. */
  readonly ports: readonly number[]
  readonly seed: number
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
}

export type FromMember =
  | {
      readonly kind: 'status'
      readonly role: string
      readonly epoch: number
      readonly serving: boolean
    }
  | Written
  | MemberState
  | { readonly kind: 'session'; readonly writer: number; readonly session: bigint }
  | { readonly kind: 'deleting'; readonly path: string }
  | { readonly kind: 'expired'; readonly writer: number }
  | { readonly kind: 'synchronized'; readonly by: 'snapshot' | 'truncation' }
  | { readonly kind: 'paused'; readonly sessions: readonly { readonly writer: number; readonly session: bigint }[] }
  | { readonly kind: 'violation'; readonly what: string }

export type ToMember = { readonly kind: 'pause' } | { readonly kind: 'resume' } | { readonly kind: 'state' }
