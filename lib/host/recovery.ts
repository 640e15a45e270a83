/**
 * From what a directory holds to what the core starts with. Refuses a directory of another peer or another ensemble before anything
 * is promised on its behalf.
 *
 * Before: open-peer. After: the core's initial state.
 */
import { ZooKeeperError } from '../model/errors.js'
import type { Recovered, Storage } from '../storage/storage.js'
import type { ResolvedPeerOptions } from './peer-options.js'

export async function recover(
  storage: Storage,
  options: Pick<ResolvedPeerOptions, 'id' | 'ensemble'>,
): Promise<Recovered> {
  const recovered = await storage.open()
  const { ensemble, peer } = recovered.identity
  if (ensemble !== options.ensemble) {
    throw new ZooKeeperError(
      'ENSEMBLE_MISMATCH',
      `the data directory belongs to the ensemble '${ensemble}', not to '${options.ensemble}'`,
    )
  }
  if (peer !== options.id) {
    throw new ZooKeeperError(
      'ENSEMBLE_MISMATCH',
      `the data directory belongs to peer ${peer}, not to peer ${options.id}: two peers must never share one, ` +
        'and a peer must not change its id',
    )
  }
  return recovered
}
