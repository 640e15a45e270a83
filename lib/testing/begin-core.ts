/**
 * From a simulated disk to a core that begins, as host/open-peer.ts and host/recovery.ts do it: damaged data are set aside where other voters have
 * them. Throws what a peer would refuse to start with.
 */
import { standardSchemes } from '../auth/authenticator.js'
import type { Now } from '../core/input.js'
import { PeerCore, type PeerInitial } from '../core/peer.js'
import { Access } from '../core/tree/access.js'
import { hasCode } from '../model/errors.js'
import type { SimulatedDisk } from './simulated-disk.js'

const access = new Access(standardSchemes())

type Recovered = PeerInitial['recovered']

export function beginCore(
  initial: Omit<PeerInitial, 'recovered' | 'access'>,
  disk: SimulatedDisk,
  now: Now,
): { readonly core: PeerCore; readonly recovered: Recovered } {
  const others = initial.config.members.some(each => each.role === 'participant' && each.id !== initial.peer)
  const repair = (error: unknown): Recovered => {
    if (!hasCode(error, 'DATA_CORRUPT') || !others) throw error
    return disk.beginRepair(error)
  }
  const begin = (recovered: Recovered) => ({ core: new PeerCore({ ...initial, access, recovered }, now), recovered })
  const recovered = attempt(() => disk.open(), repair)
  // Only a replica made of it shows that the tree is not whole.
  return attempt(
    () => begin(recovered),
    error => begin(repair(error)),
  )
}

function attempt<T>(work: () => T, otherwise: (error: unknown) => T): T {
  try {
    return work()
  } catch (error) {
    return otherwise(error)
  }
}
