import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { firstValueFrom, toArray } from 'rxjs'
import { cbor, hasCode, json, op, Peer } from '../../lib/index.js'

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('a single peer', () => {
  it('is a program of three lines', async () => {
    await using peer = await Peer.open({ id: 1, dataDir: ':memory:' })
    await using zk = await peer.client({ codec: json })
    expect(await zk.create('/config', { dark: true })).to.equal('/config')
    expect((await zk.get('/config')).value).to.deep.equal({ dark: true })
    expect(peer.health()).to.deep.equal({ ok: true, reasons: [] })
  })

  it('shows its replica synchronously', async () => {
    await using peer = await Peer.open({ id: 1, dataDir: ':memory:' })
    await using zk = await peer.client()
    await zk.create('/a', Uint8Array.of(1, 2))
    await zk.create('/a/b')
    const { view } = peer
    expect([...view.get('/a')!.data!]).to.deep.equal([1, 2])
    expect(view.get('/a')!.stat).to.deep.equal((await zk.get('/a')).stat)
    expect(view.children('/a')).to.deep.equal(['b'])
    expect(view.children('/none')).to.equal(undefined)
    expect(view.get('/none')).to.equal(undefined)
    expect([view.exists('/a'), view.exists('/none')]).to.deep.equal([true, false])
    const before = view.zxid
    await zk.set('/a', Uint8Array.of(3))
    expect(view.zxid).to.equal(before + 1n)
  })

  it('finds its data again after a restart on the same directory, in the next epoch', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'vivarium-scenario-'))
    try {
      let epoch = 0
      for (let round = 1; round <= 3; round++) {
        await using peer = await Peer.open({ id: 1, dataDir })
        await using zk = await peer.client({ codec: cbor })
        if (round > 1) expect((await zk.get('/n')).value).to.deep.equal({ round: round - 1 })
        await zk.set('/n', { round }, { upsert: true })
        expect(peer.status.epoch).to.be.above(epoch)
        epoch = peer.status.epoch
      }
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })

  it('refuses a directory of another peer or ensemble, and one that is in use', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'vivarium-scenario-'))
    try {
      const peer = await Peer.open({ id: 1, dataDir, ensemble: 'mine' })
      expect(hasCode(await rejection(Peer.open({ id: 1, dataDir, ensemble: 'mine' })), 'DATA_DIR_LOCKED')).to.equal(
        true,
      )
      await peer.close()
      const codes = [
        await rejection(Peer.open({ id: 2, dataDir, ensemble: 'mine' })),
        await rejection(Peer.open({ id: 1, dataDir, ensemble: 'yours' })),
      ].map(error => (error as { code: string }).code)
      expect(codes).to.deep.equal(['ENSEMBLE_MISMATCH', 'ENSEMBLE_MISMATCH'])
      await (await Peer.open({ id: 1, dataDir, ensemble: 'mine' })).close()
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })

  it('checkpoints while it is written to, and starts from the checkpoint', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'vivarium-scenario-'))
    const big = new Uint8Array(4000)
    try {
      {
        await using peer = await Peer.open({ id: 1, dataDir, checkpointLogBytes: 50_000 })
        await using zk = await peer.client()
        for (let n = 0; n < 10; n++) {
          await zk.multi(Array.from({ length: 10 }, (_, step) => op.create(`/n-${n}-${step}`, big)))
        }
      }
      await using peer = await Peer.open({ id: 1, dataDir })
      await peer.serving({ timeout: 5000 }) // What is behind the checkpoint is applied once it is known to be committed.
      expect(peer.view.children('/')).to.have.length(101)
      expect(peer.view.get('/n-9-9')?.data).to.have.length(4000)
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })

  it('R3: may be closed at any moment, twice, with calls pending; whoever waits is told', async () => {
    for (const turns of [0, 1, 2, 3, 5, 8]) {
      const peer = await Peer.open({ id: 1, dataDir: ':memory:' })
      for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
      const status = firstValueFrom(peer.status$.pipe(toArray()))
      const opening = peer.client().then(
        zk => rejection(zk.create('/a')),
        (error: unknown) => error,
      )
      const serving = peer.serving().then(
        () => 'serving',
        (error: { code: string }) => error.code,
      )
      await Promise.all([peer.close(), peer.close()])
      expect(await opening).to.satisfy((error: unknown) => error === undefined || hasCode(error, 'CLOSED'))
      expect(await serving).to.be.oneOf(['serving', 'CLOSED'])
      expect((await status).at(-1)!.state).to.equal('closed')
      expect(peer.health().ok).to.equal(false)
      expect(hasCode(await rejection(peer.client()), 'CLOSED')).to.equal(true)
      expect(hasCode(await rejection(peer.serving()), 'CLOSED')).to.equal(true)
    }
  })

  it('R1: is not disturbed by a logger that throws, and says so', async () => {
    const boom = () => {
      throw new Error('a bug of the application')
    }
    await using peer = await Peer.open({
      id: 1,
      dataDir: ':memory:',
      logger: { debug: boom, info: boom, warn: boom, error: boom },
      transport: undefined as never,
      closeTimeoutMs: 1000,
      members: { 1: 'memory://1' },
    })
    await using zk = await peer.client()
    await zk.create('/a')
    expect(peer.health().ok).to.equal(true)
  })
})
