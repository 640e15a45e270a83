/**
 * The options of Peer.open about who clients are and what they may do, and what becomes of them. All peers of an ensemble should have the same: the
 * leader judges writes by its own, each peer what its clients may read.
 * Before: peer-options.ts. After: open-peer.ts gives the rules to the core, and peer-host.ts the schemes to the door of the clients.
 */
import type { AuthScheme } from '../auth/auth-scheme.js'
import { standardSchemes } from '../auth/authenticator.js'
import { DIGEST_ALGORITHM, isDigestAlgorithm } from '../auth/digest.js'
import { Access } from '../core/tree/access.js'
import { RESERVED_SCHEMES } from '../model/id-scheme.js'
import { isText } from '../model/request-check.js'
import type { AuditListener } from './audit.js'

export interface AuthOptions {
  /** `user:BASE64(SHA1("user:password"))`: who authenticates by `digest` as that user bypasses every ACL. @default nobody */
  readonly superDigest?: string
  /** What `digest` makes of a password, by its name in node:crypto; the same on all peers, for ever (DigestAuthenticationProvider.digestAlg). @default 'sha1' */
  readonly digestAlgorithm?: string
  /** Schemes beside `digest`, `ip` and `x509`. @default none */
  readonly authSchemes?: readonly AuthScheme[]
  /** Clients that come over a network must have authenticated by one of these schemes before they ask for anything. @default none */
  readonly enforceAuthSchemes?: readonly string[]
  /** Everybody may do everything; ACLs are stored, and not looked at. @default false */
  readonly skipAcl?: boolean
  /** Is told when this peer starts and stops, who authenticated, what an ACL denied, and which session ended: what it decides itself. @default nobody */
  readonly audit?: AuditListener
}

export interface ResolvedAuthOptions {
  readonly superDigest: string | undefined
  readonly digestAlgorithm: string
  readonly authSchemes: readonly AuthScheme[]
  readonly enforceAuthSchemes: readonly string[]
  readonly skipAcl: boolean
  readonly audit: AuditListener | undefined
}

const parts = ['authenticate', 'acceptsId', 'matches', 'userName']

export const authShapes = {
  superDigest: (value: unknown) =>
    typeof value === 'string' && /^[^:\0]*:[A-Za-z0-9+/]{27,}={0,2}$/.test(value)
      ? undefined
      : 'must be user:BASE64(SHA1("user:password"))',
  digestAlgorithm: (value: unknown) => (isDigestAlgorithm(value) ? undefined : "must be a hash such as 'sha256'"),
  authSchemes: (value: unknown) => {
    if (!Array.isArray(value)) return 'must be an array of schemes'
    const names = new Set([...RESERVED_SCHEMES, ...standardSchemes().map(({ name }) => name)])
    for (const scheme of value as readonly (Partial<AuthScheme> | null | undefined)[]) {
      const name = scheme?.name
      if (!isText(name) || name === '') return 'must have schemes with a name'
      if (names.has(name)) return `has the scheme ${name} twice, or it is one that every peer has`
      names.add(name)
      const missing = parts.filter(part => typeof (scheme as Record<string, unknown>)[part] !== 'function')
      if (missing.length > 0 || typeof scheme?.authenticates !== 'boolean')
        return `has the scheme ${name} without ${[...missing, 'authenticates'].join(', ')}`
    }
    return undefined
  },
  enforceAuthSchemes: (value: unknown) =>
    Array.isArray(value) && value.every(name => isText(name) && name !== '')
      ? undefined
      : "must be an array of names, such as ['digest']",
  audit: (value: unknown) => (typeof value === 'function' ? undefined : 'must be a function of an event'),
  skipAcl: (value: unknown) => (typeof value === 'boolean' ? undefined : 'must be true or false'),
} as const

export function resolveAuthOptions(options: AuthOptions): ResolvedAuthOptions {
  const { authSchemes = [], enforceAuthSchemes = [], skipAcl = false, audit } = options
  const { superDigest, digestAlgorithm = DIGEST_ALGORITHM } = options
  return {
    superDigest,
    digestAlgorithm,
    authSchemes: [...authSchemes],
    enforceAuthSchemes: [...enforceAuthSchemes],
    skipAcl,
    audit,
  }
}

export function schemesOf({ superDigest, digestAlgorithm, authSchemes }: ResolvedAuthOptions): readonly AuthScheme[] {
  return [...standardSchemes(superDigest, digestAlgorithm), ...authSchemes]
}

export function accessOf(options: ResolvedAuthOptions): Access {
  return new Access(schemesOf(options), options)
}
