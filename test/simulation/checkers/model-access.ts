/**
 * Who may do what, as the documentation tells it: a second opinion on core/tree/access.ts and the schemes of auth/, for the few schemes that
 * the workload of acl-workload.ts uses. Addresses are compared as texts of bits.
 */
import { type Acl, type Identities, type Identity, OPEN_ACL_UNSAFE } from '../../../lib/model/acl.js'

export function mayDo(acl: Acl, identities: Identities, wanted: number): boolean {
  if (acl.length === 0 || identities.some(({ scheme }) => scheme === 'super')) return true
  return acl.some(({ perms, scheme, id }) => {
    if ((perms & wanted) === 0) return false
    return scheme === 'world' || identities.some(identity => identity.scheme === scheme && isMeant(id, identity))
  })
}

/** What is stored of an ACL; undefined if it cannot be. */
export function stored(acl: Acl, identities: Identities): Acl | undefined {
  if (acl === OPEN_ACL_UNSAFE) return acl
  const entries = acl.flatMap(entry => {
    if (entry.scheme !== 'auth') return [entry]
    const proved = identities.filter(({ scheme }) => scheme === 'digest')
    return proved.length === 0
      ? [{ ...entry, scheme: 'nobody' }]
      : proved.map(({ scheme, id }) => ({ perms: entry.perms, scheme, id }))
  })
  if (entries.length === 0 || entries.some(({ scheme }) => !['world', 'digest', 'ip'].includes(scheme)))
    return undefined
  const texts = entries.map(entry => JSON.stringify([entry.perms, entry.scheme, entry.id]))
  return entries.filter((_, index) => texts.indexOf(texts[index]!) === index)
}

/** What somebody sees of it who has no ADMIN. */
export function shown(acl: Acl, identities: Identities): Acl {
  if (mayDo(acl, identities, 16)) return acl
  return acl.map(entry => (entry.scheme === 'digest' ? { ...entry, id: entry.id.replace(/:.*/, ':x') } : entry))
}

function isMeant(id: string, identity: Identity): boolean {
  if (identity.scheme !== 'ip') return id === identity.id
  const [address, bits = '32'] = id.split('/')
  return bitsOf(identity.id).startsWith(bitsOf(address!).slice(0, Number(bits)))
}

function bitsOf(address: string): string {
  return address
    .split('.')
    .map(byte => Number(byte).toString(2).padStart(8, '0'))
    .join('')
}
