/** The offline way out of a lost majority: nothing lost that was not named, and wherever it breaks off, nothing lost at all. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs, { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { fsck } from '../../../lib/cli/fsck.js'
import { inspect } from '../../../lib/cli/inspect.js'
import { recover } from '../../../lib/cli/recover.js'
import { Peer } from '../../../lib/compose.js'
import { hasCode } from '../../../lib/model/errors.js'
import type { PeerId } from '../../../lib/model/ids.js'
import { zxid } from '../../../lib/model/zxid.js'
import { groupKey, nodeKey } from '../../../lib/storage/level/keys.js'
import { LevelStorage } from '../../../lib/storage/level/level-storage.js'
import { DataDir, flipped, type Pass } from '../storage/level/data-dir.js'
import { fingerprint, usedDirectory, write } from './data-directories.js'

const LAST = '0x20000000c'

describe('vivarium recover', () => {
  const used = usedDirectory()
  const { examiner } = used
  let data: DataDir
  beforeEach(() => {
    data = used.data
  })

  async function run(acceptLossAfter = LAST, ensemble = 'shop-2', yes = true, directory = data.location) {
    const lines: string[] = []
    for await (const line of recover(directory, { acceptLossAfter, ensemble, yes }, examiner)) lines.push(line)
    return lines.join('\n')
  }
  /** And sees that nothing has changed. */
  async function refused(code: string, ...words: Parameters<typeof run>): Promise<string> {
    const before = await fingerprint(data.location)
    const error = await run(...words).catch((reason: unknown) => reason)
    expect(error).to.have.property('code', code)
    expect(contentOf(await fingerprint(data.location))).to.equal(contentOf(before))
    return (error as Error).message
  }
  /** The znodes that a peer serves from there. */
  async function served(ensemble: string, directory = data.location): Promise<readonly string[]> {
    const peer = await Peer.open({ id: 1, ensemble, dataDir: directory })
    try {
      await peer.serving({ timeout: 10_000 })
      return [...peer.view.children('/')!].filter(name => name !== 'zookeeper').sort()
    } finally {
      await peer.close()
    }
  }
  const all = ['a', 'b'].flatMap(prefix => Array.from({ length: 10 }, (_, n) => `${prefix}${n}`))

  it('makes the directory the beginning of a new ensemble, with everything in it, and keeps what was there', async () => {
    const before = await fingerprint(data.location)
    const said = await run()
    expect(said).to.include('everything up to 0x20000000c').and.to.include('done: the ensemble "shop-2" begins')
    const storage = new LevelStorage({ dataDir: data.location, ensemble: 'shop-2', peer: 1 as PeerId })
    const { identity, epochs, image, history } = await storage.open()
    await storage.close()
    expect(epochs).to.deep.equal({ accepted: 2, current: 0, origin: true })
    expect(image.zxid).to.deep.equal(zxid(1, 12))
    expect(history.base).to.deep.equal(zxid(1, 12))
    const old = await readFile(join(used.original, 'identity'), 'utf8')
    expect(old).to.not.include(identity.incarnation)
    expect(await served('shop-2')).to.deep.equal(all)

    const [backup] = (await readdir(data.location)).filter(name => name.startsWith('before-recovery-'))
    expect(backup).to.match(/^before-recovery-\d{8}T\d{6}Z$/)
    expect(contentOf(await fingerprint(data.file(backup!)))).to.equal(contentOf(before))
    const record = await readFile(data.file('recovered'), 'utf8')
    expect(record).to.match(/^recovered \S+Z by vivarium \d+\.\d+\.\d+\npeer 1\nfrom ensemble "shop", incarnation /)
    expect(record).to.include(
      `\nto ensemble "shop-2", incarnation ${identity.incarnation}\naccepted as the end ${LAST}\n`,
    )
    expect(record).to.include('  last intact: 0x20000000c\n  verdict: sound\n')
    expect(await readdir(data.location)).to.not.include('recovering')
  })

  it('is a directory that peer, inspect and fsck take like any other, under the new name only', async () => {
    await run()
    const refusal = await Peer.open({ id: 1, ensemble: 'shop', dataDir: data.location }).catch(
      (error: unknown) => error,
    )
    expect(hasCode(refusal, 'ENSEMBLE_MISMATCH')).to.equal(true)
    const lines: string[] = []
    for await (const line of inspect(data.location, { log: false })) lines.push(line)
    expect(lines[0]).to.match(/^peer 1 of the ensemble "shop-2"/)
    const { verdict, lines: found } = await fsck(data.location, examiner)
    expect(verdict, found.join('\n')).to.equal('sound')
    expect(found.join('\n')).to.include('log: epochs accepted 2, current 0, the origin of its ensemble')
    expect(found.join('\n')).to.include('recovered: it has been made the beginning of another ensemble')
  })

  it('does nothing without --yes but say what it would do', async () => {
    const before = await fingerprint(data.location)
    expect(await run(LAST, 'shop-2', false))
      .to.include('given up')
      .and.to.include('nothing has been changed: --yes')
    expect(await fingerprint(data.location)).to.equal(before)
  })

  it('refuses any zxid but the last that is intact, and says which that is', async () => {
    for (const other of ['0x20000000b', '0x20000000d', '0x0', '0xffffffffffffffff']) {
      expect(await refused('BAD_ARGUMENTS', other)).to.include(
        'the last transaction that is intact here is 0x20000000c',
      )
    }
    for (const nonsense of ['', '12', '0x', '0x12345678901234567', 'last']) await refused('BAD_ARGUMENTS', nonsense)
  })

  it('is a command that needs both, and ends with 1 when it refuses', async () => {
    const main = fileURLToPath(new URL('../../../lib/cli/main.ts', import.meta.url))
    const endOf = async (...words: string[]): Promise<unknown> => {
      const child = spawn(process.execPath, ['--import', 'tsx', main, 'recover', data.location, ...words])
      return (await once(child, 'close'))[0]
    }
    const [incomplete, wrong] = await Promise.all([
      endOf('--accept-loss-after', LAST, '--yes'),
      endOf('--accept-loss-after', '0x1', '--ensemble', 'shop-2', '--yes'),
    ])
    expect({ incomplete, wrong }).to.deep.equal({ incomplete: 64, wrong: 1 })
  })

  it('refuses a name that these data ever had', async () => {
    await refused('BAD_ARGUMENTS', LAST, 'shop')
    await refused('BAD_ARGUMENTS', LAST, '')
    await refused('BAD_ARGUMENTS', LAST, 'x'.repeat(256))
    await run()
    expect(await refused('BAD_ARGUMENTS', LAST, 'shop-2')).to.include('must not be called "shop-2"')
    expect(await refused('BAD_ARGUMENTS', LAST, 'shop')).to.include('must not be called "shop"')
    await run(LAST, 'shop-3')
    expect((await readFile(data.file('recovered'), 'utf8')).match(/^recovered /gm)).to.have.length(2)
    expect((await readdir(data.location)).filter(name => name.startsWith('before-recovery-'))).to.have.length(2)
    await refused('BAD_ARGUMENTS', LAST, 'shop')
    expect(await served('shop-3')).to.deep.equal(all)
  })

  it('has the directory to itself also where nobody has locked it before', async () => {
    for (const name of ['lock', join('log', 'LOCK'), join('tree', 'LOCK')]) {
      await rm(data.file(name), { recursive: true, force: true })
    }
    const main = fileURLToPath(new URL('../../../lib/cli/main.ts', import.meta.url))
    const under = recover(data.location, { acceptLossAfter: LAST, ensemble: 'shop-2', yes: true }, examiner)
    await under.next()
    const other = spawn(process.execPath, ['--import', 'tsx', main, 'fsck', data.location])
    expect((await once(other, 'close'))[0]).to.equal(75)
    for await (const _ of under);
    expect(await served('shop-2')).to.deep.equal(all)
  })

  it('D3: a lone member whose log is damaged is cut at its last intact transaction', async () => {
    await data.raw('log', async database => {
      const key = groupKey(1, zxid(2, 5))
      await database.put(key, flipped((await database.get(key))!, 20))
    })
    const alone = await Peer.open({ id: 1, ensemble: 'shop', dataDir: data.location }).catch((error: unknown) => error)
    expect(hasCode(alone, 'DATA_CORRUPT')).to.equal(true)
    expect(await refused('BAD_ARGUMENTS', LAST)).to.include('0x200000004')
    await run('0x200000004')
    expect(await served('shop-2')).to.deep.equal([...all.slice(0, 10), 'b0', 'b1', 'b2'])
  })

  it('plays the whole log from its first transaction when the tree is damaged, and else refuses', async () => {
    await data.raw('tree', async database => {
      const key = nodeKey(1, '/a3')
      await database.put(key, flipped((await database.get(key))!, 30))
    })
    const copy = join(used.root, 'copy')
    await cp(data.location, copy, { recursive: true })
    await rm(data.file('mark'))
    await run()
    expect(await served('shop-2')).to.deep.equal(all)
    await new DataDir(copy).raw('log', database => database.del(groupKey(1, zxid(1, 1))))
    const error = await run(LAST, 'shop-2', true, copy).catch((reason: unknown) => reason)
    expect(error).to.have.property('code', 'DATA_CORRUPT')
    expect(String(error)).to.include('no state is whole here')
    await rm(copy, { recursive: true })
  })

  it('takes what was set aside as damaged when a repair found nobody to repair it', async () => {
    await data.raw('log', database => database.clear({ gte: groupKey(1, zxid(2, 6)) }))
    const storage = new LevelStorage({ dataDir: data.location, ensemble: 'shop', peer: 1 as PeerId })
    await storage.beginRepair(await storage.open().catch((error: unknown) => error))
    await storage.close()
    expect(await refused('BAD_ARGUMENTS', '0x1')).to.include('0x200000005 (damaged/log)')
    await run('0x200000005')
    expect(await served('shop-2')).to.deep.equal([...all.slice(0, 10), 'b0', 'b1', 'b2', 'b3'])
    expect(await readdir(data.location)).to.not.include('damaged')
  })

  it('refuses an identity that cannot be read, a peer that runs, and what is no data directory', async () => {
    const peer = await Peer.open({ id: 1, ensemble: 'shop', dataDir: data.location })
    await peer.serving({ timeout: 10_000 })
    const locked = await run().catch((error: unknown) => error)
    expect(hasCode(locked, 'DATA_DIR_LOCKED')).to.equal(true)
    expect(peer.status.serving).to.equal(true)
    await peer.close()
    await writeFile(data.file('identity'), 'x')
    await refused('DATA_CORRUPT')
    for (const other of ['none', '.']) {
      const none = await run(LAST, 'shop-2', true, join(used.root, other)).catch((error: unknown) => error)
      expect(hasCode(none, 'BAD_ARGUMENTS')).to.equal(true)
    }
    expect(await readdir(used.root)).to.not.include('lock')
  })

  it('wherever it breaks off, a peer starts from the old contents, or the same command carries on', async function () {
    this.timeout(60_000)
    const cuts: { readonly what: string; readonly copy: string }[] = []
    const inside = (name: unknown) => typeof name === 'string' && name.startsWith(data.location)
    await beforeEachMove(
      async (call, names) => {
        if (!names.some(inside)) return
        const what = `${call} ${names
          .filter(inside)
          .map(name => relative(data.location, String(name)))
          .join(' → ')}`
        // What the new directory is made of inside of its own folder is nobody's yet.
        if (/recovering\/new\/./.test(what) && !what.includes(' → ')) return
        const copy = join(used.root, `cut ${cuts.length}`)
        await cp(data.location, copy, { recursive: true })
        cuts.push({ what, copy })
      },
      () => run(),
    )
    const seen = { old: 0, late: 0, carriedOn: 0, done: 0 }
    for (const { what, copy } of cuts) {
      const names = await readdir(copy)
      if (names.includes('identity')) {
        const { ensemble } = await identityIn(copy)
        if (ensemble === 'shop') {
          // The old contents, as they were, and the recovery can be begun again.
          const again = join(used.root, 'again')
          await cp(copy, again, { recursive: true })
          expect(await served('shop', again), what).to.deep.equal(all)
          if ((await readdir(join(again, 'recovering')).catch((): string[] => [])).includes('plan')) {
            // Made of what was there then: not to be carried on after the peer has gone on.
            await write(again, 'shop', 'c')
            const late = await run(LAST, 'shop-2', true, again).catch((error: unknown) => error)
            expect(late, what).to.have.property('code', 'BAD_ARGUMENTS')
            seen.late++
          }
          await rm(again, { recursive: true })
          seen.old++
        } else seen.done++
      } else {
        const refusal = await Peer.open({ id: 1, ensemble: 'shop', dataDir: copy }).catch((error: unknown) => error)
        expect(hasCode(refusal, 'DATA_CORRUPT'), what).to.equal(true)
        expect(String(refusal), what).to.include('vivarium recover')
        const other = await run(LAST, 'another', true, copy).catch((error: unknown) => error)
        expect(other, what).to.have.property('code', 'BAD_ARGUMENTS')
        seen.carriedOn++
      }
      await run(LAST, 'shop-2', true, copy)
      // Begun again from untouched contents it is the first run once more.
      if (!names.includes('identity')) expect(await served('shop-2', copy), what).to.deep.equal(all)
      expect(await readdir(copy), what).to.not.include('recovering')
      expect((await readFile(join(copy, 'recovered'), 'utf8')).match(/^recovered /gm), what).to.have.length(1)
      await rm(copy, { recursive: true })
    }
    expect(seen.old).to.be.at.least(2)
    expect(seen.late).to.be.at.least(1)
    expect(seen.carriedOn).to.be.at.least(7)
    expect(seen.done).to.be.at.least(1)
  })
})

