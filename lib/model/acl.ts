/** Access control lists as values; who may do what is judged in core/tree/access.ts. */
export const Permission = { READ: 1, WRITE: 2, CREATE: 4, DELETE: 8, ADMIN: 16, ALL: 31 } as const

export interface AclEntry {
  readonly perms: number
  readonly scheme: string
  readonly id: string
}
export type Acl = readonly AclEntry[]

/** Who a client is: one per authentication it has passed. An identity of scheme `super` bypasses every ACL. */
export interface Identity {
  readonly scheme: string
  readonly id: string
}
export type Identities = readonly Identity[]

export const OPEN_ACL_UNSAFE: Acl = Object.freeze([
  Object.freeze({ perms: Permission.ALL, scheme: 'world', id: 'anyone' }),
])
export const READ_ACL_UNSAFE: Acl = Object.freeze([
  Object.freeze({ perms: Permission.READ, scheme: 'world', id: 'anyone' }),
])
export const CREATOR_ALL_ACL: Acl = Object.freeze([Object.freeze({ perms: Permission.ALL, scheme: 'auth', id: '' })])

/** An in-process client runs inside the application that owns the peer: it is trusted like `super`. */
export const TRUSTED: Identities = Object.freeze([Object.freeze({ scheme: 'super', id: '' })])

/** Those of both, each once: whoever is somebody twice is nobody else. */
export function joinedIdentities(known: Identities, more: Identities): Identities {
  const all = [...known]
  for (const each of more) if (!all.some(({ scheme, id }) => scheme === each.scheme && id === each.id)) all.push(each)
  return all
}
