import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { Level } from 'level'
import { WriteAheadNames } from '../../../../lib/storage/level/write-ahead-names.js'
import { codeOf } from '../../../compliance/storage-fixtures.js'
import { Chance } from '../../../crash/chance.js'

describe('names of write-ahead files', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'write-ahead-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  async function newest(): Promise<number> {
    const names = (await readdir(directory)).filter(name => name.endsWith('.log'))
    return Math.max(...names.map(name => Number.parseInt(name, 10)))
  }

  for (const [what, sizes] of [
    ['empty', [0]],
    ['small', [200]],
    ['just small', [850]],
    ['just large', [1100]],
    ['large', [30_000]],
    ['of all sizes', [0, 10, 700, 830, 990, 1010, 5000]],
  ] as const) {
    it(`D3: are durable before the first write to a new file counts, with entries ${what}`, async () => {
      const bufferBytes = 64 * 1024
      const database = new Level<string, Buffer>(directory, { valueEncoding: 'buffer' })
      await database.open({ writeBufferSize: bufferBytes })
      const names = await WriteAheadNames.open(directory, bufferBytes)
      const chance = new Chance(sizes[0])
      const files = new Set<number>()
      for (let n = 0; files.size < 5; n++) {
        const batch = database.batch()
        let room = 0
        for (let at = chance.between(1, 30); at > 0; at--) {
          const [key, value] = [`key ${n} ${at}`, Buffer.alloc(chance.pick(sizes))]
          batch.put(key, value)
          room += WriteAheadNames.roomOf(key.length + value.length)
        }
        await names.around(room, () => batch.write())
        files.add(await newest())
        expect(names.newest, `after batch ${n}`).to.equal(Math.max(...files))
      }
      await database.close()
    })
  }

  it('are looked for only when the buffer may be full, and a failure to do so stays', async () => {
    const names = await WriteAheadNames.open(directory, 1024 * 1024)
    await rm(directory, { recursive: true })
    const write = () => names.around(10_000, () => Promise.resolve())
    for (let n = 0; n < 103; n++) await write()
    expect(await codeOf(write())).to.equal('ENOENT')
    expect(await codeOf(write())).to.equal('ENOENT')
  })
})
