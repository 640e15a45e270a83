/**
 * May he? Who he is was settled before (auth/), and arrives as identities with each request. Rules: semantics §8 "ACL rules", §13.
 * An ACL belongs to its znode alone: nothing is inherited. CREATE and DELETE are asked of the parent.
 * Before: operations ask on the leader for writes, on the connected peer for reads. Source: ZooKeeper's ZooKeeperServer.checkACL
 * and PrepRequestProcessor.fixupACL.
 */
import { type Acl, type AclEntry, type Identities, type Identity, Permission } from '../../model/acl.js'

interface Scheme {
  /** May this text stand as an id in an ACL? */
  accepts(id: string): boolean
  /** Does a client with `identity` pass an entry for `id`? */
  matches(id: string, identity: string): boolean
  /** Does an identity prove who the client is, so that `auth` stands for it? An address does not. */
  readonly authenticates: boolean
}

const same = (id: string, identity: string) => id === identity

/** The schemes that may stand in an ACL beside `world` and `auth`. One that is not here makes INVALID_ACL. */
const schemes: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ['digest', { accepts: isDigestId, matches: same, authenticates: true }],
  ['x509', { accepts: id => id.length > 0, matches: same, authenticates: true }],
  ['ip', { accepts: isAddress, matches: same, authenticates: false }],
])

/** True if any bit of `wanted` is granted. An empty ACL grants everything, and so does the scheme `super`. */
export function permits(acl: Acl, identities: Identities, wanted: number): boolean {
  if (acl.length === 0) return true
  for (const identity of identities) if (identity.scheme === 'super') return true
  for (const entry of acl) {
    if ((entry.perms & wanted) !== 0 && grants(entry, identities)) return true
  }
  return false
}

/**
 * The ACL to be stored for one that a client gave: `auth` becomes the client's own identities, duplicates go (the first stays).
 * Undefined for an ACL that cannot be stored: INVALID_ACL.
 */
export function resolveAcl(acl: Acl, identities: Identities): Acl | undefined {
  const first = acl[0]
  if (first === undefined) return undefined
  if (acl.length === 1 && first.scheme === 'world') return first.id === 'anyone' ? acl : undefined
  const resolved = new Map<string, AclEntry>()
  for (const entry of acl) {
    const entries = resolveEntry(entry, identities)
    if (entries.length === 0) return undefined
    for (const candidate of entries) {
      const key = `${candidate.perms} ${candidate.scheme} ${candidate.id}`
      if (!resolved.has(key)) resolved.set(key, candidate)
    }
  }
  return [...resolved.values()]
}

/** What someone without ADMIN may see of an ACL: who is named by `digest`, not the hash of the password. */
export function maskedFor(acl: Acl, identities: Identities): Acl {
  if (permits(acl, identities, Permission.ADMIN)) return acl
  return acl.map(entry => {
    if (entry.scheme !== 'digest') return entry
    const colon = entry.id.indexOf(':')
    return colon < 0 ? entry : { ...entry, id: `${entry.id.slice(0, colon)}:x` }
  })
}

/** The name that an identity goes by: without the hash of a password. Of a scheme without names it is empty. */
export function userOf({ scheme, id }: Identity): string {
  if (!schemes.has(scheme)) return ''
  return scheme === 'digest' ? id.split(':', 1)[0]! : id
}

function grants(entry: AclEntry, identities: Identities): boolean {
  if (entry.scheme === 'world') return entry.id === 'anyone'
  const scheme = schemes.get(entry.scheme)
  if (scheme === undefined) return false
  return identities.some(identity => identity.scheme === entry.scheme && scheme.matches(entry.id, identity.id))
}

/** None: it cannot be stored. */
function resolveEntry(entry: AclEntry, identities: Identities): readonly AclEntry[] {
  if (entry.scheme === 'world') return entry.id === 'anyone' ? [entry] : []
  if (entry.scheme === 'auth') {
    return identities
      .filter(identity => schemes.get(identity.scheme)?.authenticates)
      .map(({ scheme, id }) => ({ perms: entry.perms, scheme, id }))
  }
  return schemes.get(entry.scheme)?.accepts(entry.id) ? [entry] : []
}

/** `user:hash`, with just one colon. */
function isDigestId(id: string): boolean {
  return id.split(':').length === 2
}

/** An IPv4 address. Masks are not matched yet, so they are refused rather than stored and never met. */
function isAddress(id: string): boolean {
  const parts = id.split('.')
  return parts.length === 4 && parts.every(part => /^\d{1,3}$/.test(part) && Number(part) <= 255)
}
