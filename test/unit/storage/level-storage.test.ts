import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import type { PeerId } from '../../../lib/model/ids.js'
import { LevelStorage } from '../../../lib/storage/level/level-storage.js'
import { storageCompliance } from '../../compliance/storage.js'

storageCompliance('LevelStorage', async (options = {}) => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'vivarium-storage-'))
  return {
    store: () => new LevelStorage({ dataDir, ensemble: 'test', peer: 1 as PeerId, ...options }),
    destroy: () => rm(dataDir, { recursive: true, force: true }),
  }
})

describe('LevelStorage', () => {
  it('tells how much room its disk has left, and how much it has taken', async () => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'vivarium-storage-'))
    const store = new LevelStorage({ dataDir, ensemble: 'test', peer: 1 as PeerId })
    try {
      await store.open()
      const { bavail, bsize, blocks } = await statfs(dataDir)
      const free = await store.freeBytes()
      expect(free).to.be.within(0.5 * bavail * bsize, blocks * bsize)
      const { tree, log } = await store.sizes()
      expect([tree > 0, log > 0, tree + log < 1024 * 1024]).to.deep.equal([true, true, true])
    } finally {
      await store.close()
      await rm(dataDir, { recursive: true, force: true })
    }
  })
})
