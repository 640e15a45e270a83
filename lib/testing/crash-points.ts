/**
 * The places in a peer's life that have names, so that a crash can be asked for there: before and after each message it says, each write, each part that
 * it takes; and between a write and the news that it is durable. (Invariants §4.3.)
 * Before: simulated-peer.ts comes past them, while somebody asks.
 */
import type { Effect } from '../core/effect.js'
import type { Input } from '../core/input.js'
import type { PeerPhase, PeerStatus } from '../core/peer-status.js'

const messages = [
  'notification',
  'learnerInfo',
  'leaderInfo',
  'ackEpoch',
  'diff',
  'truncate',
  'proposal',
  'inform',
  'newLeader',
  'ackNewLeader',
  'upToDate',
  'ack',
  'commit',
  'ping',
  'pong',
  'diverged',
  'request',
  'refused',
  'synced',
  'revalidate',
  'revalidated',
].map(kind => `send ${kind}`)
/** Of a write its beginning; of a history and a snapshot that they are about to be sent; of a client that it is told something. */
const acts = [
  'append',
  'truncate',
  'saveEpochs',
  'installSnapshot',
  'checkpoint',
  'sendHistory',
  'sendSnapshot',
  'attached',
  'reply',
]
/** It is done, and the core does not know. */
const news = ['logged', 'truncated', 'epochsSaved', 'snapshotInstalled', 'checkpointed']
const learning: readonly PeerPhase[] = ['discovery', 'synchronization', 'broadcast']
const roles = [
  'become looking election',
  ...(['following', 'leading', 'observing'] as const).flatMap(role => learning.map(phase => `become ${role} ${phase}`)),
]

export const crashPoints: readonly string[] = [
  ...[...messages, ...acts, ...roles].flatMap(name => [`before ${name}`, `after ${name}`]),
  ...news.map(name => `before ${name} is heard`),
]

/** Those that a peer seldom comes past. */
export const rareCrashPoints: readonly string[] = crashPoints.filter(point =>
  /diverged|refused|revalidate|truncate|sendHistory|sendSnapshot|inform|synced|upToDate|nstall|checkpoint|observing/.test(
    point,
  ),
)

/** What a crash right before a deed is called, and one right after it. */
export interface CrashPoint {
  readonly before: string
  readonly after: string
}

const pointOfSending = remembered(kind => pointNamed(`send ${kind}`))
const pointOfDoing = remembered(pointNamed)
const pointOfHearing = remembered(kind => `before ${kind} is heard`)

export function pointOfEffect(effect: Effect): CrashPoint {
  if (effect.kind === 'send') return pointOfSending(effect.message.kind)
  return effect.kind === 'statusChanged' ? pointNamed(becoming(effect.status)) : pointOfDoing(effect.kind)
}

export function pointOfInput(input: Input): string {
  return pointOfHearing(input.kind)
}

function becoming({ role, phase }: PeerStatus): string {
  return `become ${role} ${phase}`
}

function pointNamed(name: string): CrashPoint {
  return { before: `before ${name}`, after: `after ${name}` }
}

/** Names are asked for with every input and every effect: each is made once. */
function remembered<T>(make: (kind: string) => T): (kind: string) => T {
  const known = new Map<string, T>()
  return kind => {
    let made = known.get(kind)
    if (made === undefined) {
      made = make(kind)
      known.set(kind, made)
    }
    return made
  }
}
