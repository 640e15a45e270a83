/** The report that changes nothing: each kind of damage is named, weighed as a starting peer would, and left as it was. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Level } from 'level'
import { type FsckReport, fsck } from '../../../lib/cli/fsck.js'
import { Peer } from '../../../lib/compose.js'
import { hasCode } from '../../../lib/model/errors.js'
import type { PeerId } from '../../../lib/model/ids.js'
import { zxid } from '../../../lib/model/zxid.js'
import { groupKey, nodeKey, packsOf } from '../../../lib/storage/level/keys.js'
import { LevelStorage } from '../../../lib/storage/level/level-storage.js'
import { proposals } from '../../compliance/storage-fixtures.js'
import { type DataDir, flipped } from '../storage/level/data-dir.js'
import { fingerprint, makeUsed, usedDirectory } from './data-directories.js'

const goldenOf = (version: string) => fileURLToPath(new URL(`../../golden/${version}/directory`, import.meta.url))
const golden = goldenOf('0.1')
const main = fileURLToPath(new URL('../../../lib/cli/main.ts', import.meta.url))

describe('vivarium fsck', () => {
  const used = usedDirectory()
  const { examiner } = used
  let data: DataDir
  beforeEach(() => {
    data = used.data
  })

  /** And sees that nothing has changed. */
  async function look(): Promise<FsckReport & { readonly text: string }> {
    const before = await fingerprint(data.location)
    const report = await fsck(data.location, examiner)
    expect(await fingerprint(data.location)).to.equal(before)
    return { ...report, text: report.lines.join('\n') }
  }
  const edit = async (file: string, change: (bytes: Buffer) => Uint8Array) =>
    writeFile(file, change(await readFile(file)))
  const startsAlone = async (): Promise<boolean> => {
    const peer = await Peer.open({ id: 1, ensemble: 'shop', dataDir: data.location }).catch(() => undefined)
    await peer?.close()
    return peer !== undefined
  }

  it('finds a closed directory sound, says all that is in it, and changes not one byte', async () => {
    const { verdict, lines } = await look()
    expect(lines.map(line => line.replace(/[0-9a-f]{32}|\d+ bytes|digest \w{16}/, '…'))).to.deep.equal([
      'identity: peer 1 of the ensemble "shop", incarnation …',
      'owner: nobody',
      'mark: 0x20000000c of generation 1, epochs accepted 2, current 2',
      'log: epochs accepted 2, current 2',
      'log: behind 0x0, 24 transactions in 24 groups, …; checksums and chain hold',
      '  epoch 1: 0x100000001 to 0x10000000c',
      '  epoch 2: 0x200000001 to 0x20000000c',
      'tree: checkpoint 1 at 0x10000000c, generation 1: 11 znodes, 0 sessions',
      'tree: …, as saved',
      'last intact: 0x20000000c',
      'verdict: sound',
    ])
    expect(verdict).to.equal('sound')
  })

  it('reads what earlier releases wrote, packs of znodes too, and finds one of those damaged', async () => {
    for (const version of ['0.1', '0.1-packs']) {
      await rm(data.location, { recursive: true })
      await cp(goldenOf(version), data.location, { recursive: true })
      const { verdict, text } = await look()
      expect(verdict, text).to.equal('sound')
      expect(text).to.include('generation 2: 50 znodes, 2 sessions')
    }
    await data.raw('tree', async database => {
      const [[key, value]] = (await database.iterator(packsOf(2)).all()) as [[Buffer, Buffer]]
      await database.put(key, flipped(value, 40))
    })
    const { verdict, text } = await look()
    expect(verdict).to.equal('mendable')
    expect(text).to.match(/the pack of "\/": .*checksum mismatch/)
  })

  it('D9: misses a quota that is not there, by the digest of the system znodes', async () => {
    await rm(data.location, { recursive: true })
    await cp(goldenOf('0.1-system'), data.location, { recursive: true })
    expect((await look()).verdict).to.equal('sound')
    const limits = '/zookeeper/quota/queue/zookeeper_limits'
    await data.raw('tree', async database => {
      expect(await database.get(nodeKey(2, limits)), 'a znode that no pack has').to.not.equal(undefined)
      await database.del(nodeKey(2, limits))
    })
    const { verdict, text } = await look()
    expect(text)
      .to.match(/digest \w{16}, saved as \w{16}/)
      .and.to.include('the tree is not whole')
    expect(verdict).to.equal('mendable')
  })

  it('calls an end that was never promised torn: a start mends it', async () => {
    await data.raw('log', database => database.put(groupKey(1, zxid(2, 13)), Buffer.from('half a group')))
    const { verdict, text } = await look()
    expect(verdict).to.equal('mendable')
    expect(text).to.include('behind 0x20000000c, at 0x20000000d: group: checksum mismatch')
    expect(text)
      .to.include('last intact: 0x20000000c')
      .and.to.match(/behind 0x20000000c .* is torn/)
    expect(await startsAlone()).to.equal(true)
    expect((await look()).verdict).to.equal('sound')
  })

  it('D3: calls what was acknowledged and is unreadable lost, says where, and what is intact behind it', async () => {
    await data.raw('log', async database => {
      const key = groupKey(1, zxid(2, 5))
      await database.put(key, flipped((await database.get(key))!, 20))
    })
    const { verdict, text } = await look()
    expect(verdict).to.equal('mendable')
    expect(text).to.include('  epoch 2: 0x200000001 to 0x200000004')
    expect(text).to.include('log: goes on behind 0x200000005\n  epoch 2: 0x200000006 to 0x20000000c')
    expect(text).to.include('behind 0x200000004, at 0x200000005: group: checksum mismatch')
    expect(text).to.include('last intact: 0x200000004\n')
    expect(text).to.match(/verdict: .* acknowledged up to 0x20000000c, is lost or unreadable; a member of several/)
    expect(await startsAlone()).to.equal(false)
  })

  it('takes what follows the checkpoint for intact when the log is broken before it', async () => {
    await data.raw('log', database => database.del(groupKey(1, zxid(1, 5))))
    const { verdict, text } = await look()
    expect(verdict).to.equal('mendable')
    expect(text)
      .to.include('0x100000006 follows 0x100000005, not 0x100000004')
      .and.to.include('last intact: 0x20000000c')
      .and.to.include('history up to 0x100000005 is damaged, and the tree does without it')
    expect(await startsAlone()).to.equal(true)
    expect((await look()).verdict).to.equal('sound')
  })

  it('D9: names a flipped znode, and misses one that is not there, by the digest', async () => {
    await data.raw('tree', async database => {
      const key = nodeKey(1, '/a3')
      await database.put(key, flipped((await database.get(key))!, 30))
    })
    const flip = await look()
    expect(flip.verdict).to.equal('mendable')
    expect(flip.text).to.match(/znode "\/a3": .*checksum mismatch/)
    // The log still has everything from the first transaction on.
    expect(flip.text).to.include('last intact: 0x20000000c, from the log alone')
    await data.raw('tree', database => database.del(nodeKey(1, '/a3')))
    const missing = await look()
    expect(missing.text)
      .to.match(/digest \w{16}, saved as \w{16}/)
      .and.to.include('the tree is not whole')
    expect(missing.verdict).to.equal('mendable')
    await data.raw('log', database => database.del(groupKey(1, zxid(1, 1))))
    expect((await look()).text).to.include('last intact: nothing')
    expect(await startsAlone()).to.equal(false)
  })

  it('D5: identity and mark decide whether others can repair it', async () => {
    // Of the two, the older half: the newer one knows the last promise.
    await edit(data.file('mark'), mark => {
      const older = mark.readBigUInt64BE(1) < mark.readBigUInt64BE(513) ? 0 : 512
      return Buffer.from(mark).fill(0, older, older + 512)
    })
    const half = await look()
    expect(half.verdict).to.equal('mendable')
    expect(half.text).to.include('one of its halves is damaged')
    await data.raw('log', database => database.clear({ gte: groupKey(1, zxid(2, 1)) }))
    expect((await look()).text).to.match(/verdict: damaged: .*and the epochs are in doubt/)
    await rm(data.file('mark'))
    expect((await look()).text)
      .to.include('mark: missing')
      .and.to.include('verdict: damaged')
    await edit(data.file('identity'), identity => flipped(identity, 30))
    const both = await look()
    expect(both.verdict).to.equal('damaged')
    expect(both.text).to.include('nobody can tell whose data these are')
  })

  it('D8: says which files of LevelDB are missing, and that a database is another directory’s', async () => {
    await rename(data.file('tree'), data.file('kept'))
    expect((await look()).text)
      .to.include('tree: missing')
      .and.to.include('tree cannot be opened')
    const other = join(used.root, 'other')
    await makeUsed(other, 'other')
    await cp(join(other, 'tree'), data.file('tree'), { recursive: true })
    const foreign = await look()
    expect(foreign.verdict).to.equal('damaged')
    expect(foreign.text).to.include('tree: comes from another data directory')
    await rm(other, { recursive: true })
    await rm(data.file('tree'), { recursive: true })
    await rename(data.file('kept'), data.file('tree'))

    const tables = (await readdir(data.file('log'))).filter(name => name.endsWith('.ldb'))
    expect(tables).to.not.deep.equal([])
    for (const name of tables) await rename(data.file('log', name), data.file(name))
    const missing = await look()
    expect(missing.verdict).to.equal('mendable')
    expect(missing.text).to.match(/log: .*missing files.* log\/\d+\.ldb/)
    expect(missing.text).to.include(`besides: ${tables[0]}`)
    await rm(data.file('log', 'CURRENT'))
    expect((await look()).text).to.include('log: its file CURRENT is missing')
  })

  it('leaves the tables alone when LevelDB, over a MANIFEST that was cut, would write over them', async () => {
    await rm(data.location, { recursive: true })
    await mkdir(data.location)
    const database = new Level<Buffer, Buffer>(data.file('log'), { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    await database.open({ writeBufferSize: 64 * 1024 })
    for (let n = 0; n < 400; n++) await database.put(Buffer.from(`key ${n}`), randomBytes(500))
    await database.close()
    const manifest = (await readdir(data.file('log'))).find(name => name.startsWith('MANIFEST'))!
    const { length } = await readFile(data.file('log', manifest))
    for (let cut = length - 1; cut > 20; cut -= Math.ceil(length / 10)) {
      await truncate(data.file('log', manifest), cut)
      await look()
    }
  })

  it('takes back, on its copy, a MANIFEST that a power cut has left ahead of its tables, as a start does', async () => {
    const names = async (end: RegExp) => (await readdir(data.file('log'))).filter(name => end.test(name))
    const place = { dataDir: data.location, ensemble: 'shop', peer: 1 as PeerId }
    const storage = new LevelStorage({ ...place, writeBufferBytes: 64 * 1024 })
    await storage.open()
    const tables = await names(/\.ldb$/)
    const append = (counter: number) => storage.append(proposals(zxid(2, counter), 2, 1, 4000))
    for (let counter = 12; counter < 16; counter++) await append(counter)
    const [log, mark] = [join(used.root, 'kept log'), await readFile(data.file('mark'))]
    await cp(data.file('log'), log, { recursive: true })
    for (let counter = 16; (await names(/\.ldb$/)).length === tables.length; counter++) await append(counter)
    const [manifest] = await names(/^MANIFEST/)
    await cp(data.file('log', manifest!), join(log, manifest!))
    await storage.close()
    await rm(data.file('log'), { recursive: true })
    await rename(log, data.file('log'))
    await writeFile(data.file('mark'), mark)
    const { verdict, text } = await look()
    expect(verdict).to.equal('mendable')
    expect(text).to.include('left the MANIFEST of log ahead of its tables').and.to.include('last intact: 0x200000010')
    expect(await startsAlone()).to.equal(true)
    expect((await look()).verdict).to.equal('sound')
  })

  it('tells of side areas: a checkpoint to be carried over, what is void, a first start, a repair', async () => {
    await data.raw('tree', database => database.put(nodeKey(2, '/void'), Buffer.from('x')))
    await writeFile(data.file('owner'), '{"pid":1}')
    const { verdict, text } = await look()
    expect(verdict).to.equal('sound')
    expect(text).to.include('tree: 1 void entries').and.to.include('owner: nobody now; not closed by {"pid":1}')

    await data.raw('log', database => database.clear({ gte: groupKey(1, zxid(2, 1)) }))
    const storage = new LevelStorage({ dataDir: data.location, ensemble: 'shop', peer: 1 as PeerId })
    await storage.beginRepair(await storage.open().catch((error: unknown) => error))
    await storage.close()
    const repairing = await look()
    expect(repairing.verdict).to.equal('mendable')
    expect(repairing.text).to.include('damaged/: being repaired: ')
    expect(repairing.text).to.include('damaged/log: behind 0x0').and.to.include('last intact: 0x10000000c')
    await rm(data.file('damaged', 'ready'))
    expect((await look()).text).to.include('damaged/: setting aside was begun')

    await rm(data.location, { recursive: true })
    await mkdir(data.location)
    await writeFile(data.file('first-start'), '')
    const begun = await look()
    expect(begun.verdict).to.equal('mendable')
    expect(begun.text).to.include('a first start that was broken off')
  })

  it('reports a table over which LevelDB ends the process, and goes on with the rest', async () => {
    await rm(data.location, { recursive: true })
    await cp(golden, data.location, { recursive: true })
    await edit(data.file('log', '000005.ldb'), table => flipped(table, table.length - 61, 0x40))
    const { verdict, text } = await look()
    expect(verdict).to.equal('mendable')
    expect(text).to.include('log/000005.ldb: the block at byte')
    expect(text).to.match(/log: LevelDB ended the process that read it \(SIGABRT\): Assertion/)
    expect(text).to.include('generation 2: 50 znodes').and.to.include('last intact: 0x200000020')
  })

  it('refuses what a peer has open, in this process or another, and does not disturb it', async () => {
    const peer = await Peer.open({ id: 1, ensemble: 'shop', dataDir: data.location })
    const zk = await peer.client()
    const refused = async (): Promise<Error> => {
      const error = await fsck(data.location, examiner).catch((reason: unknown) => reason)
      expect(hasCode(error, 'DATA_DIR_LOCKED'), String(error)).to.equal(true)
      return error as Error
    }
    expect((await refused()).message).to.include('in this process')
    const [code] = await command('fsck', data.location)
    expect(code).to.equal(75)
    await zk.create('/still')
    await zk.close()
    await peer.close()
    expect((await look()).verdict).to.equal('sound')
  })

  it('is a command with endings of its own, and leaves nothing in the temporary folder', async () => {
    const scratch = join(used.root, 'scratch')
    await mkdir(scratch)
    const env = { ...process.env, TMPDIR: scratch }
    await rm(data.file('identity'))
    const [code, output] = await command('fsck', data.location, env)
    expect(code).to.equal(2)
    expect(output).to.include('identity: missing').and.to.include('verdict: damaged')
    expect((await readdir(scratch)).filter(name => name.startsWith('vivarium'))).to.deep.equal([])
    expect((await command('fsck', scratch))[0]).to.equal(64)
  })

  async function command(...words: (string | NodeJS.ProcessEnv)[]): Promise<readonly [code: number | null, string]> {
    const env = words.find(word => typeof word === 'object') ?? process.env
    const args = words.filter(word => typeof word === 'string')
    const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', chunk => {
      output += chunk
    })
    const [code] = await once(child, 'close')
    return [code as number | null, output]
  }
})
