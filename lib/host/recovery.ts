/**
 * From what a directory holds to what the core starts with. Refuses a directory of another peer or another ensemble before anything
 * is promised on its behalf. Damaged data are set aside where others have what is lost (D3); else they are refused.
 *
 * Before: open-peer. After: the core's initial state.
 */
import { votersOf } from '../model/ensemble-config.js'
import { hasCode, ZooKeeperError } from '../model/errors.js'
import type { Recovered, Storage } from '../storage/storage.js'
import type { ResolvedPeerOptions } from './peer-options.js'

type RecoveryOptions = Pick<ResolvedPeerOptions, 'id' | 'ensemble' | 'config'>

export async function recover(storage: Storage, options: RecoveryOptions): Promise<Recovered> {
  const recovered = await storage.open().catch((error: unknown) => repair(storage, options, error))
  if (recovered.damage !== undefined && !canBeRepaired(options)) {
    throw new ZooKeeperError(
      'DATA_CORRUPT',
      `the data were found damaged (${recovered.damage.reason}) and no other voter is there to repair them`,
    )
  }
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

/** A new beginning in place of what is damaged, if others can fill it; else what is wrong. */
export async function repair(storage: Storage, options: RecoveryOptions, damage: unknown): Promise<Recovered> {
  if (!hasCode(damage, 'DATA_CORRUPT') || storage.beginRepair === undefined || !canBeRepaired(options)) throw damage
  return storage.beginRepair(damage)
}

function canBeRepaired({ id, config }: RecoveryOptions): boolean {
  return [...votersOf(config)].some(voter => voter !== id)
}
