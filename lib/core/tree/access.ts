/**
 * May he? Who he is was settled before (auth/), and arrives as identities with each request. Rules: semantics §8 "ACL rules", §13.
 * An ACL belongs to its znode alone: nothing is inherited. CREATE and DELETE are asked of the parent. What the ids of a scheme mean is
 * handed in (model/id-scheme.ts); `world`, `auth` and `super` are known here.
 * Before: operations ask on the leader for writes, on the connected peer for reads. Source: ZooKeeper's ZooKeeperServer.checkACL
 * and PrepRequestProcessor.fixupACL.
 */
import { type Acl, type AclEntry, type Identities, type Identity, Permission } from '../../model/acl.js'
import type { IdScheme } from '../../model/id-scheme.js'

export class Access {
  readonly #schemes: ReadonlyMap<string, IdScheme>
  readonly #skipAcl: boolean

  /** @param options.skipAcl everybody may do everything; ACLs are still stored. */
  constructor(schemes: Iterable<IdScheme>, options: { readonly skipAcl?: boolean } = {}) {
    this.#schemes = new Map([...schemes].map(scheme => [scheme.name, scheme]))
    this.#skipAcl = options.skipAcl ?? false
  }

  /** True if any bit of `wanted` is granted. An empty ACL grants everything, and so does the scheme `super`. */
  permits(acl: Acl, identities: Identities, wanted: number): boolean {
    if (this.#skipAcl || acl.length === 0) return true
    for (const identity of identities) if (identity.scheme === 'super') return true
    for (const entry of acl) {
      if ((entry.perms & wanted) !== 0 && this.#grants(entry, identities)) return true
    }
    return false
  }

  /**
   * The ACL to be stored for one that a client gave: `auth` becomes the client's own identities, duplicates go (the first stays).
   * Undefined for an ACL that cannot be stored: INVALID_ACL.
   */
  resolve(acl: Acl, identities: Identities): Acl | undefined {
    const first = acl[0]
    if (first === undefined) return undefined
    if (acl.length === 1 && first.scheme === 'world') return first.id === 'anyone' ? acl : undefined
    const resolved = new Map<string, AclEntry>()
    for (const entry of acl) {
      const entries = this.#resolveEntry(entry, identities)
      if (entries.length === 0) return undefined
      for (const candidate of entries) {
        const key = `${candidate.perms} ${candidate.scheme} ${candidate.id}`
        if (!resolved.has(key)) resolved.set(key, candidate)
      }
    }
    return [...resolved.values()]
  }

  /** What someone without ADMIN may see of an ACL: who is named by `digest`, not the hash of the password. */
  masked(acl: Acl, identities: Identities): Acl {
    if (this.permits(acl, identities, Permission.ADMIN)) return acl
    return acl.map(entry => {
      if (entry.scheme !== 'digest') return entry
      const colon = entry.id.indexOf(':')
      return colon < 0 ? entry : { ...entry, id: `${entry.id.slice(0, colon)}:x` }
    })
  }

  /** The name of whoever has this identity, as it may be shown; empty for a scheme that this peer does not know. */
  userName({ scheme, id }: Identity): string {
    return this.#schemes.get(scheme)?.userName(id) ?? ''
  }

  #grants(entry: AclEntry, identities: Identities): boolean {
    if (entry.scheme === 'world') return entry.id === 'anyone'
    const scheme = this.#schemes.get(entry.scheme)
    if (scheme === undefined) return false
    return identities.some(identity => identity.scheme === entry.scheme && scheme.matches(entry.id, identity.id))
  }

  /** None: it cannot be stored. */
  #resolveEntry(entry: AclEntry, identities: Identities): readonly AclEntry[] {
    if (entry.scheme === 'world') return entry.id === 'anyone' ? [entry] : []
    if (entry.scheme === 'auth') {
      return identities
        .filter(identity => this.#schemes.get(identity.scheme)?.authenticates)
        .map(({ scheme, id }) => ({ perms: entry.perms, scheme, id }))
    }
    return this.#schemes.get(entry.scheme)?.acceptsId(entry.id) ? [entry] : []
  }
}
