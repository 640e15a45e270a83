import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
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
