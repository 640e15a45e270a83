/**
 * The options of openEnsemble: what they mean, and their one validation. Every complaint is in one BAD_OPTIONS error.
 * Before: open-ensemble.ts.
 */
import type { Logger } from '../host/logger.js'
import type { PeerOptions } from '../host/peer-options.js'
import { ZooKeeperError } from '../model/errors.js'

/** How to open an ensemble for tests. All may be left out. */
export interface EnsembleOptions {
  /** Where all chance comes from: the same seed, the same run. A whole number. @default 1 */
  readonly seed?: number
  /** `virtual`: time passes only while somebody waits for something, as fast as the machine can. `real`: as outside. @default 'virtual' */
  readonly clock?: 'virtual' | 'real'
  /** Peers that follow without voting, numbered behind the voters. @default 0 */
  readonly observers?: number
  /** How long a message travels on average, in ms of the ensemble's clock. @default 1, and 0 on a real clock */
  readonly networkMs?: number
  /** How long a write takes on average to be durable, in ms of the ensemble's clock. @default 1, and 0 on a real clock */
  readonly diskMs?: number
  /** Options of every peer, as for `Peer.open`. @default those of Peer.open; on a real clock { tickMs: 100 } */
  readonly peer?: Omit<
    PeerOptions,
    'id' | 'dataDir' | 'storage' | 'transport' | 'members' | 'clock' | 'random' | 'logger' | 'ensemble'
  >
  /** What a peer tells its operator. @default silent */
  readonly logger?: (peer: number) => Logger
}

export interface ResolvedEnsembleOptions {
  readonly size: number
  readonly seed: number
  readonly clock: 'virtual' | 'real'
  readonly observers: number
  readonly networkMs: number
  readonly diskMs: number
  readonly peer: NonNullable<EnsembleOptions['peer']>
  readonly logger: EnsembleOptions['logger']
}

const VOTERS_MAX = 7
const OBSERVERS_MAX = 20
const DELAY_MS_MAX = 10_000
const names = new Set(['seed', 'clock', 'observers', 'networkMs', 'diskMs', 'peer', 'logger'])
const ownOfPeer = ['id', 'dataDir', 'storage', 'transport', 'members', 'clock', 'random', 'logger', 'ensemble']

export function resolveEnsembleOptions(size: number, options: EnsembleOptions): ResolvedEnsembleOptions {
  if (typeof options !== 'object' || options === null)
    throw new ZooKeeperError('BAD_OPTIONS', 'openEnsemble: options must be an object')
  const complaints: string[] = []
  for (const name of Object.keys(options)) if (!names.has(name)) complaints.push(`${name} is not an option`)
  const { seed = 1, clock = 'virtual', observers = 0, peer = {}, logger } = options
  const whole = (name: string, value: unknown, low: number, high: number): void => {
    if (Number.isInteger(value) && (value as number) >= low && (value as number) <= high) return
    complaints.push(`${name} must be a whole number from ${low} to ${high}`)
  }
  whole('the size', size, 1, VOTERS_MAX)
  whole('seed', seed, 0, 2 ** 32 - 1)
  whole('observers', observers, 0, OBSERVERS_MAX)
  if (clock !== 'virtual' && clock !== 'real') complaints.push("clock must be 'virtual' or 'real'")
  const natural = clock === 'real' ? 0 : 1
  const { networkMs = natural, diskMs = natural } = options
  for (const [name, value] of Object.entries({ networkMs, diskMs })) {
    if (typeof value === 'number' && value >= 0 && value <= DELAY_MS_MAX) continue
    complaints.push(`${name} must be a number from 0 to ${DELAY_MS_MAX}`)
  }
  if (typeof peer !== 'object' || peer === null) complaints.push('peer must be an object, such as { tickMs: 500 }')
  else
    for (const name of ownOfPeer)
      if (name in peer) complaints.push(`peer.${name} is not an option: the ensemble has its own`)
  if (logger !== undefined && typeof logger !== 'function') complaints.push('logger must be a function of a peer id')
  if (complaints.length > 0) throw new ZooKeeperError('BAD_OPTIONS', `openEnsemble: ${complaints.join('; ')}`)
  return {
    size,
    seed,
    clock,
    observers,
    networkMs,
    diskMs,
    peer: { ...(clock === 'real' ? { tickMs: 100 } : {}), ...peer },
    logger,
  }
}
