/**
 * What a store must hold after a sequence of steps: the model that images are compared with. Contents follow from zxids and numbers, so
 * a step is small enough to be written down; a world is a value, a step makes a new one.
 * Before: plan.ts makes the steps, workload.ts does them. After: verify.ts.
 */
import { recordOf } from '../../lib/codec/record.js'
import type { SessionId } from '../../lib/model/ids.js'
import type { Proposal } from '../../lib/model/proposal.js'
import type { ReplicaChanges } from '../../lib/model/replica-image.js'
import type { Znode } from '../../lib/model/znode.js'
import { isAfter, isAtMost, sameZxid, ZERO, type Zxid } from '../../lib/model/zxid.js'
import { changes, digestOf, proposal, sessionRecord, znode } from '../compliance/storage-fixtures.js'

/** A znode of the tree: its number and size, or undefined for a deleted one. */
export type NodeChange = readonly [path: string, made: { readonly n: number; readonly bytes: number } | null]

export type Step =
  | { readonly kind: 'append'; readonly after: Zxid; readonly entries: readonly { zxid: Zxid; bytes: number }[] }
  | { readonly kind: 'epochs'; readonly accepted: number; readonly current: number }
  | { readonly kind: 'truncate'; readonly after: Zxid }
  | {
      readonly kind: 'checkpoint'
      readonly zxid: Zxid
      readonly nodes: readonly NodeChange[]
      readonly session: number
    }
  | {
      readonly kind: 'install'
      readonly zxid: Zxid
      readonly nodes: number
      readonly bytes: number
      readonly abort: boolean
    }
  | { readonly kind: 'reopen' }
  /** The data have proved false: they are set aside, and the epochs kept. */
  | { readonly kind: 'beginRepair' }
  | { readonly kind: 'endRepair' }
  /** So long that the durable mark has followed. */
  | { readonly kind: 'rest'; readonly ms: number }

/** Steps of one turn are begun together: a checkpoint may run while the log is written. */
export type Turn = readonly Step[]

export interface World {
  readonly epochs: { readonly accepted: number; readonly current: number }
  /** Where the log began in this generation; what is purged of it does not count. */
  readonly base: Zxid
  readonly log: readonly { readonly zxid: Zxid; readonly previous: Zxid; readonly bytes: number }[]
  readonly checkpoint: Zxid
  readonly nodes: ReadonlyMap<string, { readonly n: number; readonly bytes: number }>
  readonly sessions: ReadonlySet<number>
  /** Damaged, and not yet whole again. */
  readonly repairing: boolean
}

export const NEW_WORLD: World = {
  epochs: { accepted: 0, current: 0 },
  base: ZERO,
  log: [],
  checkpoint: ZERO,
  nodes: new Map(),
  sessions: new Set(),
  repairing: false,
}

export function lastOf(world: World): Zxid {
  return world.log.at(-1)?.zxid ?? world.base
}

export function after(world: World, step: Step): World {
  switch (step.kind) {
    case 'append': {
      let previous = step.after
      const more = step.entries.map(({ zxid, bytes }) => {
        const entry = { zxid, previous, bytes }
        previous = zxid
        return entry
      })
      return { ...world, log: [...world.log, ...more] }
    }
    case 'epochs':
      return { ...world, epochs: { accepted: step.accepted, current: step.current } }
    case 'truncate':
      return { ...world, log: world.log.filter(entry => isAtMost(entry.zxid, step.after)) }
    case 'checkpoint': {
      const nodes = new Map(world.nodes)
      for (const [path, made] of step.nodes) {
        if (made === null) nodes.delete(path)
        else nodes.set(path, made)
      }
      return { ...world, checkpoint: step.zxid, nodes, sessions: new Set([...world.sessions, step.session]) }
    }
    case 'install': {
      if (step.abort) return world
      const nodes = new Map(installedNodes(step).map(n => [`/s${n}`, { n, bytes: step.bytes }]))
      return { ...world, base: step.zxid, log: [], checkpoint: step.zxid, nodes, sessions: new Set() }
    }
    case 'beginRepair':
      return { ...NEW_WORLD, epochs: world.epochs, repairing: true }
    case 'endRepair':
      return { ...world, repairing: false }
    default:
      return world
  }
}

export function installedNodes({ zxid, nodes }: Extract<Step, { kind: 'install' }>): number[] {
  return Array.from({ length: nodes }, (_, at) => zxid.epoch * 1000 + at)
}

export function proposalsOf({ after, entries }: Extract<Step, { kind: 'append' }>): Proposal[] {
  let previous = after
  return entries.map(({ zxid, bytes }) => {
    const made = proposal(zxid, previous, bytes)
    previous = zxid
    return made
  })
}

export function changesOf({ zxid, nodes, session }: Extract<Step, { kind: 'checkpoint' }>): ReplicaChanges {
  const record = sessionRecord(session)
  const made = nodes.map(([path, m]): [string, Znode | undefined] => [
    path,
    m === null ? undefined : znode(m.n, m.bytes),
  ])
  return changes(zxid, made, [[record.session as SessionId, record]])
}

/** The entries of `world` behind `from`, as the bytes that the store keeps of them. */
export function recordsBehind(world: World, from: Zxid): Buffer[] {
  return world.log
    .filter(entry => isAfter(entry.zxid, from))
    .map(({ zxid, previous, bytes }) => Buffer.from(recordOf(proposal(zxid, previous, bytes))))
}

export function isPlaceInLog(world: World, zxid: Zxid): boolean {
  return sameZxid(zxid, world.base) || world.log.some(entry => sameZxid(entry.zxid, zxid))
}

export { digestOf }
