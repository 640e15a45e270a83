import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Peer } from '../../lib/compose.js'
import { LogSegments } from '../../lib/storage/level/log-segments.js'
import { DEFAULT_RETENTION, type LogRetention } from '../../lib/storage/log-retention.js'

describe('a peer that is put together', () => {
  let dataDir: string
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'vivarium-'))
  })
  afterEach(() => rm(dataDir, { recursive: true, force: true }))

  /** What the store is told to keep at a checkpoint of a peer with these options. */
  async function retentionOf(options: LogRetention): Promise<Required<LogRetention>> {
    const { purge } = LogSegments.prototype
    const asked: Required<LogRetention>[] = []
    LogSegments.prototype.purge = function (checkpoint, retention, pins) {
      asked.push(retention)
      return purge.call(this, checkpoint, retention, pins)
    }
    try {
      await using peer = await Peer.open({ id: 1, dataDir, checkpointLogBytes: 1024, ...options })
      await using zk = await peer.client()
      while (asked.length === 0) await zk.create('/n', new Uint8Array(500), { sequential: true })
    } finally {
      LogSegments.prototype.purge = purge
    }
    const { logBytesKept, logEntriesKept, logAgeMsKept, logPinnedBytesMax } = asked[0]!
    return { logBytesKept, logEntriesKept, logAgeMsKept, logPinnedBytesMax }
  }

  it('keeps as much log as its options say, each of them', async () => {
    expect(await retentionOf({})).to.deep.equal(DEFAULT_RETENTION)
    const chosen = {
      logBytesKept: 11_000_000,
      logEntriesKept: 22_000,
      logAgeMsKept: 33_000,
      logPinnedBytesMax: 44_000_000,
    }
    expect(await retentionOf(chosen)).to.deep.equal(chosen)
  })
})
