/**
 * From resolved options and chosen implementations to a running host: recover, build the core, listen, begin. Whatever fails on the
 * way, everything opened before is closed again.
 *
 * Before: compose.ts. After: peer-host.
 */
import type { Now } from '../core/input.js'
import type { ProtocolOptions } from '../core/protocol-options.js'
import type { Random } from '../core/random.js'
import type { EnsembleConfig } from '../model/ensemble-config.js'
import type { PeerId } from '../model/ids.js'
import type { Recovered, Storage } from '../storage/storage.js'
import { PeerHost, type SteppedCore } from './peer-host.js'
import type { ResolvedPeerOptions } from './peer-options.js'
import { recover } from './recovery.js'

/** What the core begins with. */
export interface CoreInitial {
  readonly peer: PeerId
  readonly config: EnsembleConfig
  readonly options: ProtocolOptions
  readonly random: Random
  readonly recovered: Omit<Recovered, 'identity'>
}

export async function openHost(
  options: ResolvedPeerOptions,
  storage: Storage,
  makeCore: (initial: CoreInitial, now: Now) => SteppedCore,
): Promise<PeerHost> {
  let host: PeerHost
  try {
    const recovered = await recover(storage, options)
    const { epochs, image, suffix, history } = recovered
    const { id, config, protocol, random, clock } = options
    const core = makeCore(
      { peer: id, config, options: protocol, random, recovered: { epochs, image, suffix, history } },
      { monotonic: clock.now(), wall: clock.wall() },
    )
    host = new PeerHost(options, storage, recovered, core)
  } catch (error) {
    await Promise.allSettled([storage.close(), options.transport?.close()])
    throw error
  }
  for (const warning of options.warnings) host.logger.warn(warning)
  await host.start()
  return host
}
