/**
 * The option `clientPort` of Peer.open: where ZooKeeper's own clients connect, and what that port allows. Names are of this house; ZooKeeper's
 * stand beside them, with its defaults.
 *
 * Before: peer-options.ts. After: compose.ts hands the resolved form to jute/server/client-port.ts.
 */
export interface ClientPortOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** The interface to listen at; `'0.0.0.0'` and `'::'` are all. @default '127.0.0.1' */
  readonly host?: string
  /** Four-letter words that are answered, `'*'` for all (4lw.commands.whitelist). @default ['srvr'], with read-only mode also 'isro' */
  readonly fourLetterWords?: readonly string[]
  /** Connections from one address, 0 for any number (maxClientCnxns). @default 60 */
  readonly connectionsPerAddressMax?: number
  /** All connections, 0 for any number (maxCnxns). @default 10_000 */
  readonly connectionsMax?: number
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
  /** Unsent bytes past which a connection is not read from. @default 4 MiB */
  readonly outQueueBytesPause?: number
  /** Unsent bytes past which it is closed. @default 16 MiB */
  readonly outQueueBytesMax?: number
}

export type ResolvedClientPort = Required<ClientPortOptions>

const MIB = 1024 * 1024

const numbers = {
  port: { min: 0, max: 65_535, byDefault: undefined },
  connectionsPerAddressMax: { min: 0, max: 1_000_000, byDefault: 60 },
  connectionsMax: { min: 0, max: 1_000_000, byDefault: 10_000 },
  sessionlessTimeoutMs: { min: 1, max: 3_600_000, byDefault: 10_000 },
  frameTimeoutMs: { min: 1, max: 3_600_000, byDefault: 10_000 },
  frameBytesMax: { min: 1024, max: 64 * MIB, byDefault: 1_048_575 },
  partialBytesMax: { min: MIB, max: 4096 * MIB, byDefault: 64 * MIB },
  outstandingMax: { min: 1, max: 1_000_000, byDefault: 1000 },
  connectionOutstandingMax: { min: 1, max: 1_000_000, byDefault: 1000 },
  outQueueBytesPause: { min: 1024, max: 1024 * MIB, byDefault: 4 * MIB },
  outQueueBytesMax: { min: 1024, max: 1024 * MIB, byDefault: 16 * MIB },
} as const
type NumberName = keyof typeof numbers

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
  switch (name) {
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
