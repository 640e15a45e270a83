/**
 * The options of Peer.open: what they mean, their bounds, and their one validation. Resolved once, at the door; every complaint is
 * in one BAD_OPTIONS error, names that do not exist included, so that nobody mends them one start at a time.
 *
 * Before: compose.ts. After: open-peer.ts works with the resolved form only.
 */
import { defaultProtocolOptions, type ProtocolOptions } from '../core/protocol-options.js'
import type { Random } from '../core/random.js'
import type { EnsembleConfig } from '../model/ensemble-config.js'
import { ZooKeeperError } from '../model/errors.js'
import { isPeerId, MAX_PEER_ID, type PeerId } from '../model/ids.js'
import { isText } from '../model/request-check.js'
import { ZERO } from '../model/zxid.js'
import { DEFAULT_RETENTION, type LogRetention } from '../storage/log-retention.js'
import type { Storage } from '../storage/storage.js'
import type { Transport } from '../transport/transport.js'
import { type AuthOptions, authShapes, type ResolvedAuthOptions, resolveAuthOptions } from './auth-options.js'
import { type ClientPortOptions, type ResolvedClientPort, resolveClientPort } from './client-port-options.js'
import { type Clock, systemClock } from './clock.js'
import { type Logger, logLevels, silentLogger } from './logger.js'
import { type MemberOptions, resolveMembers } from './member-options.js'
import { checkNumber, isRecord } from './option-checks.js'
import type { PoolProbe } from './pool-probe.js'
import { systemRandom } from './random.js'
import { switched, switches } from './switches.js'

/**
 * @example one peer, nothing on disk: { id: 1, dataDir: ':memory:' }
 * @example { id: 1, dataDir: './data/1', transport: tcp({ port: 2888 }),
 *   members: { 1: 'tcp://10.0.0.1:2888', 2: 'tcp://10.0.0.2:2888', 3: 'tcp://10.0.0.3:2888' } }
 */
export interface PeerOptions extends Partial<ProtocolOptions>, LogRetention, AuthOptions {
  /** This peer's number in the ensemble (ZooKeeper's myid): 1 … 254. Never changes for a data directory. */
  readonly id: number
  /** A directory of this peer alone, or ':memory:' (durable only while a majority of the processes lives). */
  readonly dataDir?: string
  /** A storage of one's own, instead of `dataDir`. */
  readonly storage?: Storage
  /** How this peer reaches the others. Not needed by a peer that is alone. */
  readonly transport?: Transport
  /** Every peer of the ensemble by id, this one included; the same on all. At most 7 vote. @default this peer alone */
  readonly members?: Readonly<Record<number, string | MemberOptions>>
  /** A name that keeps peers of different ensembles apart. @default 'vivarium' */
  readonly ensemble?: string
  /** Where ZooKeeper's own clients connect: a port of 127.0.0.1, or an object with host and limits. @default none */
  readonly clientPort?: number | ClientPortOptions
  /** Where the peer tells what an operator should hear. @default silent */
  readonly logger?: Logger
  /** Bytes of log after which the tree is written to disk. @default 16 MiB */
  readonly checkpointLogBytes?: number
  /** Free bytes of the disk below which writes are refused with STORAGE_LOW; 0 for never. @default 256 MiB */
  readonly diskFreeBytesMin?: number
  /** Bytes that may wait to be sent to one peer; past it the link is closed and the peer catches up later. @default 64 MiB */
  readonly linkQueueBytesMax?: number
  /** How long a graceful close may take before it is cut short. @default 5000 */
  readonly closeTimeoutMs?: number
  /** For tests: another source of time or chance. */
  readonly clock?: Clock
  readonly random?: Random
}

export interface ResolvedPeerOptions extends Required<LogRetention>, ResolvedAuthOptions {
  readonly id: PeerId
  readonly ensemble: string
  readonly dataDir: string | undefined
  readonly storage: Storage | undefined
  readonly transport: Transport | undefined
  readonly config: EnsembleConfig
  readonly protocol: ProtocolOptions
  readonly clientPort: ResolvedClientPort | undefined
  readonly logger: Logger
  readonly checkpointLogBytes: number
  readonly diskFreeBytesMin: number
  readonly linkQueueBytesMax: number
  readonly closeTimeoutMs: number
  readonly clock: Clock
  readonly random: Random
  /** Another one than libuv's: a world on virtual time has no pool to wait for. */
  readonly poolProbe?: PoolProbe
  /** Allowed, but worth a word. */
  readonly warnings: readonly string[]
}

