/**
 * `x509`: the subject of a client's certificate, in the form of RFC 2253. Such ids may stand in ACLs; who has one is settled by TLS and not by an auth
 * packet, so nobody is let in here.
 */
import type { AuthScheme } from './auth-scheme.js'
import { sameText } from './same-text.js'

export const x509Scheme: AuthScheme = {
  name: 'x509',
  authenticates: true,
  acceptsId: id => id.length > 0,
  matches: sameText,
  userName: identity => identity,
  authenticate: () => undefined,
}
