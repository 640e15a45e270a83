/** R3 as a user sees it: a program that closes its peer ends, without process.exit. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'

const index = new URL('../../lib/index.ts', import.meta.url).href
const memory = new URL('../../transports/memory/index.ts', import.meta.url).href
const tcp = new URL('../../transports/tcp/index.ts', import.meta.url).href
const root = fileURLToPath(new URL('../..', import.meta.url))

async function run(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', program],
    { cwd: root, timeout: 15_000 },
  )
  return stdout.trim()
}

describe('a process', () => {
  it('R3: ends by itself after close(), with one peer', async () => {
    const program = `
      import { Peer, json } from '${index}'
      const peer = await Peer.open({ id: 1, dataDir: ':memory:' })
      const zk = await peer.client({ codec: json })
      await zk.create('/a', 1)
      const subscription = zk.data$('/a').subscribe(({ value }) => console.log(value))
      await zk.get('/a')
      await peer.close()
      console.log('closed')`
    expect(await run(program)).to.match(/^(1\n)*closed$/)
  })

  it('R3: ends by itself when peers are closed in the middle of an election', async () => {
    const program = `
      import { Peer } from '${index}'
      import { memory, memoryNetwork } from '${memory}'
      import { tcp } from '${tcp}'
      const network = memoryNetwork()
      const members = { 1: 'memory://1', 2: 'memory://2', 3: 'memory://3' }
      const peers = await Promise.all([1, 2].map(id =>
        Peer.open({ id, dataDir: ':memory:', members, transport: memory({ network, name: String(id) }) })))
      await Promise.all(peers.map(peer => peer.close()))
      const alone = await Peer.open({ id: 2, dataDir: ':memory:', transport: tcp({ port: 0 }),
        members: { 1: 'tcp://127.0.0.1:1', 2: 'tcp://127.0.0.1:2', 3: 'tcp://127.0.0.1:3' } })
      const opening = alone.client().catch(error => error.code)
      await alone.close()
      console.log(await opening)`
    expect(await run(program)).to.equal('CLOSED')
  })
})
