/** Data directories of peers as tests of the command line need them: made once, copied, damaged, and compared with what they were. */
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { text } from '../../../lib/client/codec.js'
import { Peer } from '../../../lib/compose.js'
import { applyTxn } from '../../../lib/core/operations/apply-txn.js'
import { Replica } from '../../../lib/core/replica.js'
import type { PeerId } from '../../../lib/model/ids.js'
import { LevelStorage } from '../../../lib/storage/level/level-storage.js'

/** Ten znodes in the log and the checkpoint, ten more only in the log. The last zxid is 0x20000000c. */
export async function makeUsed(dataDir: string, ensemble = 'shop'): Promise<void> {
  await write(dataDir, ensemble, 'a')
  await checkpoint(dataDir, ensemble)
  await write(dataDir, ensemble, 'b')
}

export async function write(dataDir: string, ensemble: string, prefix: string): Promise<void> {
  const peer = await Peer.open({ id: 1, ensemble, dataDir })
  const zk = await peer.client({ codec: text, sessionTimeoutMs: 4000 })
  for (let n = 0; n < 10; n++) await zk.create(`/${prefix}${n}`, `${prefix} ${n}`)
  await zk.close()
  await peer.close()
}

/** As a running peer does when its log has grown. */
export async function checkpoint(dataDir: string, ensemble: string, id = 1): Promise<void> {
  const storage = new LevelStorage({ dataDir, ensemble, peer: id as PeerId })
  const { image, suffix } = await storage.open()
  const replica = Replica.from(image)
  for (const proposal of suffix) applyTxn(replica, proposal)
  await storage.checkpoint(replica.captureChanges())
  await storage.close()
}

/** Every file and folder: name, size, time of change, content. */
export async function fingerprint(directory: string): Promise<string> {
  const lines: string[] = []
  const entries = await readdir(directory, { withFileTypes: true, recursive: true })
  for (const file of ['.', ...entries.map(entry => relative(directory, join(entry.parentPath, entry.name)))]) {
    const { size, mtimeNs, mode } = await stat(join(directory, file), { bigint: true })
    const isFile = entries.some(
      entry => entry.isFile() && relative(directory, join(entry.parentPath, entry.name)) === file,
    )
    const hash = isFile
      ? createHash('sha256')
          .update(await readFile(join(directory, file)))
          .digest('hex')
      : '-'
    lines.push([file, size, mtimeNs, mode, hash].join(' '))
  }
  return lines.sort().join('\n')
}