function contentOf(print: string): string {
  // Without times, and without the lock, which stays where it is.
  return print
    .split('\n')
    .map(line => line.replace(/^(.*) \d+ \d+ \d+ (\S+)$/, '$1 $2'))
    .filter(line => !/^(\. |lock[ /])/.test(line))
    .join('\n')
}

async function identityIn(directory: string): Promise<{ ensemble: string }> {
  const found = /^ensemble "(.*)"$/m.exec(await readFile(join(directory, 'identity'), 'utf8'))
  return { ensemble: found![1]! }
}

/** Every call that moves, makes or removes a name, while `work` goes on. */
async function beforeEachMove(
  before: (call: string, names: readonly unknown[]) => Promise<void>,
  work: () => Promise<unknown>,
): Promise<void> {
  const watched = ['rename', 'rm', 'mkdir', 'open'] as const
  const originals = watched.map(name => fs[name] as Pass)
  let busy = false
  for (const [at, name] of watched.entries()) {
    Object.assign(fs, {
      [name]: async (...args: unknown[]) => {
        if (!busy && (name !== 'open' || args[1] === 'w')) {
          busy = true
          await before(name, args.slice(0, 2))
          busy = false
        }
        return originals[at]!(...args)
      },
    })
  }
  syncBuiltinESMExports()
  try {
    await work()
  } finally {
    for (const [at, name] of watched.entries()) Object.assign(fs, { [name]: originals[at] })
    syncBuiltinESMExports()
  }
}
