/**
 * A whole data directory made of what another one holds: the state of its checkpoint, or none, and the log behind it, up to a zxid.
 *
 * Made by the store itself, as if a leader had sent a snapshot and then the log: nothing here knows the format. Read from copies.
 * Before: recover.ts. After: storage/level/replacement.ts puts it in its place.
 */
import { applyTxn } from '../core/operations/apply-txn.js'
import { Replica } from '../core/replica.js'
import { sameDigest } from '../model/digest.js'
import { ZooKeeperError } from '../model/errors.js'
import type { Epochs } from '../model/history.js'
import type { Proposal } from '../model/proposal.js'
import { formatZxid, sameZxid, ZERO, type Zxid } from '../model/zxid.js'
import { type Database, openDatabase } from '../storage/level/database.js'
import type { LevelStorage } from '../storage/level/level-storage.js'
import { readRun } from '../storage/level/log-examination.js'
import type { OfflineDirectory } from '../storage/level/offline-directory.js'
import { TreeStore } from '../storage/level/tree-store.js'
import type { StorageIdentity } from '../storage/storage.js'
import type { DataSet } from './examination.js'

const APPEND_BYTES = 256 * 1024
const APPEND_ENTRIES = 1000

/** `storage` is new. Says whose data they are now. */
export async function build(
  storage: LevelStorage,
  taken: OfflineDirectory,
  set: DataSet,
  epochs: Epochs,
): Promise<StorageIdentity> {
  const { examinedLog, examinedTree, lastIntact } = set
  const checkpoint = 'checkpoint' in examinedTree ? examinedTree.checkpoint : undefined
  const { identity } = await storage.open()
  try {
    let after = ZERO
    if (lastIntact!.from === 'checkpoint') {
      after = checkpoint!.zxid
      if (!sameZxid(after, ZERO)) await withDatabase(taken, set.tree, tree => carryTree(tree, storage))
    }
    const generation = checkpoint?.generation ?? ('generation' in examinedLog ? examinedLog.generation : undefined)
    if (generation !== undefined && !sameZxid(after, lastIntact!.zxid)) {
      await withDatabase(taken, set.log, async log => {
        for await (const batch of batchesOf(readRun(log, generation, after, lastIntact!.zxid)))
          await storage.append(batch)
      })
    }
    await storage.saveEpochs(epochs)
  } finally {
    await storage.close()
  }
  return identity
}

async function withDatabase<T>(
  taken: OfflineDirectory,
  place: readonly string[],
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const { copy } = await taken.copyOf(...place)
  const database = await openDatabase(copy, false)
  try {
    return await work(database)
  } finally {
    await database.close()
    await taken.discard(copy)
  }
}

/** As a snapshot between peers: read back and verified before it counts. */
async function carryTree(database: Database, storage: LevelStorage): Promise<void> {
  const { header, chunks, close } = (await TreeStore.open(database)).freeze()
  try {
    const installer = await storage.installSnapshot(header)
    for await (const chunk of chunks) await installer.write(chunk)
    await installer.finish()
  } finally {
    await close()
  }
}

/** Fewer and larger: each append is a sync. */
async function* batchesOf(groups: AsyncIterable<readonly Proposal[]>): AsyncGenerator<readonly Proposal[]> {
  let batch: Proposal[] = []
  let bytes = 0
  for await (const group of groups) {
    batch.push(...group)
    for (const { record } of group) bytes += record?.length ?? 0
    if (bytes < APPEND_BYTES && batch.length < APPEND_ENTRIES) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

/** Opened again as a peer does, every checksum, the chain, the digest, and the log played to its end. */
export async function verify(storage: LevelStorage, last: Zxid): Promise<void> {
  const { image, suffix } = await storage.open()
  try {
    const { digest } = image
    const replica = Replica.from(image)
    const whole = sameZxid(image.zxid, ZERO) || sameDigest(replica.digest, digest)
    for (const proposal of suffix) applyTxn(replica, proposal)
    if (!whole || !sameZxid(replica.zxid, last)) {
      throw new ZooKeeperError(
        'INTERNAL',
        `what was made ends at ${formatZxid(replica.zxid)}, not at ${formatZxid(last)}`,
      )
    }
  } finally {
    await storage.close()
  }
}
