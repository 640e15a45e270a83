/**
 * From resolved options and chosen implementations to a running host: recover, build the core, listen, begin. Whatever fails on the
 * way, everything opened before is closed again.
 *
 * Before: compose.ts. After: peer-host.
 */
import type { Now } from '../core/input.js'
import type { ProtocolOptions } from '../core/protocol-options.js'
import type { Random } from '../core/random.js'
import type { Access } from '../core/tree/access.js'
import type { EnsembleConfig } from '../model/ensemble-config.js'
import { hasCode, ZooKeeperError } from '../model/errors.js'
import type { PeerId } from '../model/ids.js'
import type { Recovered, Storage } from '../storage/storage.js'
import type { Transport } from '../transport/transport.js'
import { accessOf } from './auth-options.js'
import { PeerHost, type SteppedCore } from './peer-host.js'
import type { ResolvedPeerOptions } from './peer-options.js'
import { recover, repair } from './recovery.js'

/** What the core begins with. */
export interface CoreInitial {
  readonly peer: PeerId
  readonly config: EnsembleConfig
  readonly options: ProtocolOptions
  readonly random: Random
  readonly access: Access
  readonly recovered: Omit<Recovered, 'identity'>
}

/** A transport serves one peer, and once. Whoever is refused must not close it under the peer that has it. */
const taken = new WeakSet<Transport>()

export async function openHost(
  options: ResolvedPeerOptions,
  storage: Storage,
  makeCore: (initial: CoreInitial, now: Now) => SteppedCore,
): Promise<PeerHost> {
  const { transport } = options
  if (transport !== undefined) {
    if (taken.has(transport))
      throw new ZooKeeperError('BAD_OPTIONS', 'transport belongs to another peer: make one for each')
    taken.add(transport)
  }
  let host: PeerHost
  let recovered: Recovered
  try {
    const { id, config, protocol, random, clock } = options
    const access = accessOf(options)
    const begin = ({ identity: _, ...recovered }: Recovered): SteppedCore => {
      const now = { monotonic: clock.now(), wall: clock.wall() }
      return makeCore({ peer: id, config, options: protocol, random, access, recovered }, now)
    }
    recovered = await recover(storage, options)
    let core: SteppedCore
    try {
      core = begin(recovered)
    } catch (error) {
      // Only a replica made of it shows that the tree is not whole.
      if (!hasCode(error, 'DATA_CORRUPT')) throw error
      recovered = await repair(storage, options, error)
      core = begin(recovered)
    }
    host = new PeerHost(options, storage, recovered, core)
  } catch (error) {
    await Promise.allSettled([storage.close(), transport?.close()])
    throw error
  }
  for (const warning of options.warnings) host.logger.warn(warning)
  if (recovered.damage !== undefined) {
    const { reason } = recovered.damage
    host.logger.error('damaged data: this peer does not vote and serves nobody until it is repaired', { reason })
  }
  await host.start()
  return host
}
