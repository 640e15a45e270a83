import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import type { PeerId } from '../../../../lib/model/ids.js'
import { LevelStorage } from '../../../../lib/storage/level/level-storage.js'
import { codeOf } from '../../../compliance/storage-fixtures.js'

describe('first start', () => {
  let dataDir: string
  beforeEach(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'first-start-'))
  })
  afterEach(() => rm(dataDir, { recursive: true }))

  const store = () => new LevelStorage({ dataDir, ensemble: 'e', peer: 1 as PeerId })

  /** What a power cut leaves of a database just made: its names, and a first MANIFEST that LevelDB has not synced. */
  async function cutShort(name: 'log' | 'tree'): Promise<void> {
    await rm(path.join(dataDir, name), { recursive: true, force: true })
    await mkdir(path.join(dataDir, name))
    await writeFile(path.join(dataDir, name, 'CURRENT'), 'MANIFEST-000001\n')
    await writeFile(path.join(dataDir, name, 'MANIFEST-000001'), '')
  }

  for (const name of ['log', 'tree'] as const) {
    it(`D5: begins again after a power cut that has left half of ${name}/`, async () => {
      await writeFile(path.join(dataDir, 'first-start'), '')
      await cutShort(name)
      const first = store()
      const { epochs } = await first.open()
      expect(epochs).to.deep.equal({ accepted: 0, current: 0 })
      await first.saveEpochs({ accepted: 1, current: 1 })
      await first.close()
      const second = store()
      expect((await second.open()).epochs).to.deep.equal({ accepted: 1, current: 1 })
      await second.close()
    })

    it(`D8: takes the same in ${name}/ for damage once the first start has come to its end`, async () => {
      const first = store()
      await first.open()
      await first.close()
      await cutShort(name)
      expect(await codeOf(store().open())).to.equal('DATA_CORRUPT')
    })
  }
})