const MIB = 1024 * 1024

/** Whole numbers with their bounds and defaults; session timeouts follow tickMs where they are not given. */
const numbers = {
  tickMs: { min: 1, max: 60_000 },
  initLimitTicks: { min: 1, max: 1000 },
  syncLimitTicks: { min: 1, max: 1000 },
  sessionTimeoutMinMs: { min: 1, max: 86_400_000 },
  sessionTimeoutMaxMs: { min: 1, max: 86_400_000 },
  finalizeWaitMs: { min: 1, max: 60_000 },
  notificationMinMs: { min: 1, max: 60_000 },
  notificationMaxMs: { min: 1, max: 3_600_000 },
  dataBytesMax: { min: 1, max: 2 * MIB },
  outstandingMax: { min: 1, max: 1_000_000 },
  slowLeaderMs: { min: 0, max: 60_000 },
  containerCheckIntervalMs: { min: 1, max: 86_400_000 },
  containerMaxPerMinute: { min: 1, max: 1_000_000 },
  containerNeverUsedMs: { min: 0, max: Number.MAX_SAFE_INTEGER },
  checkpointLogBytes: { min: 1024, max: 1024 * MIB },
  diskFreeBytesMin: { min: 0, max: 1024 * 1024 * MIB },
  linkQueueBytesMax: { min: 1024 * 1024, max: 1024 * MIB },
  logBytesKept: { min: 0, max: 1024 * 1024 * MIB },
  logEntriesKept: { min: 0, max: 1_000_000_000 },
  logAgeMsKept: { min: 0, max: DEFAULT_RETENTION.logAgeMsKept },
  logPinnedBytesMax: { min: 0, max: 1024 * 1024 * MIB },
  closeTimeoutMs: { min: 1, max: 3_600_000 },
} as const
type NumberName = keyof typeof numbers

const shapes = {
  id: (value: unknown) => (isPeerId(value) ? undefined : `must be a whole number from 1 to ${MAX_PEER_ID}`),
  dataDir: (value: unknown) =>
    typeof value === 'string' && value.length > 0 && !value.includes('\0') ? undefined : 'must be a non-empty string',
  storage: methods('open', 'append', 'truncate', 'saveEpochs', 'checkpoint', 'readHistory', 'readSnapshot', 'close'),
  transport: methods('listen', 'dial', 'understands', 'close'),
  members: (value: unknown) =>
    isRecord(value) ? undefined : "must be an object such as { 1: 'tcp://10.0.0.1:2888' }, by peer id",
  ensemble: (value: unknown) =>
    isText(value) && value.length > 0 && Buffer.byteLength(value) <= 255
      ? undefined
      : 'must be a string of 1 to 255 bytes of UTF-8',
  clientPort: () => undefined, // resolved below, with complaints of its own
  logger: methods(...logLevels),
  clock: methods('now', 'wall', 'schedule', 'afterLoop'),
  random: methods('uint32', 'bytes'),
  ...authShapes,
  ...switches,
} as const

