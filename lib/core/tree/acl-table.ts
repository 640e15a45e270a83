/**
 * Gives equal ACLs the same object: a million znodes mostly share a handful of lists. A cache, not a registry: it is bounded and
 * may forget, and then equal lists are two objects, which changes nothing but memory. Returned lists are frozen, copied unless they were,
 * so nothing the caller holds can change a znode's ACL. Used by data-tree.ts.
 */
import { type Acl, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE } from '../../model/acl.js'

const KEPT_MAX = 4096

export class AclTable {
  readonly #byKey = new Map<string, Acl>()
  #last: Acl = OPEN_ACL_UNSAFE

  constructor() {
    this.#reset()
  }

  intern(acl: Acl): Acl {
    if (acl === OPEN_ACL_UNSAFE || acl === READ_ACL_UNSAFE || acl === this.#last) return acl
    const key = keyOf(acl)
    let interned = this.#byKey.get(key)
    if (interned === undefined) {
      if (this.#byKey.size >= KEPT_MAX) this.#reset()
      interned = isFrozen(acl)
        ? acl
        : Object.freeze(acl.map(({ perms, scheme, id }) => Object.freeze({ perms, scheme, id })))
      this.#byKey.set(key, interned)
    }
    this.#last = interned
    return interned
  }

  #reset(): void {
    this.#byKey.clear()
    for (const acl of [OPEN_ACL_UNSAFE, READ_ACL_UNSAFE]) this.#byKey.set(keyOf(acl), acl)
  }
}

function isFrozen(acl: Acl): boolean {
  return Object.isFrozen(acl) && acl.every(Object.isFrozen)
}

/** Lengths before texts: no two lists have the same key. */
function keyOf(acl: Acl): string {
  let key = ''
  for (const { perms, scheme, id } of acl) key += `${perms},${scheme.length},${scheme}${id.length},${id}`
  return key
}
