/**
 * Opens an image with the real store and compares it with the worlds that it may be: everything acknowledged, and of the steps under way
 * at the cut each either whole or not at all. Undefined means that it is one of them; otherwise a sentence says what is wrong.
 */
import { isDeepStrictEqual } from 'node:util'
import { recordOf } from '../../lib/codec/record.js'
import { ZooKeeperError } from '../../lib/model/errors.js'
import { formatZxid, isAfter, sameZxid } from '../../lib/model/zxid.js'
import { LevelStorage } from '../../lib/storage/level/level-storage.js'
import type { Recovered } from '../../lib/storage/storage.js'
import { history, plainZnode, sessionRecord, znode } from '../compliance/storage-fixtures.js'
import { STORE } from './store-options.js'
import { isPlaceInLog, lastOf, recordsBehind, type World } from './world.js'

export type Verdict =
  | { readonly kind: 'found'; readonly world: World }
  | { readonly kind: 'lost'; readonly why: string }
  | { readonly kind: 'refused'; readonly why: string }

export async function verifyImage(dataDir: string, worlds: readonly World[]): Promise<Verdict> {
  const storage = new LevelStorage({ dataDir, ...STORE })
  try {
    const recovered = await storage.open().catch((error: unknown) => {
      // Cut while its data were being set aside: it says so, and goes on with that.
      const half =
        worlds.some(({ repairing }) => repairing) && /nothing has been put in their place/.test(String(error))
      if (!half) throw error
      return storage.beginRepair(error)
    })
    const differences: string[] = []
    for (const world of worlds) {
      const difference = await differenceOf(storage, recovered, world)
      if (difference === undefined) return { kind: 'found', world }
      differences.push(difference)
    }
    return { kind: 'lost', why: differences.join('; or ') }
  } catch (error) {
    if (!(error instanceof ZooKeeperError)) throw error
    return { kind: 'refused', why: error.message }
  } finally {
    await storage.close()
  }
}

async function differenceOf(storage: LevelStorage, recovered: Recovered, world: World): Promise<string | undefined> {
  const { epochs, image, suffix, history: summary, damage } = recovered
  if ((damage !== undefined) !== world.repairing) return world.repairing ? 'whole, but was being repaired' : 'damaged'
  if (!isDeepStrictEqual({ ...epochs }, { ...world.epochs }))
    return `epochs ${JSON.stringify(epochs)} instead of ${JSON.stringify(world.epochs)}`
  if (!sameZxid(image.zxid, world.checkpoint))
    return `a checkpoint at ${formatZxid(image.zxid)} instead of ${formatZxid(world.checkpoint)}`
  const nodes = [...image.nodes].map(([path, node]) => [path, plainZnode(node)] as const)
  const wanted = [...world.nodes].map(([path, { n, bytes }]) => [path, plainZnode(znode(n, bytes))] as const)
  if (!isDeepStrictEqual(new Map(nodes), new Map(wanted))) return `other znodes at ${formatZxid(image.zxid)}`
  const sessions = [...image.sessions].map(({ session }) => session).sort()
  if (!isDeepStrictEqual(sessions, [...world.sessions].map(n => sessionRecord(n).session).sort()))
    return 'other sessions'
  if (!isPlaceInLog(world, summary.base) || isAfter(summary.base, image.zxid))
    return `a log from ${formatZxid(summary.base)}`
  const last = suffix.at(-1)?.zxid ?? image.zxid
  if (!same(suffix.map(recordOf), recordsBehind(world, world.checkpoint)))
    return `entries up to ${formatZxid(last)} instead of ${formatZxid(lastOf(world))}, or others`
  const all = await history(storage, summary.base)
  if (!same(all.map(recordOf), recordsBehind(world, summary.base)))
    return `another history behind ${formatZxid(summary.base)}`
  return undefined
}

function same(found: readonly Uint8Array[], wanted: readonly Uint8Array[]): boolean {
  return found.length === wanted.length && found.every((bytes, at) => Buffer.compare(bytes, wanted[at]!) === 0)
}
