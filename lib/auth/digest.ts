/**
 * `digest`: a name and a password. The client sends `user:password`; it is then `user:BASE64(SHA1("user:password"))`, which also is how an ACL names
 * it. Nobody is refused: whoever sends another password is somebody else. Semantics §13; the same bytes as ZooKeeper's, so ACLs can be taken over.
 *
 * Weak as that is (unsalted and fast: who reads an ACL can guess passwords at leisure), it is the one that every client speaks. So ids are
 * masked for those without ADMIN, and never shown in events or logs: `userName` stops at the colon.
 * Source: ZooKeeper, DigestAuthenticationProvider.
 */
import { createHash, getHashes } from 'node:crypto'
import type { Identity } from '../model/acl.js'
import type { AuthScheme } from './auth-scheme.js'
import { sameText } from './same-text.js'

/** Whoever is this bypasses every ACL. */
const SUPER: Identity = Object.freeze({ scheme: 'super', id: '' })

/** What ZooKeeper takes if it is not told otherwise. */
export const DIGEST_ALGORITHM = 'sha1'

/**
 * @param superDigest `user:BASE64(SHA1("user:password"))` of the operator who may do everything; nobody, if it is not given.
 * @param algorithm another one than SHA1, by its name in node:crypto
 */
export function digestScheme(superDigest?: string, algorithm = DIGEST_ALGORITHM): AuthScheme {
  return {
    name: 'digest',
    authenticates: true,
    acceptsId: isDigestId,
    matches: sameText,
    userName: identity => identity.slice(0, Math.max(identity.indexOf(':'), 0)),
    authenticate(auth) {
      const id = digestOf(Buffer.from(auth.buffer, auth.byteOffset, auth.byteLength).toString('utf8'), algorithm)
      const identity: Identity = { scheme: 'digest', id }
      return superDigest !== undefined && sameText(id, superDigest) ? [identity, SUPER] : [identity]
    },
  }
}

/**
 * The id that an ACL names somebody by.
 *
 * @example acl: [{ perms: Permission.ALL, scheme: 'digest', id: digestOf('alice:secret') }]
 * @param userAndPassword the name ends at the first colon; the password may have more of them.
 * @param algorithm the peers' `digestAlgorithm`. @default 'sha1'
 */
export function digestOf(userAndPassword: string, algorithm = DIGEST_ALGORITHM): string {
  const [user] = userAndPassword.split(':', 1)
  return `${user}:${createHash(algorithm).update(userAndPassword, 'utf8').digest('base64')}`
}

export function isDigestAlgorithm(name: unknown): boolean {
  return typeof name === 'string' && getHashes().includes(name)
}

/** Just two parts, as Java's `split` counts them: empty ones at the end do not count. */
function isDigestId(id: string): boolean {
  const parts = id.split(':')
  while (parts.at(-1) === '') parts.pop()
  return parts.length === 2
}
