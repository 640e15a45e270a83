/** What the peer behind a client port says of itself when a four-letter word asks. Made when it is asked for; plain values. */
import type { SessionId } from '../../model/ids.js'
import type { Zxid } from '../../model/zxid.js'

export interface ServerReport {
  readonly version: string
  /** Undefined while it serves nobody. */
  readonly mode: 'standalone' | 'leader' | 'follower' | 'observer' | 'read-only' | undefined
  readonly zxid: Zxid
  readonly znodes: number
  /** Paths and data, roughly. */
  readonly dataBytes: number
  readonly ephemerals: number
  readonly watches: number
  readonly sessions: number
  /** Known to this peer only. */
  readonly localSessions: number
  readonly uptimeMs: number
  /** Voters. */
  readonly quorumSize: number
  /** Undefined unless it leads an ensemble. */
  readonly leadership: LeadershipReport | undefined
}

export interface LeadershipReport {
  /** Members that are connected. */
  readonly learners: number
  /** Of these the voters, and the observers, that have all of its history. */
  readonly followers: number
  readonly observers: number
  /** Syncs that wait for what was proposed before them. */
  readonly pendingSyncs: number
  /** Since it leads. */
  readonly uptimeMs: number
}

/** Lists that cost as much as they are long: for the words that print them. */
export interface ServerLists {
  sessions(): Iterable<{ readonly session: SessionId; readonly timeoutMs: number }>
  ephemerals(): Iterable<readonly [SessionId, Iterable<string>]>
  /** Sessions with the paths on which they hear of the znode itself. */
  watched(): Iterable<readonly [SessionId, ReadonlySet<string>]>
  /** Digests of the state, each behind the txn it stands for; equal on all peers that have both. */
  digests(): Iterable<{ readonly zxid: Zxid; readonly digest: { readonly high: number; readonly low: number } }>
  /** What lies on the disk, in bytes. */
  sizes(): Promise<{ readonly tree: number; readonly log: number }>
  /** Files and sockets that are open, and how many may be; undefined where the system does not tell. */
  descriptors(): Promise<{ readonly open: number; readonly max: number } | undefined>
  /** Lines of `envi`. */
  environment(): Iterable<string>
  /** Lines of `conf`. @param port where clients connect. */
  configuration(port: number, sizes: { readonly tree: number; readonly log: number }): Iterable<string>
}
