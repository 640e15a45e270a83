import type { PeerId } from '../../../lib/model/ids.js'
import { MemoryStorage } from '../../../lib/storage/memory/memory-storage.js'
import { storageCompliance } from '../../compliance/storage.js'

storageCompliance('MemoryStorage', async (retention = {}) => {
  const storage = new MemoryStorage({
    ensemble: 'test',
    peer: 1 as PeerId,
    ...retention,
  })
  return { store: () => storage, destroy: async () => {} }
})
