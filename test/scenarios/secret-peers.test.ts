/** A shared secret between real peers: those that have it work together; of the others both sides say why not, and nothing else changes. */
import { inspect } from 'node:util'
import { expect } from 'chai'
import { Peer } from '../../lib/index.js'
import { tcp } from '../../transports/tcp/index.js'
import { until } from '../compliance/transport.js'
import { freePorts } from './test-ensemble.js'

const SECRET = 'marker-secret-3f9a'

describe('two peers with a secret', () => {
  let peers: Peer[] = []
  afterEach(async () => {
    await Promise.all(peers.map(peer => peer.close()))
    peers = []
  })

  async function open(secrets: readonly (string | undefined)[]): Promise<[Peer, Peer, string[]]> {
    const ports = await freePorts(2)
    const members = { 1: `tcp://127.0.0.1:${ports[0]}`, 2: `tcp://127.0.0.1:${ports[1]}` }
    const logged: string[] = []
    const log = (...said: unknown[]) => logged.push(inspect(said, { depth: 20 }))
    for (const [i, secret] of secrets.entries()) {
      const transport = tcp({ port: ports[i]!, ...(secret === undefined ? {} : { secret }) })
      const logger = { debug: log, info: log, warn: (...said: unknown[]) => log('WARN', ...said), error: log }
      peers.push(await Peer.open({ id: i + 1, dataDir: ':memory:', members, transport, tickMs: 100, logger }))
    }
    return [peers[0]!, peers[1]!, logged]
  }

  it('work together when it is the same', async () => {
    const [one, two, logged] = await open([SECRET, SECRET])
    await Promise.all([one.serving({ timeout: 5000 }), two.serving({ timeout: 5000 })])
    expect(logged.join('\n')).to.not.include('marker-secret')
  })

  for (const [what, secrets, there, here] of [
    ['it differs', [SECRET, 'another-secret-77c1'], /another shared secret/, /refused by the other side: .*another/],
    ['only the dialled one has it', [SECRET, undefined], /the other one has none/, /asks for the shared secret/],
    ['only the dialling one has it', [undefined, SECRET], /other side has a shared secret/, /this one has none/],
  ] as const) {
    it(`CVE-2018-8012: stay apart when ${what}, and both say so`, async () => {
      const [one, two, logged] = await open(secrets)
      await until(() => logged.some(line => line.includes('WARN') && there.test(line)), 'the dialled one warns')
      await until(() => here.test(two.status.members[0]?.trouble ?? ''), 'the dialling one shows it')
      expect(one.status.members[1]).to.include({ connected: false })
      expect(two.status.members[0]).to.include({ connected: false })
      expect(logged.some(line => line.includes('linked'))).to.equal(false)
      expect(logged.join('\n')).to.not.match(/marker-secret|another-secret/)
    })
  }
})
