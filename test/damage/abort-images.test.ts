/**
 * Images over which LevelDB ends its process: a page of a table is zeroed, and an assertion fails, in the background even. The store must have found
 * them before LevelDB sees them. Each is opened in a process of its own, once by LevelDB alone, to see that the image is still such a one.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, open, readdir, stat } from 'node:fs/promises'
import { expect } from 'chai'
import { ZERO, zxid } from '../../lib/model/zxid.js'
import { SeededRandom } from '../../lib/testing/seeded-random.js'
import { changes, codeOf, proposals, znode } from '../compliance/storage-fixtures.js'
import { DataDir } from '../unit/storage/level/data-dir.js'

const PAGE = 4096

describe('a table over which LevelDB ends the process', function () {
  this.timeout(60_000)
  let data: DataDir
  let images: { readonly place: DataDir; readonly file: string }[]

  before(async () => {
    data = await DataDir.make()
    const random = new SeededRandom(11, 'abort images')
    const noise = () => new Uint8Array(300).map(() => random.below(256))
    await data.with(async storage => {
      await storage.append(proposals(ZERO, 1, 3))
      await storage.checkpoint(
        changes(
          zxid(1, 2),
          Array.from({ length: 120 }, (_, n) => [`/n${n}`, { ...znode(n), data: noise() }] as const),
        ),
      )
    })
    // From write-ahead files to tables.
    await data.recovered()
    const names = (await readdir(data.file('tree'))).filter(name => name.endsWith('.ldb'))
    images = []
    for (const name of names) {
      const { size } = await stat(data.file('tree', name))
      for (let at = 0; at < size && images.length < 9; at += PAGE) {
        const place = await data.copy()
        const file = place.file('tree', name)
        const handle = await open(file, 'r+')
        await handle.write(Buffer.alloc(Math.min(PAGE, size - at)), 0, undefined, at)
        await handle.close()
        images.push({ place, file })
      }
    }
  })
  after(async () => {
    for (const { place } of [...images, { place: data }]) await place.destroy()
  })

  it('is found damaged before LevelDB sees it, and is repaired by the others', async () => {
    expect(images).to.have.length(9)
    let deadly = 0
    for (const { place, file } of images) {
      // One is enough to show what they are; a process takes its time.
      if (deadly === 0 && (await endOf(place.file('tree'))) === 'SIGABRT') deadly++
      const { code, message } = await place.failure()
      expect(code).to.equal('DATA_CORRUPT')
      expect(message).to.include(file)
      const store = place.store()
      const damage = await store.open().catch((error: unknown) => error)
      expect((await store.beginRepair(damage)).damage?.reason).to.include(file)
      await store.close()
      expect(await codeOf(place.recovered())).to.equal('resolved')
    }
    expect(deadly, 'images that LevelDB does not survive').to.be.greaterThan(0)
  })
})

/** How a process ends that has LevelDB itself read a copy of the database. */
async function endOf(location: string): Promise<string> {
  const copy = `${location} for LevelDB`
  await cp(location, copy, { recursive: true })
  const level = new URL('../../node_modules/level/index.js', import.meta.url).href
  const script = `
    import { Level } from ${JSON.stringify(level)}
    const database = new Level(${JSON.stringify(copy)}, { valueEncoding: 'buffer' })
    await database.open()
    for (const key of ['C', 'I', 'N', 'S']) for await (const _ of database.values({ gte: key }));`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' })
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  return signal ?? String(code)
}
