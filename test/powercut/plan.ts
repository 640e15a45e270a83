/**
 * What the workload does, decided beforehand from a seed: everything that Storage can be asked, in an order that Zab could ask it in.
 * Appends in groups of all sizes, and now and then a large one, so that LevelDB begins new files often.
 */
import { isAfter, sameZxid, type Zxid, zxid } from '../../lib/model/zxid.js'
import type { Chance } from '../crash/chance.js'
import { after, lastOf, type NodeChange, type Step, type Turn, type World } from './world.js'

const PATHS = 60

export function makePlan(chance: Chance, start: World, turns: number): Turn[] {
  let world = start
  const plan: Turn[] = []
  const add = (...turn: Step[]) => {
    plan.push(turn)
    for (const step of turn) world = after(world, step)
  }
  if (world.epochs.current === 0) add({ kind: 'epochs', accepted: 1, current: 1 })
  while (plan.length < turns) {
    const kind = chance.weighted({
      append: 60,
      both: 8,
      epochs: 4,
      truncate: 5,
      checkpoint: 8,
      install: 4,
      reopen: 3,
      rest: 6,
      repair: world.repairing ? 12 : 2,
    })
    if (kind === 'append') add(append(chance, world))
    else if (kind === 'both') add(...checkpoint(chance, world), append(chance, world))
    else if (kind === 'checkpoint') add(...checkpoint(chance, world))
    else if (kind === 'epochs') add({ kind, accepted: world.epochs.accepted + 1, current: world.epochs.current })
    else if (kind === 'truncate') {
      const at = cut(chance, world)
      if (at === undefined) continue
      add({ kind, after: at })
      // What was cut belonged to a deposed leader: its successor has an epoch of its own.
      add(newEpoch(world))
    } else if (kind === 'install') {
      const abort = chance.next() < 0.3
      if (!abort) add(newEpoch(world))
      const { epoch, counter } = lastOf(world)
      const at = abort ? zxid(epoch, counter + 1) : zxid(world.epochs.current, chance.between(1, 1000))
      add({ kind, zxid: at, nodes: chance.between(1, 120), bytes: chance.pick([10, 300, 3000]), abort })
    } else if (kind === 'repair') add({ kind: world.repairing ? 'endRepair' : 'beginRepair' })
    else if (kind === 'rest') add({ kind, ms: chance.between(1, 80) })
    else add({ kind })
  }
  return plan
}

function newEpoch({ epochs }: World): Step {
  const epoch = epochs.accepted + 1
  return { kind: 'epochs', accepted: epoch, current: epoch }
}

function append(chance: Chance, world: World): Step {
  const last = lastOf(world)
  const { current } = world.epochs
  const count = chance.weighted({ one: 6, some: 3, many: 1 })
  let counter = last.epoch === current ? last.counter : 0
  const entries = Array.from({ length: { one: 1, some: 5, many: 30 }[count] }, () => ({
    zxid: zxid(current, ++counter),
    bytes: chance.pick([20, 100, 400, 1000, 5000]),
  }))
  return { kind: 'append', after: last, entries }
}

/** None when the log has nothing that the tree does not have. */
function checkpoint(chance: Chance, world: World): Step[] {
  const places = world.log.filter(entry => isAfter(entry.zxid, world.checkpoint))
  if (places.length === 0) return []
  const at = chance.pick(places).zxid
  // Beyond 500 changes a checkpoint goes by way of the journal.
  const count = chance.weighted({ few: 5, slices: 1 }) === 'few' ? chance.between(1, 20) : 1100
  const nodes = new Map<string, NodeChange[1]>()
  for (let i = 0; i < count; i++) {
    const path = `/n${count > PATHS ? i : chance.between(1, PATHS)}`
    nodes.set(path, chance.next() < 0.2 ? null : { n: at.counter % 1000, bytes: chance.pick([0, 10, 200]) })
  }
  return [{ kind: 'checkpoint', zxid: at, nodes: [...nodes], session: (at.counter % 40) + 1 }]
}

function cut(chance: Chance, world: World): Zxid | undefined {
  const places = world.log.filter(entry => !isAfter(world.checkpoint, entry.zxid)).slice(-30)
  const at = places.length === 0 ? undefined : chance.pick(places).zxid
  return at === undefined || sameZxid(at, lastOf(world)) ? undefined : at
}
