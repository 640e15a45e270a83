/**
 * `ip`: where a client connects from. Every connection over a network is `ip:<its address>` from the start; an ACL names an address, or all that
 * begin with the same bits (`10.0.0.0/8`, `2001:db8::/32`). An address proves nothing of who sits there, so `auth` does not stand for it.
 * Semantics §13. Source: ZooKeeper, IPAuthenticationProvider; IPv6 since 3.9.4 (ZOOKEEPER-4240).
 */
import type { Identities } from '../model/acl.js'
import { formatAddress, parseAddress, parseNumber, samePrefix } from '../model/ip-address.js'
import type { AuthScheme } from './auth-scheme.js'

export const ipScheme: AuthScheme = {
  name: 'ip',
  authenticates: false,
  acceptsId: id => parseRange(id) !== undefined,
  matches(id, identity) {
    const range = parseRange(id)
    const address = parseAddress(identity)
    return range !== undefined && address !== undefined && samePrefix(range.address, address, range.bits)
  },
  userName: identity => identity,
  /** Whatever the client sends: it is asked for its address, and the socket tells. */
  authenticate: (_auth, { address }) => (address === undefined ? undefined : ipIdentities(address)),
}

/** Who a connection from this address is; nobody, if it is no address. A zone (`%eth0`) is left out. */
export function ipIdentities(address: string): Identities {
  const bytes = parseAddress(address.split('%', 1)[0]!)
  return bytes === undefined ? [] : [{ scheme: 'ip', id: formatAddress(bytes) }]
}

function parseRange(id: string): { readonly address: readonly number[]; readonly bits: number } | undefined {
  const slash = id.indexOf('/')
  const address = parseAddress(slash < 0 ? id : id.slice(0, slash))
  if (address === undefined) return undefined
  const bits = slash < 0 ? address.length * 8 : parseNumber(id.slice(slash + 1))
  return bits >= 0 && bits <= address.length * 8 ? { address, bits } : undefined
}
