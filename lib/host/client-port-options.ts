/**
 * The option `clientPort` of Peer.open: where ZooKeeper's own clients connect, and what that port allows. Names are of this house; ZooKeeper's
 * stand beside them, with its defaults.
 *
 * Before: peer-options.ts. After: compose.ts hands the resolved form to jute/server/client-port.ts.
 */
import { isRecord } from './option-checks.js'

export interface ClientPortOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** The interface to listen at; `'0.0.0.0'` and `'::'` are all. @default '127.0.0.1' */
  readonly host?: string
  /** Whether a leader of others has clients at this port, or leaves them to the others (leaderServes). @default true */
  readonly leaderServes?: boolean
  /** Connections that the system keeps until they are accepted (clientPortListenBacklog). @default 511 */
  readonly listenBacklog?: number
  /** Whether TCP looks now and then whether a silent client is still there (clientTcpKeepAlive). @default false */
  readonly keepAlive?: boolean
  /** Four-letter words that are answered, `'*'` for all (4lw.commands.whitelist). @default ['srvr'], with read-only mode also 'isro' */
  readonly fourLetterWords?: readonly string[]
  /** Connections from one address, 0 for any number (maxClientCnxns). @default 60 */
  readonly connectionsPerAddressMax?: number
  /** All connections, 0 for any number (maxCnxns). @default 10_000 */
  readonly connectionsMax?: number
  /** New connections a second, of all addresses, 0 for any number; also as many at once, after a second without any. @default 1000 */
  readonly connectionsPerSecondMax?: number
  /** The same of one address. @default 200 */
  readonly connectionsPerSecondPerAddressMax?: number
  /** Connections that have no session yet, 0 for any number. @default 100 */
  readonly sessionlessMax?: number
  /** Without a session by then, a connection is closed (nio.sessionlessCnxnTimeout). @default 10_000 */
  readonly sessionlessTimeoutMs?: number
  /** A request that has begun is complete by then, or its connection is closed. @default 10_000 */
  readonly frameTimeoutMs?: number
  /** Bytes of a request; more closes the connection (jute.maxbuffer). @default 1_048_575 */
  readonly frameBytesMax?: number
  /** Bytes that requests which have begun may take, all connections together; past it the oldest of them is closed. @default 64 MiB */
  readonly partialBytesMax?: number
  /** Requests of all connections without an answer; past it, who has one is not read from (globalOutstandingLimit). @default 1000 */
  readonly outstandingMax?: number
  /** Requests of one connection without an answer; past it, it is not read from. @default 1000 */
  readonly connectionOutstandingMax?: number
  /** Requests of all connections in the peer at once; past it, they wait in one queue; 0 for any number (request_throttle_max_requests). @default 0 */
  readonly requestThrottleMax?: number
  /** Time between two looks at what waits there and may be late (request_throttle_stall_time). @default 100 */
  readonly requestThrottleStallMs?: number
  /** One that has waited there longer than its session's timeout is dropped, with its connection (request_stale_latency_check). @default false */
  readonly requestThrottleDropLate?: boolean
  /** One that has waited there longer than so is answered THROTTLED_OP, without effect; 0 for never (throttled_op_wait_time). @default 0 */
  readonly throttledOpWaitMs?: number
  /** Sessions that may begin, or go on at another connection, at once; past it connections are closed; 0 for any number (connection_throttle_tokens). @default 0 */
  readonly connectionTokensMax?: number
  /** In so many milliseconds (connection_throttle_fill_time) … @default 1 */
  readonly connectionTokensFillMs?: number
  /** … so many more may (connection_throttle_fill_count). @default 1 */
  readonly connectionTokensFillCount?: number
  /** How often the chance to be turned away is adjusted; −1 to leave nothing to chance (connection_throttle_freeze_time). @default -1 */
  readonly connectionTokensFreezeMs?: number
  /** That chance grows by this when no token is left (connection_throttle_drop_increase) … @default 0.02 */
  readonly connectionDropIncrease?: number
  /** … and falls by this (connection_throttle_drop_decrease) … @default 0.002 */
  readonly connectionDropDecrease?: number
  /** … when at most this part of the tokens is missing (connection_throttle_decrease_ratio). @default 0 */
  readonly connectionDropDecreaseRatio?: number
  /** What a session costs by its kind, in place of 1; the numbers above count those of kind `global` (connection_throttle_weight_enabled). @default none */
  readonly connectionTokenWeights?: { readonly global: number; readonly renew: number; readonly local: number }
  /** A request of more bytes is a large one; 0 for none (largeRequestThreshold). @default 0 */
  readonly largeRequestBytes?: number
  /** Bytes of all large requests without an answer; who would pass it is closed (largeRequestMaxBytes). @default 104_857_600 */
  readonly largeRequestBytesMax?: number
  /** Unsent bytes past which a connection is not read from. @default 4 MiB */
  readonly outQueueBytesPause?: number
  /** Unsent bytes past which it is closed. @default 16 MiB */
  readonly outQueueBytesMax?: number
}

type Weights = ClientPortOptions['connectionTokenWeights']

export type ResolvedClientPort = Required<Omit<ClientPortOptions, 'connectionTokenWeights'>> & {
  readonly connectionTokenWeights: Weights | undefined
}

const MIB = 1024 * 1024

