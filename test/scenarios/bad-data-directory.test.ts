/** What a peer gets whose port or data directory is not to be had: issue "What bad input gets". */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { crc32 } from '../../lib/codec/checksum.js'
import { Peer, text } from '../../lib/index.js'
import { ipc } from '../../transports/ipc/index.js'
import { memory, memoryNetwork } from '../../transports/memory/index.js'
import { tcp } from '../../transports/tcp/index.js'
import { contents, leavesNothing, refused } from './refusal.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const index = new URL('../../lib/index.ts', import.meta.url).href

/** A program in another process: its lines of output, one by one. */
function run(program: string): { child: ChildProcess; line: () => Promise<string>; ended: Promise<number | null> } {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, line: async () => (await lines.next()).value as string, ended }
}

describe('bad input: places', () => {
  leavesNothing()
  describe('that are taken or damaged', () => {
    let dataDir: string
    beforeEach(async () => {
      dataDir = await mkdtemp(join(tmpdir(), 'vivarium-bad-input-'))
    })
    afterEach(() => rm(dataDir, { recursive: true, force: true }))

    /** A directory that has been in use: what it holds. */
    const used = async (): Promise<ReturnType<typeof contents>> => {
      await using peer = await Peer.open({ id: 1, dataDir })
      await using zk = await peer.client({ codec: text })
      await zk.create('/a', 'one')
      await zk.create('/a/b', 'two')
      return contents(peer)
    }
    const holds = async (wanted: ReturnType<typeof contents>): Promise<void> => {
      await using peer = await Peer.open({ id: 1, dataDir })
      await peer.serving({ timeout: 5000 })
      expect(contents(peer)).to.deep.equal(wanted)
    }

    it('say PORT_IN_USE, and let go of the data directory', async () => {
      const before = await used()
      const network = memoryNetwork()
      const blocker = createServer()
      await new Promise<void>(resolve => blocker.listen(0, '127.0.0.1', resolve))
      const { port } = blocker.address() as AddressInfo
      const path = join(dataDir, 'socket', '1.sock')
      const members = (own: string) => {
        const like = (n: number) => (own.startsWith('tcp://') ? `tcp://127.0.0.1:${n}` : `${own}${n}`)
        return { 1: own, 2: like(2), 3: like(3) }
      }
      const other = memory({ network, name: 'one' })
      await other.listen(() => {})
      const another = ipc({ path })
      await another.listen(() => {})
      try {
        for (const [transport, place] of [
          [tcp({ port }), String(port)],
          [ipc({ path }), path],
          [memory({ network, name: 'one' }), 'one'],
        ] as const) {
          const taken = { dataDir: join(dataDir, 'data'), transport, members: members(transport.address) }
          expect((await refused(Peer.open({ id: 1, ...taken }), 'PORT_IN_USE')).message).to.include(place)
        }
      } finally {
        await Promise.all([other.close(), another.close()])
        await new Promise(resolve => blocker.close(resolve))
      }
      await rm(join(dataDir, 'socket'), { recursive: true, force: true })
      await (await Peer.open({ id: 1, dataDir: join(dataDir, 'data') })).close()
      await holds(before)
    })

    it('DATA_DIR_LOCKED names the owner in this process, who is not disturbed', async () => {
      await using peer = await Peer.open({ id: 1, dataDir })
      await using zk = await peer.client({ codec: text })
      await zk.create('/a', 'one')
      const before = contents(peer)
      for (const other of [dataDir, `${dataDir}/../${dataDir.slice(dataDir.lastIndexOf('/') + 1)}/`]) {
        const error = await refused(Peer.open({ id: 1, dataDir: other }), 'DATA_DIR_LOCKED')
        expect(error.message).to.include('in this process').and.include(String(process.pid))
        expect(error.message).to.include('bad-data-directory.test')
      }
      expect(contents(peer)).to.deep.equal(before)
      await zk.set('/a', 'two')
    })

    it('DATA_DIR_LOCKED names this process too when both are opened at once', async () => {
      for (let round = 0; round < 3; round += 1) {
        const opened = await Promise.allSettled([1, 2, 3].map(() => Peer.open({ id: 1, dataDir })))
        const messages = opened.flatMap(each => (each.status === 'rejected' ? [(each.reason as Error).message] : []))
        expect(messages).to.have.length(2)
        for (const message of messages)
          expect(message).to.match(/^DATA_DIR_LOCKED: .* in this process \(pid \d+\), by /)
        for (const each of opened) if (each.status === 'fulfilled') await each.value.close()
      }
    })

    it('DATA_DIR_LOCKED names the other process, which goes on and ends by itself', async () => {
      const { child, line, ended } = run(`
        import { Peer, text } from '${index}'
        const peer = await Peer.open({ id: 1, dataDir: ${JSON.stringify(dataDir)} })
        const zk = await peer.client({ codec: text })
        console.log(await zk.create('/a', 'one'))
        process.stdin.once('data', async () => {
          console.log((await zk.set('/a', 'two')).version)
          await peer.close()
          process.stdin.destroy()
        })`)
      expect(await line()).to.equal('/a')
      const error = await refused(Peer.open({ id: 1, dataDir }), 'DATA_DIR_LOCKED')
      expect(error.message).to.include(`pid ${child.pid}`).and.include(dataDir)
      child.stdin!.end('go on\n')
      expect(await line()).to.equal('1')
      expect(await ended).to.equal(0)
      await using peer = await Peer.open({ id: 1, dataDir })
      await using zk = await peer.client({ codec: text })
      expect((await zk.get('/a')).value).to.equal('two')
    })

    it('DATA_TOO_NEW: data of a later format are left as they are', async () => {
      const before = await used()
      const file = join(dataDir, 'identity')
      const original = await readFile(file, 'utf8')
      const signed = original.slice(0, original.lastIndexOf('crc32')).replace('format 1\n', 'format 2\n')
      const newer = `${signed}crc32 ${crc32(Buffer.from(signed)).toString(16).padStart(8, '0')}\n`
      await writeFile(file, newer)
      for (let round = 0; round < 2; round++) {
        const error = await refused(Peer.open({ id: 1, dataDir }), 'DATA_TOO_NEW')
        expect(error.message).to.include('format 2').and.include(file)
      }
      expect(await readFile(file, 'utf8')).to.equal(newer)
      await writeFile(file, original)
      await holds(before)
    })

    it('DATA_CORRUPT: a damaged, emptied or missing identity is neither guessed nor made anew', async () => {
      const before = await used()
      const file = join(dataDir, 'identity')
      const original = await readFile(file)
      const damaged = [0, 30, original.length >> 1, original.length - 2].map(at => {
        const copy = Buffer.from(original)
        copy[at]! ^= 0x10
        return copy
      })
      for (const bytes of [...damaged, Buffer.alloc(0), original.subarray(0, -1), Buffer.from('crc32 00000000\n')]) {
        await writeFile(file, bytes)
        const error = await refused(Peer.open({ id: 1, dataDir }), 'DATA_CORRUPT')
        expect(error.message).to.include(file)
        expect(await readFile(file)).to.deep.equal(bytes)
      }
      await rm(file)
      await refused(Peer.open({ id: 1, dataDir }), 'DATA_CORRUPT')
      await rm(file, { force: true })
      await writeFile(file, original)
      await holds(before)
    })

    it('a directory of another peer or another ensemble is refused, and is not touched', async () => {
      const before = await used()
      await refused(Peer.open({ id: 2, dataDir }), 'ENSEMBLE_MISMATCH')
      await refused(Peer.open({ id: 1, dataDir, ensemble: 'yours' }), 'ENSEMBLE_MISMATCH')
      await holds(before)
    })

    it('what cannot be a data directory is refused with a code too', async () => {
      const file = join(dataDir, 'file')
      await writeFile(file, 'important')
      await refused(Peer.open({ id: 1, dataDir: file }), ['STORAGE_FAILED', 'BAD_OPTIONS'])
      await refused(Peer.open({ id: 1, dataDir: join(file, 'below') }), ['STORAGE_FAILED', 'BAD_OPTIONS'])
      await refused(Peer.open({ id: 1, dataDir }), 'DATA_CORRUPT')
      await refused(Peer.open({ id: 1, dataDir: `/${'a'.repeat(300)}` }), ['STORAGE_FAILED', 'BAD_OPTIONS'])
      expect(await readFile(file, 'utf8')).to.equal('important')
      if (process.getuid?.() === 0) return
      const shut = join(dataDir, 'shut')
      await mkdir(shut)
      await chmod(shut, 0)
      await refused(Peer.open({ id: 1, dataDir: join(shut, 'data') }), 'STORAGE_FAILED')
    })
  })
})
