import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { Level } from 'level'
import { crc32c, maskedCrc32c, viewOf } from '../../../../lib/storage/level/crc32c.js'
import { uncompress } from '../../../../lib/storage/level/snappy.js'
import { checkTables, takeBackTornEdit } from '../../../../lib/storage/level/table-check.js'
import { SeededRandom } from '../../../../lib/testing/seeded-random.js'
import { flipped } from './data-dir.js'

describe('CRC32C', () => {
  it('is that of the standard', () => {
    // RFC 3720, B.4
    const sums: [Buffer, number][] = [
      [Buffer.from('123456789'), 0xe3069283],
      [Buffer.alloc(32), 0x8a9136aa],
      [Buffer.alloc(32, 0xff), 0x62a8ab43],
      [Buffer.from(Array.from({ length: 32 }, (_, n) => n)), 0x46dd794e],
      [Buffer.from(Array.from({ length: 32 }, (_, n) => 31 - n)), 0x113fdb5c],
    ]
    for (const [bytes, sum] of sums) expect(crc32c(viewOf(bytes), 0, bytes.length)).to.equal(sum)
  })

  it('is the same wherever the bytes lie', () => {
    const bytes = Buffer.from(Array.from({ length: 100 }, (_, n) => (n * 37) & 0xff))
    for (let length = 0; length < 60; length++) {
      const alone = Buffer.from(bytes.subarray(7, 7 + length))
      expect(crc32c(viewOf(bytes), 7, 7 + length)).to.equal(crc32c(viewOf(alone), 0, length))
    }
  })
})

