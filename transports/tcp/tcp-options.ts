/**
 * What `tcp()` may be given, judged at the door: all complaints in one BAD_OPTIONS.
 *
 * Always holds: outside loopback a peer is not reachable without authentication unless somebody wrote `insecure: true`
 * (CVE-2018-8012: any host could join the quorum). Certificates are always verified; there is no option against it.
 */
import { isIPv6 } from 'node:net'
import { ZooKeeperError } from '../../lib/model/errors.js'
import { SECRET_BYTES_MIN, SharedSecret } from './shared-secret.js'
import { isHostName, isLoopback, isWildcard, parseTcpAddress } from './tcp-address.js'

/** Mutual TLS (1.2 or newer): both sides show a certificate that `ca` has signed. PEM, as text or bytes. */
export interface TlsOptions {
  readonly key: string | Uint8Array
  readonly cert: string | Uint8Array
  /** Who may sign peers' certificates. The system's authorities are not asked. */
  readonly ca: string | Uint8Array
  /**
   * Subject alternative names (DNS names or IP addresses) that are accepted of the other side, dialled or dialling. Without it: the dialled
   * host is the name that must be in the certificate, and whoever dials in may have any name that `ca` has signed.
   */
  readonly names?: readonly string[]
}

export interface TcpOptions {
  /** 0 takes a free one; `address` tells which, once listening. */
  readonly port: number
  /** The interface to listen at, an IP address or a name. @default '127.0.0.1' */
  readonly host?: string
  /** Where others dial this peer, `tcp://host:port`, when it is not `host` and `port` (a wildcard host, NAT). */
  readonly advertise?: string
  readonly tls?: TlsOptions
  /**
   * The same at every peer, instead of `tls`: at least 16 bytes, and random ones (`openssl rand -base64 32`), as whoever listens in may guess
   * at leisure. Text counts as its UTF-8. Both sides prove that they know it, and every frame carries a MAC. It authenticates, it does NOT
   * encrypt: data are readable on the way.
   */
  readonly secret?: string | Uint8Array
  /** Allows a host outside loopback without `tls` or `secret`. Whoever reaches the port can then change all data. @default false */
  readonly insecure?: boolean
}

export interface ResolvedTcpOptions {
  readonly port: number
  readonly host: string
  readonly advertise: string | undefined
  readonly tls: TlsOptions | undefined
  readonly secret: SharedSecret | undefined
}

const optionNames: ReadonlySet<string> = new Set(['port', 'host', 'advertise', 'tls', 'secret', 'insecure'])
const tlsOptionNames: ReadonlySet<string> = new Set(['key', 'cert', 'ca', 'names'])

/** Throws BAD_OPTIONS, with everything that is wrong. */
export function resolveTcpOptions(options: TcpOptions): ResolvedTcpOptions {
  const complaints: string[] = []
  if (typeof options !== 'object' || options === null) {
    throw new ZooKeeperError('BAD_OPTIONS', 'tcp() takes an object, e.g. { port: 2888 }')
  }
  const { port, host = '127.0.0.1', advertise, tls, secret, insecure = false } = options
  for (const name of Object.keys(options)) if (!optionNames.has(name)) complaints.push(`unknown option '${name}'`)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) complaints.push('port must be an integer, 0 … 65535')
  const hostFits = typeof host === 'string' && (isIPv6(host) || isHostName(host))
  if (!hostFits) complaints.push('host must be an IP address or a name')
  if (typeof insecure !== 'boolean') complaints.push('insecure must be true or false')
  if (advertise !== undefined && (typeof advertise !== 'string' || parseTcpAddress(advertise) === undefined)) {
    complaints.push("advertise must be an address like 'tcp://10.0.0.1:2888'")
  }
  if (tls !== undefined) complaints.push(...complaintsAboutTls(tls))
  const secretBytes = typeof secret === 'string' ? Buffer.from(secret) : secret
  if (secret !== undefined && !(secretBytes instanceof Uint8Array && secretBytes.length >= SECRET_BYTES_MIN)) {
    complaints.push(`secret must be text or bytes, at least ${SECRET_BYTES_MIN} bytes`)
  }
  if (secret !== undefined && tls !== undefined)
    complaints.push('give tls or secret, not both: tls does all that secret does')
  if (hostFits && isWildcard(host) && advertise === undefined) {
    complaints.push(`advertise is needed with host ${host}: nobody can dial that`)
  }
  if (hostFits && !isLoopback(host) && tls === undefined && secret === undefined && insecure !== true) {
    complaints.push(
      `host ${host} is not loopback: give tls or secret, or write insecure: true if the network itself is trusted`,
    )
  }
  if (complaints.length > 0) throw new ZooKeeperError('BAD_OPTIONS', `tcp(): ${complaints.join('; ')}`)
  return { port, host, advertise, tls, secret: secretBytes === undefined ? undefined : new SharedSecret(secretBytes) }
}

function complaintsAboutTls(tls: TlsOptions): string[] {
  if (typeof tls !== 'object' || tls === null) return ['tls must be an object { key, cert, ca }']
  const complaints: string[] = []
  for (const name of Object.keys(tls)) if (!tlsOptionNames.has(name)) complaints.push(`unknown option 'tls.${name}'`)
  for (const name of ['key', 'cert', 'ca'] as const) {
    const value: unknown = tls[name]
    const fits = (typeof value === 'string' || value instanceof Uint8Array) && value.length > 0
    if (!fits) complaints.push(`tls.${name} must be PEM text or bytes`)
  }
  const { names } = tls
  if (
    names !== undefined &&
    !(Array.isArray(names) && names.length > 0 && names.every(name => typeof name === 'string' && name !== ''))
  ) {
    complaints.push('tls.names must be a list of names, not empty')
  }
  return complaints
}
