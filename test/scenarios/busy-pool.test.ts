/**
 * An application that keeps all threads of libuv's pool busy: LevelDB's syncs wait for one, so commits are slow. Nothing else may come of it:
 * heartbeats, leases and the election do not use the pool.
 */
import { pbkdf2 } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { PeerId } from '../../lib/model/ids.js'
import { LevelStorage } from '../../lib/storage/level/level-storage.js'
import { TestEnsemble } from './test-ensemble.js'

const CALLS = 8
/** Some 0.2 s of one core. */
const ITERATIONS = 500_000

describe('an application with eight pbkdf2 calls in flight', () => {
  it('slows commits down, and says why; no leadership is lost, no session expires', async function () {
    this.timeout(60_000)
    const directory = await mkdtemp(join(tmpdir(), 'vivarium-busy-pool-'))
    const ensemble = await TestEnsemble.make('memory', 3)
    const said: string[] = []
    const note = (message: string): unknown => said.push(message)
    const logger = { debug() {}, info: note, warn: note, error: note }
    let busy = true
    let hashing: Promise<unknown> = Promise.resolve()
    try {
      await Promise.all(
        [1, 2, 3].map(id => {
          const options = { dataDir: join(directory, String(id)), ensemble: 'vivarium', peer: id as PeerId }
          return ensemble.open(id, { storage: new LevelStorage(options), tickMs: 500, logger })
        }),
      )
      await ensemble.serving()
      const { leader } = ensemble
      const { epoch } = ensemble.peers.get(leader)!.status
      const clients = await Promise.all([1, 2, 3].map(id => ensemble.client(id)))
      await clients[0]!.create('/count', '0')
      await clients[1]!.create('/here', undefined, { ephemeral: true })
      const expired: string[] = []
      for (const client of clients) {
        client.state$.subscribe(state => {
          if (state !== 'connected') expired.push(state)
        })
      }
      said.length = 0

      hashing = Promise.all(
        Array.from({ length: CALLS }, async () => {
          while (busy) {
            await new Promise<void>((resolve, reject) =>
              pbkdf2('a', 'b', ITERATIONS, 32, 'sha256', error => (error === null ? resolve() : reject(error))),
            )
          }
        }),
      )
      const peer = ensemble.peers.get(leader)!
      const giveUpAt = performance.now() + 40_000
      const until = performance.now() + 5000
      let writes = 0
      // Longer than a session's timeout and than a leader waits for its followers.
      while (performance.now() < until || peer.health().reasons.length === 0) {
        await clients[writes % 3]!.set('/count', String(++writes))
        if (performance.now() > giveUpAt) throw new Error(`no trouble seen: ${JSON.stringify(peer.status.commits)}`)
      }
      expect(peer.health().ok).to.equal(true)
      expect(peer.health().reasons.join()).to.match(/commits are slow .* libuv's pool.*UV_THREADPOOL_SIZE/)
      const { poolWaitMs, syncMs } = peer.status.commits
      expect(poolWaitMs).to.be.above(syncMs)
      expect(said.some(message => message.includes('UV_THREADPOOL_SIZE'))).to.equal(true)
      expect(said.filter(message => message.includes('election'))).to.deep.equal([])
      expect([...ensemble.peers.values()].map(({ status }) => [status.leader, status.epoch])).to.deep.equal(
        [1, 2, 3].map(() => [leader, epoch]),
      )
      expect(expired).to.deep.equal([])
      await clients[2]!.sync()
      expect(await clients[2]!.exists('/here')).to.not.equal(undefined)
      expect((await clients[2]!.get('/count')).value).to.equal(String(writes))
      busy = false
      await hashing
      await Promise.all(clients.map(client => client.close()))
    } finally {
      busy = false
      await hashing
      await ensemble.end()
      await rm(directory, { recursive: true, force: true })
    }
  })
})
