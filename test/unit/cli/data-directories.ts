/** Data directories of peers as tests of the command line need them: made once, copied, damaged, and compared with what they were. */
import { createHash } from 'node:crypto'
import { cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { Examiner } from '../../../lib/cli/examiner.js'
import { text } from '../../../lib/client/codec.js'
import { Peer } from '../../../lib/compose.js'
import { applyTxn } from '../../../lib/core/operations/apply-txn.js'
import { Replica } from '../../../lib/core/replica.js'
import type { PeerId } from '../../../lib/model/ids.js'
import { LevelStorage } from '../../../lib/storage/level/level-storage.js'
import { DataDir } from '../storage/level/data-dir.js'

export interface UsedDirectory {
  /** For whatever a test makes beside it. */
  readonly root: string
  readonly original: string
  /** A copy of the original for this test. */
  readonly data: DataDir
  readonly examiner: Examiner
}

/** One that was used, anew for each test of the `describe` that asks for it. */
export function usedDirectory(): UsedDirectory {
  const examiner = new Examiner()
  const used = { root: '', original: '', data: new DataDir(''), examiner }
  before(async () => {
    used.root = await mkdtemp(join(tmpdir(), 'vivarium-'))
    used.original = join(used.root, 'original')
    await makeUsed(used.original)
  })
  beforeEach(async () => {
    used.data = new DataDir(join(used.root, 'data'))
    await cp(used.original, used.data.location, { recursive: true })
  })
  afterEach(() => rm(used.data.location, { recursive: true, force: true }))
  after(async () => {
    await examiner.close()
    await rm(used.root, { recursive: true, force: true })
  })
  return used
}

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
