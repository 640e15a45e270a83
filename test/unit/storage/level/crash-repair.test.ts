/**
 * The rows of the table in level-storage.ts that have `damaged/` or `discarded/` in them, enumerated: a repair is begun, begun again and ended while a copy of
 * the directory is made before every single call that changes a file or a name; each copy must open as its row says, and a repair can go on from it.
 */
import fs, { readdirSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { expect } from 'chai'
import { ZERO, zxid } from '../../../../lib/model/zxid.js'
import { LABEL_KEY } from '../../../../lib/storage/level/keys.js'
import type { LevelStorage } from '../../../../lib/storage/level/level-storage.js'
import type { Recovered } from '../../../../lib/storage/storage.js'
import { changes, proposals, znode } from '../../../compliance/storage-fixtures.js'
import { DataDir, type Pass, watchingWrites } from './data-dir.js'

const EPOCHS = { accepted: 5, current: 4 }
const CALLS = ['mkdir', 'rename', 'rm', 'open', 'writeFile'] as const

/** Before each call of the store that may change the directory, and before each write of LevelDB. */
async function beforeEachChange(seen: () => Promise<unknown>, work: () => Promise<unknown>): Promise<void> {
  const promises = fs.promises as unknown as Record<(typeof CALLS)[number], Pass>
  const own = CALLS.map(name => promises[name])
  let copying = false
  const look = async () => {
    if (copying) return
    copying = true
    await seen()
    copying = false
  }
  for (const [at, name] of CALLS.entries()) {
    promises[name] = async (...args: unknown[]) => {
      // What is opened to be read or synced changes nothing.
      if (name !== 'open' || args[1] !== 'r') await look()
      return own[at]!.apply(fs.promises, args)
    }
  }
  syncBuiltinESMExports()
  try {
    await watchingWrites({ before: look }, work)
  } finally {
    for (const [at, name] of CALLS.entries()) promises[name] = own[at]!
    syncBuiltinESMExports()
  }
}

type Row = 'no trace of a repair' | 'damaged/ without its ready' | 'damaged/ with its ready' | 'discarded/'

function rowOf(data: DataDir): Row {
  const names = readdirSync(data.location)
  if (names.includes('damaged'))
    return readdirSync(data.file('damaged')).includes('ready')
      ? 'damaged/ with its ready'
      : 'damaged/ without its ready'
  return names.includes('discarded') ? 'discarded/' : 'no trace of a repair'
}

describe('a crash while a member is repaired', function () {
  this.timeout(60_000)
  const dirs: DataDir[] = []
  let data: DataDir

  /** A log that has lost what was acknowledged; the rest of it can be told again, wherever it lies. */
  beforeEach(async () => {
    data = await DataDir.make()
    dirs.push(data)
    await data.with(async storage => {
      await storage.saveEpochs(EPOCHS)
      await storage.append(proposals(ZERO, 1, 6))
      await storage.checkpoint(changes(zxid(1, 4), [['/a', znode(1)]]))
    })
    await data.raw('log', log => log.del(LABEL_KEY))
  })
  after(async () => {
    for (const each of dirs) await each.destroy()
  })

  const failed = (store: LevelStorage) =>
    store.open().then(
      () => expect.fail('it opened'),
      (error: unknown) => error,
    )
  async function copiesDuring(work: () => Promise<unknown>): Promise<Map<Row, DataDir[]>> {
    const copies = new Map<Row, DataDir[]>()
    await beforeEachChange(async () => {
      const copy = await data.copy()
      dirs.push(copy)
      copies.set(rowOf(copy), [...(copies.get(rowOf(copy)) ?? []), copy])
    }, work)
    return copies
  }
  function expectNew({ damage, epochs, image, suffix, history }: Recovered): void {
    expect(damage?.reason).to.match(/label is missing|the reason was not written down/)
    expect({ ...epochs }).to.deep.equal(EPOCHS)
    expect([...image.nodes]).to.deep.equal([])
    expect({ suffix, history }).to.deep.equal({ suffix: [], history: { base: ZERO, ranges: [] } })
  }
  /** What was damaged first is there, untouched. */
  async function expectKept(place: DataDir): Promise<void> {
    const aside = new DataDir(place.file('damaged'))
    expect((await aside.raw('log', log => log.keys().all())).map(String).join()).to.match(/^B,E,L/)
    expect(await aside.raw('tree', tree => tree.get(LABEL_KEY))).to.not.equal(undefined)
  }
  /** As its row says, and on from there. */
  async function expectRow(row: Row, place: DataDir, foundFirst: RegExp): Promise<void> {
    const store = place.store()
    if (row === 'damaged/ with its ready') expectNew(await store.open())
    else {
      const damage = await failed(store)
      expect(String(damage)).to.match(
        row === 'damaged/ without its ready' ? /nothing has been put in their place/ : foundFirst,
      )
      expectNew(await store.beginRepair(damage))
    }
    await store.append(proposals(ZERO, 1, 2))
    await store.close()
    await expectKept(place)
    await place.with(storage => storage.endRepair!())
    const whole = await place.recovered()
    expect(whole.damage).to.equal(undefined)
    expect(whole.suffix).to.have.length(2)
    expect(readdirSync(place.location)).to.not.include.members(['damaged', 'discarded'])
  }

  it('sets aside once, wherever it breaks off, and then goes on', async () => {
    const store = data.store()
    const damage = await failed(store)
    const copies = await copiesDuring(() => store.beginRepair(damage))
    await store.close()
    expect([...copies.keys()]).to.deep.equal([
      'no trace of a repair',
      'damaged/ without its ready',
      'damaged/ with its ready',
    ])
    expect(copies.get('damaged/ without its ready')!.length).to.be.at.least(8)
    for (const [row, places] of copies) {
      for (const place of places) await expectRow(row, place, /label is missing/)
    }
  })

  it('begins again with what the first one has made, and keeps what was damaged first', async () => {
    const first = data.store()
    await first.beginRepair(await failed(first))
    await first.append(proposals(ZERO, 1, 3))
    await first.close()
    await data.raw('tree', tree => tree.del(LABEL_KEY))
    const store = data.store()
    const damage = await failed(store)
    const copies = await copiesDuring(() => store.beginRepair(damage))
    await store.close()
    expect([...copies.keys()]).to.deep.equal(['damaged/ with its ready', 'damaged/ without its ready'])
    const [sound, ...others] = copies.get('damaged/ with its ready')!
    // Either the second damage is still there, or the second repair has been made.
    for (const place of [sound!, ...others]) {
      const again = place.store()
      const found = await again.open().catch((error: unknown) => again.beginRepair(error))
      expectNew(found)
      await again.close()
      await expectKept(place)
    }
    for (const place of copies.get('damaged/ without its ready')!) {
      const again = place.store()
      expectNew(await again.beginRepair(await failed(again)))
      await again.close()
      await expectKept(place)
    }
  })

  it('is whole by one step at the end', async () => {
    const store = data.store()
    await store.beginRepair(await failed(store))
    await store.append(proposals(ZERO, 1, 3))
    const copies = await copiesDuring(async () => {
      await store.endRepair()
      await store.close()
    })
    expect([...copies.keys()].slice(0, 2)).to.deep.equal(['damaged/ with its ready', 'discarded/'])
    for (const [row, places] of copies) {
      for (const place of places) {
        const { damage, suffix } = await place.recovered()
        expect(damage?.reason.includes('label is missing'), row).to.equal(
          row === 'damaged/ with its ready' ? true : undefined,
        )
        expect(suffix).to.have.length(3)
        expect(readdirSync(place.location)).to.not.include('discarded')
      }
    }
  })
})
