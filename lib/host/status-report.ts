/**
 * What a peer says of itself to its application and its operator: the core's status, the links, the life of the peer — one plain
 * value, made when asked for.
 *
 * Before: peer-host. After: Peer.status, status$, members$, health().
 */
import { describeWait } from '../core/election/first-start.js'
import type { FirstStartWait, PeerPhase } from '../core/peer-status.js'
import { quorumOf } from '../core/quorum/quorum-of.js'
import type { RoleName } from '../core/zab/messages.js'
import type { MemberRole } from '../model/ensemble-config.js'
import type { ZooKeeperError } from '../model/errors.js'
import type { PeerId } from '../model/ids.js'
import { zxidToBigint } from '../model/zxid.js'
import type { CommitTimes } from './commit-watch.js'
import type { LifecycleState } from './lifecycle.js'
import type { PeerHost } from './peer-host.js'
import type { ResolvedPeerOptions } from './peer-options.js'

export interface MemberReport {
  readonly id: PeerId
  readonly address: string
  readonly role: MemberRole
  /** True for this peer itself. */
  readonly self: boolean
  /** Whether this peer has a link with it; true for itself. */
  readonly connected: boolean
  /** Why there is no link. */
  readonly trouble: string | undefined
}

export interface StatusReport {
  readonly id: PeerId
  readonly ensemble: string
  /** 'repairing': running, but its data were damaged; it does not vote and serves nobody until a leader has brought it up to date. */
  readonly state: LifecycleState | 'repairing'
  /** Why the peer has failed. */
  readonly error: ZooKeeperError | undefined
  readonly role: RoleName
  readonly phase: PeerPhase
  readonly leader: PeerId | undefined
  readonly epoch: number
  /** Whether reads are current and writes are taken. */
  readonly serving: boolean
  /** Whether the replica of this peer was found to differ from the ensemble's: it serves nobody until it has a snapshot. */
  readonly diverged: boolean
  /** The last transaction in this peer's log, last known to be committed, last applied to its tree. */
  readonly logged: bigint
  readonly committed: bigint
  readonly applied: bigint
  /**
   * What a voter without a history waits for while it does not serve: every other voter, if the ensemble starts for the first time. Undefined once it
   * has taken a leader's history.
   */
  readonly firstStart: FirstStartWait | undefined
  readonly members: readonly MemberReport[]
  /** The disk has less room than `diskFreeBytesMin`: writes are refused with STORAGE_LOW. */
  readonly storageLow: boolean
  /** How long commits took, the longest of the last 10 s: waiting for libuv's pool, and for the disk. */
  readonly commits: CommitTimes
  /** Attached clients of this peer. */
  readonly clients: number
}

export interface Health {
  /** Alive and part of a working ensemble. */
  readonly ok: boolean
  /** What is wrong, and what is only noteworthy (then `ok` is still true). */
  readonly reasons: readonly string[]
}

export function reportStatus(host: PeerHost, options: ResolvedPeerOptions): StatusReport {
  const { role, phase, leader, epoch, serving, diverged, repairing, logged, committed, applied, firstStartWait } =
    host.core.status
  const { state, error } = host.lifecycle
  const alive = state === 'running' || state === 'closing'
  return {
    id: options.id,
    ensemble: options.ensemble,
    state: state === 'running' && repairing ? 'repairing' : state,
    error,
    role: alive ? role : 'looking',
    phase,
    leader: alive ? leader : undefined,
    epoch,
    serving: alive && serving,
    diverged,
    logged: zxidToBigint(logged),
    committed: zxidToBigint(committed),
    applied: zxidToBigint(applied),
    firstStart: alive ? firstStartWait : undefined,
    members: reportMembers(host, options),
    storageLow: alive && host.space.low,
    commits: host.commits.times,
    clients: host.channels.size,
  }
}

export function reportHealth(host: PeerHost, options: ResolvedPeerOptions): Health {
  const { state, error, serving, diverged, role, members, firstStart } = reportStatus(host, options)
  const reasons: string[] = []
  if (error !== undefined) reasons.push(`failed: ${error.message}`)
  else if (state === 'repairing') reasons.push(`damaged, waiting for a leader to repair it: ${host.damage}`)
  else if (state !== 'running') reasons.push(`the peer is ${state}`)
  else if (diverged)
    reasons.push(`not serving: ${role}, the replica differs from the ensemble's and waits for a snapshot`)
  else if (firstStart !== undefined) reasons.push(`not serving: ${describeWait(options.id, firstStart)}`)
  else if (!serving) reasons.push(`not serving: ${role}, no established leader`)
  const ok = reasons.length === 0
  const { damagedVoters, standsAside, freshVoters } = host.core.status
  const quorum = quorumOf(options.config)
  const isLostWithout = (gone: readonly PeerId[]) =>
    !quorum.isQuorum([...quorum.voters].filter(id => !gone.includes(id)))
  if (damagedVoters.length > 0) {
    const lost = isLostWithout(damagedVoters)
    const why = lost ? 'no quorum is left without them' : 'they do not vote until they are repaired'
    reasons.push(`damaged voters: ${damagedVoters.join(', ')}; ${why}`)
  }
  const others = freshVoters.filter(id => id !== options.id)
  if (others.length > 0 && firstStart === undefined) {
    const lost = !serving && isLostWithout(freshVoters)
    const why = lost ? 'no quorum is left without them' : 'they do not count until they have it'
    reasons.push(`voters without a history: ${others.join(', ')}; ${why}`)
  }
  for (const { id, connected, trouble } of members) {
    if (!connected) reasons.push(`no link with peer ${id}${trouble === undefined ? '' : `: ${trouble}`}`)
  }
  if (host.space.low) {
    const [free, least] = [host.space.freeBytes ?? 0, options.diskFreeBytesMin].map(mebibytes)
    reasons.push(`the disk is low, writes are refused: ${free} MiB free, of at least ${least} (diskFreeBytesMin)`)
  }
  const { trouble } = host.commits
  if (state === 'running' && trouble !== undefined) reasons.push(trouble)
  if (standsAside)
    reasons.push("as leader its log was slower than the others': it leaves leading to others for a while")
  if (host.loggerFailure !== undefined) reasons.push(`the logger threw: ${String(host.loggerFailure)}`)
  return { ok, reasons }
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(bytes < 10 * 1024 ** 2 ? 1 : 0)
}

function reportMembers(host: PeerHost, options: ResolvedPeerOptions): MemberReport[] {
  const links = new Map(host.links.state.map(link => [link.peer, link]))
  return options.config.members.map(({ id, address, role }) => {
    const self = id === options.id
    const link = links.get(id)
    return { id, address, role, self, connected: self || link?.connected === true, trouble: link?.trouble }
  })
}
