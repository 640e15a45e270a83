/**
 * What a client can be told when it opens, and what each call can be told; checked at the door.
 * Always holds: all complaints about the options of a client are in one BAD_OPTIONS; those about a call are BAD_ARGUMENTS.
 */
import type { Identities } from '../model/acl.js'
import { ZooKeeperError } from '../model/errors.js'
import { validatePath } from '../model/path.js'
import { isIdentities, isInt32 } from '../model/request-check.js'
import { type Codec, raw } from './codec.js'

/** How to open a client. All may be left out. */
export interface ClientOptions<T = Uint8Array> {
  /** How values become bytes. @default raw (Uint8Array) */
  readonly codec?: Codec<T> | undefined
  /** The wanted session timeout in ms; the ensemble clamps it to its own limits (4 to 40 s by default). @default 10_000 */
  readonly sessionTimeoutMs?: number | undefined
  /** How long a call, and opening and closing, may take at most, in ms, unless the call says otherwise. @default 30_000 */
  readonly timeout?: number | undefined
  /** The path that this client takes for `/`. It is not created. @default '/' */
  readonly chroot?: string | undefined
  /** How many calls may be without an answer at once; one more is refused with OVERLOADED. @default 65_536 */
  readonly pendingCallsMax?: number | undefined
  /** How many bytes of data those calls may hold together. @default 67_108_864 (64 MiB) */
  readonly pendingBytesMax?: number | undefined
  /** How many of those are on their way at once; the others wait in the client, in order. @default 1000 */
  readonly inFlightMax?: number | undefined
  /**
   * Who the client acts as: ACLs are asked for these identities, and `addAuth` adds to them. Only for clients of this process, which the application
   * vouches for. @default all rights, as scheme `super`
   */
  readonly identities?: Identities | undefined
  /** Gives up opening. */
  readonly signal?: AbortSignal | undefined
}

/** What every call takes. */
export interface CallOptions {
  /** Aborts the call: it rejects with ABORTED, at once. */
  readonly signal?: AbortSignal | undefined
  /** In ms; then the call rejects with CONNECTION_LOSS. @default the client's `timeout` */
  readonly timeout?: number | undefined
}

export interface ResolvedOptions<T> {
  readonly codec: Codec<T>
  readonly sessionTimeoutMs: number
  readonly timeoutMs: number
  readonly chroot: string
  readonly pendingCallsMax: number
  readonly pendingBytesMax: number
  readonly inFlightMax: number
  readonly identities: Identities | undefined
  readonly signal: AbortSignal | undefined
}

const TIMER_MS_MAX = 2 ** 31 - 1
const known = new Set([
  'codec',
  'sessionTimeoutMs',
  'timeout',
  'chroot',
  'pendingCallsMax',
  'pendingBytesMax',
  'inFlightMax',
  'identities',
  'signal',
])

export function resolveClientOptions<T>(options: ClientOptions<T>): ResolvedOptions<T> {
  if (typeof options !== 'object' || options === null)
    throw new ZooKeeperError('BAD_OPTIONS', 'options must be an object')
  const complaints: string[] = []
  const given = options as { readonly [name: string]: unknown }
  for (const name of Object.keys(options)) if (!known.has(name)) complaints.push(`${name}: there is no such option`)
  const whole = (name: string, byDefault: number): number => {
    const value = given[name] ?? byDefault
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= TIMER_MS_MAX) return value
    complaints.push(`${name}: must be a whole number from 1 to ${TIMER_MS_MAX}`)
    return byDefault
  }
  const resolved: ResolvedOptions<T> = {
    codec: options.codec ?? (raw as unknown as Codec<T>),
    sessionTimeoutMs: whole('sessionTimeoutMs', 10_000),
    timeoutMs: whole('timeout', 30_000),
    chroot: options.chroot ?? '/',
    pendingCallsMax: whole('pendingCallsMax', 65_536),
    pendingBytesMax: whole('pendingBytesMax', 64 * 1024 * 1024),
    inFlightMax: whole('inFlightMax', 1000),
    identities: options.identities,
    signal: options.signal,
  }
  if (!isCodec(resolved.codec)) complaints.push('codec: must have a name, encode and decode')
  const wrongPath = typeof resolved.chroot === 'string' ? validatePath(resolved.chroot) : 'not a string'
  if (wrongPath !== undefined) complaints.push(`chroot: ${wrongPath}`)
  if (options.identities !== undefined && !isIdentities(options.identities))
    complaints.push('identities: must be an array of { scheme, id }')
  if (!isSignal(resolved.signal)) complaints.push('signal: must be an AbortSignal')
  if (complaints.length > 0) throw new ZooKeeperError('BAD_OPTIONS', complaints.join('; '))
  return resolved
}

/** The options of every call. */
export const callNames: ReadonlySet<string> = new Set(['signal', 'timeout'])
/** Options that are true or false. */
const flags = new Set(['ephemeral', 'sequential', 'parents', 'ifMissing', 'upsert', 'recursive', 'ifExists'])

/** Refuses options that a call does not have, and wrong values of those that calls have in common. */
export function checkCallOptions(options: object, names: ReadonlySet<string>): void {
  if (typeof options !== 'object' || options === null) throw badArguments('options must be an object')
  for (const [name, value] of Object.entries(options)) {
    if (!names.has(name)) throw badArguments(`there is no option ${name}`)
    if (flags.has(name) && value !== undefined && typeof value !== 'boolean')
      throw badArguments(`${name} must be true or false`)
  }
  const { timeout, version, signal } = options as CallOptions & { readonly version?: number }
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout > 0 && timeout <= TIMER_MS_MAX))
    throw badArguments(`timeout must be from 1 to ${TIMER_MS_MAX} ms`)
  if (version !== undefined && !isInt32(version)) throw badArguments('version must be a signed 32-bit number')
  if (!isSignal(signal)) throw badArguments('signal must be an AbortSignal')
}

/** `path` may be anything: what is no text is not repeated. */
export function badArguments(message: string, path?: string): ZooKeeperError {
  return new ZooKeeperError('BAD_ARGUMENTS', message, { path: typeof path === 'string' ? path : undefined })
}

export function isCodec(value: unknown): value is Codec<unknown> {
  const codec = value as Partial<Codec<unknown>> | null | undefined
  return typeof codec?.encode === 'function' && typeof codec.decode === 'function' && typeof codec.name === 'string'
}

function isSignal(value: unknown): boolean {
  return value === undefined || value instanceof AbortSignal
}
