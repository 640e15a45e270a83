import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { inspect } from '../../../lib/cli/inspect.js'
import { json } from '../../../lib/client/codec.js'
import { op } from '../../../lib/client/transaction.js'
import { Peer } from '../../../lib/compose.js'
import { hasCode } from '../../../lib/model/errors.js'

async function linesOf(directory: string, log = false): Promise<string[]> {
  const lines: string[] = []
  for await (const line of inspect(directory, { log })) lines.push(line)
  return lines
}

async function refusalOf(directory: string): Promise<unknown> {
  return linesOf(directory).then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('vivarium inspect', () => {
  let folder: string
  let directory: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vivarium-'))
    directory = join(folder, 'data')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('tells whose the directory is, its checkpoint and its log, every kind of transaction included', async () => {
    const peer = await Peer.open({ id: 7, ensemble: 'shop', dataDir: directory })
    const zk = await peer.client({ codec: json, sessionTimeoutMs: 5000 })
    await zk.create('/a', { size: 1 })
    await zk.set('/a', undefined)
    await zk.create('/a').catch(() => {})
    await zk.multi([op.create('/b', 1, { ephemeral: true }), op.check('/a', { version: 1 }), op.delete('/a')])
    await zk.close()
    await peer.close()

    const lines = await linesOf(directory, true)
    expect(lines[0]).to.match(/^peer 7 of the ensemble "shop", incarnation [0-9a-f]{32}$/)
    expect(lines[1]).to.equal('epochs: accepted 1, current 1')
    expect(lines[2]).to.equal('checkpoint: 0x0, 0 znodes, 0 sessions')
    expect(lines[3]).to.equal('log: behind 0x0, 6 transactions behind the checkpoint')
    expect(lines[4]).to.equal('  epoch 1: 0x100000001 to 0x100000006')
    const transactions = lines
      .slice(5)
      .map(line => line.replace(/^(\S+) {2}\S+Z {2}session 0x[0-9a-f]{16} call \d+ {2}/, '$1 '))
    expect(transactions.map(line => line.replace(/0x[0-9a-f]{16}/, 'S'))).to.deep.equal([
      '0x100000001 create the session S, timeout 5000 ms',
      '0x100000002 create "/a" 10 bytes',
      '0x100000003 set "/a" no data, version 1',
      '0x100000004 refused: NODE_EXISTS',
      '0x100000005 multi [create "/b" 1 bytes, ephemeral; check "/a" for version 1; delete "/a"]',
      '0x100000006 close the session S',
    ])
    expect(await linesOf(directory)).to.deep.equal(lines.slice(0, 5))
  })

  it('leaves a directory that a peer can start from', async () => {
    const open = () => Peer.open({ id: 1, dataDir: directory })
    const first = await open()
    await first.close()
    await linesOf(directory, true)
    const second = await open()
    await second.serving()
    await second.close()
  })

  it('refuses a directory that a running peer has open', async () => {
    const peer = await Peer.open({ id: 1, dataDir: directory })
    expect(hasCode(await refusalOf(directory), 'DATA_DIR_LOCKED')).to.equal(true)
    await peer.close()
  })

  it('refuses what is no data directory, and makes none', async () => {
    expect(hasCode(await refusalOf(directory), 'BAD_ARGUMENTS')).to.equal(true)
    expect(existsSync(directory)).to.equal(false)
  })

  it('refuses a damaged identity', async () => {
    const peer = await Peer.open({ id: 1, dataDir: directory })
    await peer.close()
    writeFileSync(join(directory, 'identity'), 'vivarium data directory\nformat 1\npeer 2\ncrc32 00000000\n')
    expect(hasCode(await refusalOf(directory), 'DATA_CORRUPT')).to.equal(true)
  })
})
