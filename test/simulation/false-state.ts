/**
 * What makes a state false: something in a peer's memory that is not what its log says, and that no client comes to see. By turns, from one life of
 * the peer to the next, a session that nobody has opened, or a system znode with other data, which have digests apart (Z31).
 */
import type { Replica } from '../../lib/core/replica.js'
import type { SessionId } from '../../lib/model/ids.js'
import type { SimulatedPeer } from '../../lib/testing/simulated-peer.js'

const FALSE = 'fa15e000'

export function makeFalse({ tree, sessions }: Replica, { id, life }: SimulatedPeer): void {
  const session = `${FALSE}${(life * 256 + id).toString(16).padStart(8, '0')}` as SessionId
  if (life % 2 === 1) tree.replaceInPlace('/zookeeper/quota', session)
  else sessions.add({ session, timeoutMs: 4000, password: new Uint8Array(16) })
}

export function isFalseSession(session: SessionId): boolean {
  return session.startsWith(FALSE)
}