const numbers = {
  port: { min: 0, max: 65_535, byDefault: undefined },
  listenBacklog: { min: 1, max: 65_535, byDefault: 511 },
  connectionsPerAddressMax: { min: 0, max: 1_000_000, byDefault: 60 },
  connectionsMax: { min: 0, max: 1_000_000, byDefault: 10_000 },
  connectionsPerSecondMax: { min: 0, max: 1_000_000, byDefault: 1000 },
  connectionsPerSecondPerAddressMax: { min: 0, max: 1_000_000, byDefault: 200 },
  sessionlessMax: { min: 0, max: 10_000, byDefault: 100 },
  sessionlessTimeoutMs: { min: 1, max: 3_600_000, byDefault: 10_000 },
  frameTimeoutMs: { min: 1, max: 3_600_000, byDefault: 10_000 },
  frameBytesMax: { min: 1024, max: 64 * MIB, byDefault: 1_048_575 },
  partialBytesMax: { min: MIB, max: 4096 * MIB, byDefault: 64 * MIB },
  outstandingMax: { min: 1, max: 1_000_000, byDefault: 1000 },
  connectionOutstandingMax: { min: 1, max: 1_000_000, byDefault: 1000 },
  requestThrottleMax: { min: 0, max: 1_000_000, byDefault: 0 },
  requestThrottleStallMs: { min: 1, max: 3_600_000, byDefault: 100 },
  throttledOpWaitMs: { min: 0, max: 3_600_000, byDefault: 0 },
  connectionTokensMax: { min: 0, max: 1_000_000, byDefault: 0 },
  connectionTokensFillMs: { min: 1, max: 3_600_000, byDefault: 1 },
  connectionTokensFillCount: { min: 1, max: 1_000_000, byDefault: 1 },
  connectionTokensFreezeMs: { min: -1, max: 3_600_000, byDefault: -1 },
  largeRequestBytes: { min: 0, max: 64 * MIB, byDefault: 0 },
  largeRequestBytesMax: { min: 1, max: 4096 * MIB, byDefault: 100 * MIB },
  outQueueBytesPause: { min: 1024, max: 1024 * MIB, byDefault: 4 * MIB },
  outQueueBytesMax: { min: 1024, max: 1024 * MIB, byDefault: 16 * MIB },
} as const
type NumberName = keyof typeof numbers

const fractions = {
  connectionDropIncrease: 0.02,
  connectionDropDecrease: 0.002,
  connectionDropDecreaseRatio: 0,
} as const

/** Undefined when none is asked for, or, with a complaint for each thing that is wrong, when it cannot be had. */
export function resolveClientPort(
  given: number | ClientPortOptions | undefined,
  complaints: string[],
  readOnlyMode: boolean,
): ResolvedClientPort | undefined {
  if (given === undefined) return undefined
  const options: unknown = typeof given === 'number' ? { port: given } : given
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    complaints.push('clientPort must be a port, or an object such as { port: 2181 }')
    return undefined
  }
  const found: string[] = []
  const resolved: Record<string, unknown> = {
    host: '127.0.0.1',
    fourLetterWords: readOnlyMode ? ['srvr', 'isro'] : ['srvr'],
    keepAlive: false,
    leaderServes: true,
    requestThrottleDropLate: false,
    connectionTokenWeights: undefined,
    ...fractions,
  }
  for (const [name, { byDefault }] of Object.entries(numbers)) resolved[name] = byDefault
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    const complaint = complaintAbout(name, value)
    if (complaint === undefined) resolved[name] = value
    else found.push(`clientPort.${name} ${complaint}`)
  }
  const limits = resolved as unknown as ResolvedClientPort
  if (limits.port === undefined && found.length === 0) found.push('clientPort.port is missing')
  if (found.length === 0 && limits.outQueueBytesPause > limits.outQueueBytesMax) {
    found.push('clientPort.outQueueBytesPause is above clientPort.outQueueBytesMax')
  }
  complaints.push(...found)
  return found.length === 0 ? limits : undefined
}

function complaintAbout(name: string, value: unknown): string | undefined {
  if (Object.hasOwn(numbers, name)) {
    const { min, max } = numbers[name as NumberName]
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return undefined
    return `must be a whole number from ${min} to ${max}`
  }
  if (Object.hasOwn(fractions, name))
    return typeof value === 'number' && value >= 0 && value <= 1 ? undefined : 'must be a number from 0 to 1'
  switch (name) {
    case 'keepAlive':
    case 'leaderServes':
    case 'requestThrottleDropLate':
      return typeof value === 'boolean' ? undefined : 'must be true or false'
    case 'connectionTokenWeights':
      return areWeights(value) ? undefined : 'must be { global, renew, local }, whole numbers, none below local'
    case 'host':
      return typeof value === 'string' && value.length > 0 ? undefined : 'must be a non-empty string'
    case 'fourLetterWords':
      return Array.isArray(value) && value.every(word => word === '*' || /^[a-z]{4}$/.test(String(word)))
        ? undefined
        : "must be a list of four-letter words, or ['*']"
    default:
      return 'is not an option'
  }
}

function areWeights(value: unknown): boolean {
  if (!isRecord(value)) return false
  const { global, renew, local, ...others } = value
  const all = [local, renew, global].map(Number)
  return Object.keys(others).length === 0 && all.every(each => Number.isInteger(each) && each >= Math.max(1, all[0]!))
}