/** Throws BAD_OPTIONS with every complaint. */
export function resolvePeerOptions(options: PeerOptions): ResolvedPeerOptions {
  if (!isRecord(options)) throw new ZooKeeperError('BAD_OPTIONS', 'options must be an object')
  const complaints: string[] = []
  const given = new Map<string, unknown>(Object.entries(options).filter(([, value]) => value !== undefined))
  for (const [name, value] of given) {
    const complaint = Object.hasOwn(numbers, name)
      ? checkNumber(numbers[name as NumberName], value)
      : Object.hasOwn(shapes, name)
        ? shapes[name as keyof typeof shapes](value)
        : 'is not an option'
    if (complaint !== undefined) complaints.push(`${name} ${complaint}`)
  }
  if (!given.has('id')) complaints.push('id is missing')
  if (given.has('dataDir') === given.has('storage')) {
    complaints.push("one of dataDir (a path, or ':memory:') and storage must be given")
  }

  const number = (name: NumberName, otherwise: number): number => {
    const value = given.get(name)
    return typeof value === 'number' ? value : otherwise
  }
  const tickMs = number('tickMs', defaultProtocolOptions.tickMs)
  const protocol: ProtocolOptions = {
    ...switched(options),
    auditWrites: options.auditWrites === true && options.audit !== undefined,
    tickMs,
    initLimitTicks: number('initLimitTicks', defaultProtocolOptions.initLimitTicks),
    syncLimitTicks: number('syncLimitTicks', defaultProtocolOptions.syncLimitTicks),
    sessionTimeoutMinMs: number('sessionTimeoutMinMs', 2 * tickMs),
    sessionTimeoutMaxMs: number('sessionTimeoutMaxMs', 20 * tickMs),
    finalizeWaitMs: number('finalizeWaitMs', defaultProtocolOptions.finalizeWaitMs),
    notificationMinMs: number('notificationMinMs', defaultProtocolOptions.notificationMinMs),
    notificationMaxMs: number('notificationMaxMs', defaultProtocolOptions.notificationMaxMs),
    dataBytesMax: number('dataBytesMax', defaultProtocolOptions.dataBytesMax),
    outstandingMax: number('outstandingMax', defaultProtocolOptions.outstandingMax),
    slowLeaderMs: number('slowLeaderMs', defaultProtocolOptions.slowLeaderMs),
    containerCheckIntervalMs: number('containerCheckIntervalMs', defaultProtocolOptions.containerCheckIntervalMs),
    containerMaxPerMinute: number('containerMaxPerMinute', defaultProtocolOptions.containerMaxPerMinute),
    containerNeverUsedMs: number('containerNeverUsedMs', defaultProtocolOptions.containerNeverUsedMs),
    // No option: all peers must compare at the same places.
    digestEvery: defaultProtocolOptions.digestEvery,
    readOnlyAfterMs: defaultProtocolOptions.readOnlyAfterMs,
  }
  if (protocol.sessionTimeoutMinMs > protocol.sessionTimeoutMaxMs) {
    complaints.push(
      `sessionTimeoutMinMs (${protocol.sessionTimeoutMinMs}) is above sessionTimeoutMaxMs (${protocol.sessionTimeoutMaxMs})`,
    )
  }
  if (protocol.notificationMinMs > protocol.notificationMaxMs) {
    complaints.push(
      `notificationMinMs (${protocol.notificationMinMs}) is above notificationMaxMs (${protocol.notificationMaxMs})`,
    )
  }

  const warnings: string[] = []
  const id = options.id as PeerId
  const members = resolveMembers(options.members, id, complaints, warnings)
  if (members.length > 1 && options.transport === undefined) {
    complaints.push('transport is missing: an ensemble of several members needs one')
  }
  if (members.length > 1 && complaints.length === 0) {
    for (const { id, address } of members) {
      if (options.transport?.understands(address) === false) {
        complaints.push(
          `members.${id}: ${address} is no address of this transport, whose own is ${options.transport.address}`,
        )
      }
    }
  }
  const clientPort = resolveClientPort(options.clientPort, complaints, options.readOnlyModeEnabled === true)
  if (complaints.length > 0) throw new ZooKeeperError('BAD_OPTIONS', complaints.join('; '))

  return {
    id,
    ensemble: options.ensemble ?? 'vivarium',
    dataDir: options.dataDir,
    storage: options.storage,
    transport: options.transport,
    config: { version: ZERO, members },
    protocol,
    clientPort,
    logger: options.logger ?? silentLogger,
    checkpointLogBytes: number('checkpointLogBytes', 16 * MIB),
    diskFreeBytesMin: number('diskFreeBytesMin', 256 * MIB),
    linkQueueBytesMax: number('linkQueueBytesMax', 64 * MIB),
    logBytesKept: number('logBytesKept', DEFAULT_RETENTION.logBytesKept),
    logEntriesKept: number('logEntriesKept', DEFAULT_RETENTION.logEntriesKept),
    logAgeMsKept: number('logAgeMsKept', DEFAULT_RETENTION.logAgeMsKept),
    logPinnedBytesMax: number('logPinnedBytesMax', DEFAULT_RETENTION.logPinnedBytesMax),
    closeTimeoutMs: number('closeTimeoutMs', 5000),
    ...resolveAuthOptions(options),
    clock: options.clock ?? systemClock(),
    random: options.random ?? systemRandom(),
    warnings,
  }
}

function methods(...names: readonly string[]): (value: unknown) => string | undefined {
  return value => {
    const missing = names.filter(name => !isRecord(value) || typeof value[name] !== 'function')
    return missing.length === 0
      ? undefined
      : `must have the method${missing.length > 1 ? 's' : ''} ${missing.join(', ')}`
  }
}
