/** Timing and limits of one peer's core; resolved and validated once, at Peer.open. */
export interface ProtocolOptions {
  /** @default 2000 */
  readonly tickMs: number
  /** Ticks a learner may take to connect and synchronise, beside the time that the history needs to reach it. @default 10 */
  readonly initLimitTicks: number
  /** Ticks without a word before a link counts as dead. @default 5 */
  readonly syncLimitTicks: number
  /** @default 2 × tickMs */
  readonly sessionTimeoutMinMs: number
  /** @default 20 × tickMs */
  readonly sessionTimeoutMaxMs: number
  /** How long a decided voter waits for a better vote. @default 200 */
  readonly finalizeWaitMs: number
  /** Bounds of the doubling time between notifications that got no answer. @default 200, 60_000 */
  readonly notificationMinMs: number
  readonly notificationMaxMs: number
  /** Largest data of a znode in bytes. @default 1_048_575 − 1024 as in ZooKeeper's advice; see jute.maxbuffer */
  readonly dataBytesMax: number
  /** Writes of all clients of this peer that may wait for their commit; more are refused with OVERLOADED. @default 10_000 */
  readonly outstandingMax: number
  /** Replicas compare their digests after every so many zxids (Z31); the same on all peers. @default 128 */
  readonly digestEvery: number
  /**
   * A leader hands over when its own log takes so many milliseconds longer than that of a quorum of the others, and many times as long, in the
   * median of 5 ticks; 0 for never. @default 200
   */
  readonly slowLeaderMs: number
  /** Whether TTL znodes may be created; as a leader's option it holds for everybody. @default true */
  readonly extendedTypesEnabled: boolean
  /** How often a leader looks for containers and TTL znodes that are out of use. @default 60_000 */
  readonly containerCheckIntervalMs: number
  /** How many of them it takes away in a minute. @default 10_000 */
  readonly containerMaxPerMinute: number
  /** After how long a container that never had a child is out of use; 0 for never. @default 0 */
  readonly containerNeverUsedMs: number
  /** Whether a write over the hard limit of a quota is refused; as a leader's option it holds for everybody. @default false */
  readonly enforceQuota: boolean
  /** A new session is known to its own peer only: it costs no transaction, and owns no ephemerals. The same on all peers. @default false */
  readonly localSessionsEnabled: boolean
  /** Such a session becomes an ordinary one with its first ephemeral; else that is refused. @default false */
  readonly localSessionsUpgradingEnabled: boolean
  /** Writes that an ACL of this peer's replica denies are refused here already, and not forwarded (enableEagerACLCheck). @default false */
  readonly eagerAclCheck: boolean
  /** `audit` is told of every write too, done or failed, and of ephemerals that end with their session; a leader tells it. @default false */
  readonly auditWrites: boolean
  /** Without a leader for some time, this peer answers reads of clients that ask for that. @default false */
  readonly readOnlyModeEnabled: boolean
  /** So long, and a tick at least: a short election is nothing to change one's ways for. @default 2000, as in ZooKeeper */
  readonly readOnlyAfterMs: number
}

export const defaultProtocolOptions: ProtocolOptions = Object.freeze({
  tickMs: 2000,
  initLimitTicks: 10,
  syncLimitTicks: 5,
  sessionTimeoutMinMs: 4000,
  sessionTimeoutMaxMs: 40_000,
  finalizeWaitMs: 200,
  notificationMinMs: 200,
  notificationMaxMs: 60_000,
  dataBytesMax: 1_048_575,
  outstandingMax: 10_000,
  digestEvery: 128,
  slowLeaderMs: 200,
  extendedTypesEnabled: true,
  containerCheckIntervalMs: 60_000,
  containerMaxPerMinute: 10_000,
  containerNeverUsedMs: 0,
  enforceQuota: false,
  localSessionsEnabled: false,
  localSessionsUpgradingEnabled: false,
  readOnlyModeEnabled: false,
  eagerAclCheck: false,
  auditWrites: false,
  readOnlyAfterMs: 2000,
})
