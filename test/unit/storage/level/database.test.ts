import { expect } from 'chai'
import { type Database, openDatabase, putSynced, writeBatch } from '../../../../lib/storage/level/database.js'
import { DataDir } from './data-dir.js'

describe('a database', () => {
  let data: DataDir
  let database: Database
  beforeEach(async () => {
    data = await DataDir.make()
    database = await openDatabase(data.location, true)
  })
  afterEach(async () => {
    await database.close()
    await data.destroy()
  })

  const key = (name: string): Buffer => Buffer.from(name)

  it('D2: begins no write while another is under way, and none after one that has failed', async () => {
    const begun: string[] = []
    let fail: (error: Error) => void = () => {}
    const { put } = database
    database.put = (async (name: Buffer, ...rest: unknown[]) => {
      begun.push(String(name))
      if (String(name) === 'b') await new Promise<never>((_, reject) => (fail = reject))
      await (put as (...args: unknown[]) => Promise<void>).call(database, name, ...rest)
    }) as never
    const writes = ['a', 'b', 'c'].map(name => putSynced(database, key(name), key('value')))
    const batch = writeBatch(database, [{ type: 'put', key: key('d'), value: key('value') }])
    const outcomes = Promise.allSettled([...writes, batch])
    await writes[0]
    await new Promise(resolve => setImmediate(resolve))
    expect(begun).to.deep.equal(['a', 'b'])
    fail(new Error('no space'))
    expect((await outcomes).map(({ status }) => status)).to.deep.equal([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
    ])
    expect(begun).to.deep.equal(['a', 'b'])
    expect(await database.keys().all()).to.deep.equal([key('a')])
  })
})
