import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm, rmdir, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'chai'
import { crc32 } from '../../../../lib/codec/checksum.js'
import type { PeerId } from '../../../../lib/model/ids.js'
import { ZERO } from '../../../../lib/model/zxid.js'
import { LevelStorage } from '../../../../lib/storage/level/level-storage.js'
import { codeOf, proposals } from '../../../compliance/storage-fixtures.js'
import { DataDir, flipped } from './data-dir.js'

describe('data directory', () => {
  let data: DataDir
  beforeEach(async () => {
    data = await DataDir.make()
  })
  afterEach(() => data.destroy())

  it('is made for its owner alone', async function () {
    if (process.platform === 'win32') this.skip() // has no such bits
    await mkdir(data.location, { mode: 0o755 })
    await data.recovered()
    expect((await stat(data.location)).mode & 0o777).to.equal(0o700)
    expect((await stat(data.file('identity'))).mode & 0o077).to.equal(0)
  })

  it('says in its identity file whose it is', async () => {
    const { identity } = await data.recovered()
    const text = await readFile(data.file('identity'), 'utf8')
    expect(text.split('\n').slice(0, 5)).to.deep.equal([
      'vivarium data directory',
      'format 1',
      'ensemble "test"',
      'peer 1',
      `incarnation ${identity.incarnation}`,
    ])
  })

  it('D9: takes no identity file with a flipped bit', async () => {
    await data.recovered()
    const intact = await readFile(data.file('identity'))
    for (let at = 0; at < intact.length; at++) {
      await writeFile(data.file('identity'), flipped(intact, at, 1 << (at % 8)))
      const { code, message } = await data.failure()
      expect(code, `byte ${at}`).to.equal('DATA_CORRUPT')
      expect(message).to.match(/identity is damaged.*start this peer with an empty one/)
    }
    await writeFile(data.file('identity'), intact.subarray(0, 10))
    expect((await data.failure()).code).to.equal('DATA_CORRUPT')
    await writeFile(data.file('identity'), intact)
    expect((await data.failure()).code).to.equal('resolved')
  })

  it('is refused when a later release wrote it', async () => {
    await data.recovered()
    const lines = 'vivarium data directory\nformat 2\nwhat comes here nobody knows\n'
    await writeFile(data.file('identity'), `${lines}crc32 ${crc32(Buffer.from(lines)).toString(16).padStart(8, '0')}\n`)
    const { code, message } = await data.failure()
    expect(code).to.equal('DATA_TOO_NEW')
    expect(message).to.match(/format 2, this release knows 1/)
  })

  it('is refused to another ensemble or peer', async () => {
    await data.recovered()
    expect(await codeOf(data.store({ ensemble: 'other' }).open())).to.equal('ENSEMBLE_MISMATCH')
    expect(await codeOf(data.store({ peer: 2 as PeerId }).open())).to.equal('ENSEMBLE_MISMATCH')
    expect((await data.failure()).code).to.equal('resolved')
  })

  it('is never made in a directory that holds something else', async () => {
    await mkdir(data.location)
    await writeFile(data.file('thesis.txt'), 'ten years')
    const { code, message } = await data.failure()
    expect(code).to.equal('DATA_CORRUPT')
    expect(message).to.include('thesis.txt')
  })

  describe('D8: is refused', () => {
    for (const lost of ['log', 'tree', 'mark', 'identity', 'log/CURRENT', 'tree/CURRENT']) {
      it(`without its ${lost}`, async () => {
        await data.recovered()
        await rm(data.file(...lost.split('/')), { recursive: true })
        for (let attempt = 1; attempt <= 2; attempt++) {
          const { code, message } = await data.failure()
          expect(code, `attempt ${attempt}`).to.equal('DATA_CORRUPT')
          expect(message).to.match(/start (this peer )?with an empty one/)
        }
      })
    }

    for (const name of ['log', 'tree'] as const) {
      it(`when its ${name} is an empty database`, async () => {
        await data.recovered()
        await data.raw(name, database => database.clear())
        const { code, message } = await data.failure()
        expect(code).to.equal('DATA_CORRUPT')
        expect(message).to.match(/label is missing/)
      })

      it(`when its ${name} is that of another directory`, async () => {
        await data.recovered()
        const other = await DataDir.make()
        await other.recovered()
        await rm(data.file(name), { recursive: true })
        const copy = await other.copy()
        await mkdir(data.file(name))
        const { cp } = await import('node:fs/promises')
        await cp(copy.file(name), data.file(name), { recursive: true })
        expect((await data.failure()).message).to.match(/comes from another data directory/)
        await other.destroy()
        await copy.destroy()
      })
    }
  })

  it('D5: begins its first start again wherever it broke off', async () => {
    await data.recovered()
    for (const left of [
      [],
      ['log'],
      ['log', 'tree'],
      ['log', 'tree', 'mark'],
      ['log', 'tree', 'mark', 'identity.new'],
    ]) {
      const copy = await data.copy()
      for (const name of ['identity', 'log', 'tree', 'mark']) {
        if (!left.includes(name)) await rm(copy.file(name), { recursive: true })
      }
      if (left.includes('identity.new')) await writeFile(copy.file('identity.new'), 'vivarium da')
      await writeFile(copy.file('first-start'), '')
      const first = await copy.recovered()
      expect((await copy.recovered()).identity, left.join()).to.deep.equal(first.identity)
      await copy.destroy()
    }
  })

  it('D2: is refused while a write-ahead file cannot be read, and has lost nothing afterwards', async () => {
    await data.with(async store => store.append(proposals(ZERO, 1, 3)))
    for (const name of ['log', 'tree']) {
      // Opened like a file, and not to be read.
      const unreadable = data.file(name, '000099.log')
      await mkdir(unreadable)
      expect((await data.failure()).code).to.equal('STORAGE_FAILED')
      await rmdir(unreadable)
      expect((await data.recovered()).suffix).to.have.length(3)
    }
  })

  it('D2: is let go of when it cannot be left tidy, and says so', async () => {
    const store = data.store()
    await store.open()
    await rm(data.file('owner'))
    await mkdir(data.file('owner'))
    expect(await codeOf(store.close())).to.equal('STORAGE_FAILED')
    await rmdir(data.file('owner'))
    expect((await data.failure()).code).to.equal('resolved')
  })

  describe('has one owner', () => {
    it('and tells a second one of this process where the first is', async () => {
      const first = data.store()
      await first.open()
      const { code, message } = await data.failure()
      expect(code).to.equal('DATA_DIR_LOCKED')
      expect(message).to.include(`pid ${process.pid}`).and.include('data-dir.ts')
      await first.close()
      expect((await data.failure()).code).to.equal('resolved')
    })

    it('by whatever name the directory is called', async () => {
      const first = data.store()
      await first.open()
      const alias = `${data.location}-alias`
      await symlink(data.location, alias)
      const second = new LevelStorage({ dataDir: alias, ensemble: 'test', peer: 1 as PeerId })
      expect(await codeOf(second.open())).to.equal('DATA_DIR_LOCKED')
      const relative = path.relative(process.cwd(), data.location)
      const third = new LevelStorage({ dataDir: relative, ensemble: 'test', peer: 1 as PeerId })
      expect(await codeOf(third.open())).to.equal('DATA_DIR_LOCKED')
    })

    it('and lets two that begin at the same time have one winner', async () => {
      const stores = [data.store(), data.store(), data.store()]
      const codes = await Promise.all(stores.map(store => codeOf(store.open())))
      expect(codes.sort()).to.deep.equal(['DATA_DIR_LOCKED', 'DATA_DIR_LOCKED', 'resolved'])
    })

    it('also among processes, and names it', async () => {
      const script = `
        import { LevelStorage } from ${JSON.stringify(new URL('../../../../lib/storage/level/level-storage.ts', import.meta.url).href)}
        const store = new LevelStorage({ dataDir: ${JSON.stringify(data.location)}, ensemble: 'test', peer: 1 })
        await store.open()
        console.log('open')
        setInterval(() => {}, 1000)`
      const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', script])
      try {
        await once(child.stdout, 'data')
        const { code, message } = await data.failure()
        expect(code).to.equal('DATA_DIR_LOCKED')
        expect(message).to.include(`pid ${child.pid}`)
      } finally {
        const gone = once(child, 'exit')
        child.kill('SIGKILL')
        await gone
      }
      expect((await data.failure()).code, 'after its death').to.equal('resolved')
    })
  })
})