describe('Snappy', () => {
  type Element = { readonly literal: Uint8Array } | { readonly back: number; readonly size: number }
  const element: fc.Arbitrary<Element> = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 400 }).map(literal => ({ literal })),
    fc.record({ back: fc.integer({ min: 1, max: 70_000 }), size: fc.integer({ min: 1, max: 64 }) }),
  )
  const little = (value: number, bytes: number) => Array.from({ length: bytes }, (_, n) => (value >>> (8 * n)) & 0xff)

  /** Each element in one of its forms; copies that reach too far are left out. */
  function compress(elements: readonly Element[], form: number): { input: Uint8Array; output: number[] } {
    const output: number[] = []
    const body: number[] = []
    for (const each of elements) {
      if ('literal' in each) {
        const more = each.literal.length - 1
        if (more < 60) body.push(more << 2, ...each.literal)
        else {
          const bytes = form === 0 && more < 256 ? 1 : form === 1 ? 2 : form === 2 ? 3 : 4
          body.push((59 + bytes) << 2, ...little(more, bytes), ...each.literal)
        }
        output.push(...each.literal)
      } else if (each.back <= output.length) {
        const { back, size } = each
        if (form === 0 && back < 2048 && size >= 4 && size < 12)
          body.push(((back >> 8) << 5) | ((size - 4) << 2) | 1, back & 0xff)
        else if (form < 2 && back < 65_536) body.push(((size - 1) << 2) | 2, ...little(back, 2))
        else body.push(((size - 1) << 2) | 3, ...little(back, 4))
        for (let n = 0; n < size; n++) output.push(output[output.length - back]!)
      }
    }
    const length: number[] = []
    for (let rest = output.length; ; rest >>>= 7) {
      length.push(rest < 0x80 ? rest : (rest & 0x7f) | 0x80)
      if (rest < 0x80) break
    }
    return { input: Uint8Array.from([...length, ...body]), output }
  }

  it('gives back what was compressed, in every form of its elements', () => {
    fc.assert(
      fc.property(fc.array(element, { maxLength: 30 }), fc.integer({ min: 0, max: 3 }), (elements, form) => {
        const { input, output } = compress(elements, form)
        expect([...uncompress(input, output.length)!]).to.deep.equal(output)
        if (output.length > 0) expect(uncompress(input, output.length - 1)).to.equal(undefined)
        for (const cut of [1, 2, input.length >> 1]) {
          if (cut < input.length) expect(uncompress(input.subarray(0, -cut), 1 << 20)).to.equal(undefined)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('takes any bytes without an exception, and writes no more than it may', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        expect(uncompress(bytes, 1000)?.length ?? 0).to.be.at.most(1000)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('the check of LevelDB files', () => {
  const random = new SeededRandom(7, 'tables')
  let root: string
  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'table-check-'))
  })
  after(() => rm(root, { recursive: true }))

  async function make(name: string, options: { compression?: boolean; blockSize?: number }, entries = 400) {
    const location = path.join(root, name)
    const database = new Level<string, string>(location)
    await database.open({ writeBufferSize: 64 * 1024, ...options })
    const noise = Array.from({ length: 4000 }, () => random.below(36).toString(36)).join('')
    for (let n = 0; n < entries; n++) {
      const at = random.below(3000)
      await database.put(`/a/common/prefix/${n % 200}`, noise.slice(at, at + random.below(1000)))
    }
    await database.close()
    return location
  }
  const filesOf = async (location: string, what: RegExp) =>
    (await readdir(location)).filter(name => what.test(name)).map(name => path.join(location, name))

  for (const [name, options] of Object.entries({
    plain: { compression: false },
    // So many blocks that the index is worth compressing.
    compressed: { compression: true, blockSize: 256 },
  })) {
    it(`passes what LevelDB has written, ${name}`, async () => {
      const location = await make(`intact ${name}`, options, 1000)
      expect((await filesOf(location, /\.ldb$/)).length).to.be.greaterThan(1)
      expect(await checkTables(location)).to.deep.equal([])
    })

    it(`D9: finds a flipped bit in any byte of a table, ${name}`, async () => {
      const location = await make(`flipped ${name}`, options)
      const [file] = await filesOf(location, /\.ldb$/)
      const intact = await readFile(file!)
      for (let at = 0; at < intact.length; at = at < intact.length - 3000 ? at + 1997 : at + 17) {
        await writeFile(file!, flipped(intact, at, 1 << (at % 8)))
        expect(await checkTables(location), `byte ${at} of ${intact.length}`).to.have.length(1)
      }
      for (let at = intact.length - 48; at < intact.length; at++) {
        await writeFile(file!, flipped(intact, at, 1 << (at % 8)))
        expect(await checkTables(location), `byte ${at} of ${intact.length}`).to.have.length(1)
      }
    })
  }

  it('finds a table that is missing, cut, longer, zeroed or another', async () => {
    const location = await make('tables', {})
    const files = await filesOf(location, /\.ldb$/)
    const intact = await readFile(files[0]!)
    const found = async () =>
      (await checkTables(location)).map(({ file, why }) => `${path.relative(location, file)}: ${why}`)
    await rm(files[0]!)
    expect((await found()).join()).to.match(/\.ldb: it is missing/)
    for (const wrong of [
      Buffer.alloc(0),
      intact.subarray(0, -1),
      intact.subarray(0, 40),
      Buffer.concat([intact, Buffer.alloc(1)]),
      Buffer.alloc(intact.length),
      Buffer.concat([Buffer.alloc(4096), intact.subarray(4096)]),
    ]) {
      await writeFile(files[0]!, wrong)
      expect(await found()).to.have.length(1)
    }
    await writeFile(files[0]!, intact)
    expect(await found()).to.deep.equal([])
  })

  it('finds a damaged CURRENT or MANIFEST, but passes over a record torn at the end, as LevelDB does', async () => {
    const location = await make('manifest', {})
    const [current] = await filesOf(location, /^CURRENT$/)
    const [manifest] = await filesOf(location, /^MANIFEST/)
    const intact = await readFile(manifest!)
    const { size } = await stat(manifest!)
    // The length in the header of the last record is where a crash can have torn it.
    for (let at = 0; at < size; at += 6) {
      await writeFile(manifest!, flipped(intact, at, 0x10))
      const opened = await opens(location)
      if ((await checkTables(location)).length === 0) expect(opened, `byte ${at}`).to.equal(true)
    }
    await writeFile(manifest!, flipped(intact, 20))
    expect((await checkTables(location))[0]!.why).to.match(/does not have its checksum/)
    await writeFile(manifest!, intact.subarray(0, 30))
    expect((await checkTables(location))[0]!.why).to.match(/first record is missing/)
    await writeFile(manifest!, Buffer.concat([intact, Buffer.from([1, 2, 3, 4, 200, 0, 1, 5])]))
    expect(await checkTables(location), 'torn').to.deep.equal([])
    await writeFile(manifest!, Buffer.concat([intact, Buffer.alloc(5000)]))
    expect(await checkTables(location), 'zeros').to.deep.equal([])
    await writeFile(manifest!, Buffer.concat([Buffer.alloc(40_000), intact]))
    expect(await checkTables(location), 'zeros in front').to.have.length(1)
    await writeFile(manifest!, intact)
    await truncate(current!, 5)
    expect((await checkTables(location))[0]!.why).to.match(/names no MANIFEST/)
    await rm(current!)
    expect((await checkTables(location))[0]!.why).to.match(/is missing/)
  })

  describe('a table that the last record of the MANIFEST names and that is not there', () => {
    const entry = (n: number) => [`/n${n}`, 'x'.repeat(1000)] as const

    /** A database whose first write-ahead file has become a table, and what it was right before. */
    async function made(name: string) {
      const location = path.join(root, name)
      const database = new Level<string, string>(location)
      await database.open({ writeBufferSize: 64 * 1024 })
      for (let n = 0; n < 30; n++) await database.put(...entry(n))
      const before = `${location} before`
      await cp(location, before, { recursive: true })
      const [replaced] = await filesOf(location, /\.log$/)
      for (let n = 30; (await filesOf(location, /\.ldb$/)).length === 0; n++) await database.put(...entry(n))
      // LevelDB writes the record in the background, and deletes what it replaces after that.
      while ((await filesOf(location, /\.log$/)).includes(replaced!)) await new Promise(setImmediate)
      await database.close()
      return { location, before }
    }

    it('is one that a power cut may have left without its name: the record is taken back', async () => {
      const { location, before } = await made('torn edit')
      const [manifest] = await filesOf(location, /^MANIFEST/)
      const cut = path.join(before, path.basename(manifest!))
      const { size } = await stat(cut)
      await cp(manifest!, cut)
      expect((await checkTables(before)).map(({ why }) => why)).to.deep.equal(['it is missing'])
      await takeBackTornEdit(before)
      expect((await stat(cut)).size).to.equal(size)
      expect(await checkTables(before)).to.deep.equal([])
      const database = new Level<string, string>(before)
      expect(await database.keys().all()).to.have.length(30)
      await database.close()
    })

    it('is lost when what the record replaced is gone: nothing is touched', async () => {
      const { location } = await made('lost table')
      const [manifest] = await filesOf(location, /^MANIFEST/)
      const [table] = await filesOf(location, /\.ldb$/)
      await rm(table!)
      const intact = await readFile(manifest!)
      await takeBackTornEdit(location)
      expect((await readFile(manifest!)).equals(intact)).to.equal(true)
      expect((await checkTables(location)).map(({ why }) => why)).to.deep.equal(['it is missing'])
    })
  })

  /** On a copy, since opening changes the files. */
  async function opens(location: string): Promise<boolean> {
    const copy = `${location} copy`
    await cp(location, copy, { recursive: true })
    const database = new Level(copy)
    try {
      await database.open({ createIfMissing: false })
      return true
    } catch {
      return false
    } finally {
      await database.close()
      await rm(copy, { recursive: true })
    }
  }

  it('has the checksums of LevelDB', async () => {
    const location = await make('checksums', { compression: false })
    const bytes = await readFile((await filesOf(location, /^MANIFEST/))[0]!)
    const length = bytes.readUInt16LE(4)
    expect(maskedCrc32c(viewOf(bytes), 6, 7 + length)).to.equal(bytes.readUInt32LE(0))
  })
})
