/** Mutual TLS between real peers: a certificate speaks for the host that the member list gives its peer, and for no other. */
import { expect } from 'chai'
import { Peer } from '../../lib/index.js'
import { tcp } from '../../transports/tcp/index.js'
import { makeAuthority } from '../helpers/certificates.js'
import { freePorts } from './test-ensemble.js'

describe('two peers with tls', () => {
  const ca = makeAuthority()
  let peers: Peer[] = []
  afterEach(async () => {
    await Promise.all(peers.map(peer => peer.close()))
    peers = []
  })

  async function open(namesOfSecond: readonly string[]): Promise<[Peer, Peer, string[]]> {
    const ports = await freePorts(2)
    const members = { 1: `tcp://127.0.0.1:${ports[0]}`, 2: `tcp://localhost:${ports[1]}` }
    const warnings: string[] = []
    const warn = (message: string, { why }: Readonly<Record<string, unknown>> = {}) =>
      warnings.push(`${message} ${why}`)
    for (const id of [1, 2]) {
      const tls = { ...ca.issue({ names: id === 1 ? ['ip:127.0.0.1'] : namesOfSecond }), ca: ca.cert }
      const transport = tcp({ port: ports[id - 1]!, tls })
      const logger = { debug() {}, info() {}, warn, error() {} }
      peers.push(await Peer.open({ id, dataDir: ':memory:', members, transport, tickMs: 100, logger }))
    }
    return [peers[0]!, peers[1]!, warnings]
  }

  it('work together when their certificates name their hosts', async () => {
    const [one, two] = await open(['localhost'])
    await Promise.all([one.serving({ timeout: 5000 }), two.serving({ timeout: 5000 })])
  })

  it('refuse a certificate of the right authority for the wrong peer', async () => {
    const [one, two, warnings] = await open(['ip:127.0.0.1'])
    const code = await two.serving({ timeout: 1000 }).catch((error: { code: string }) => error.code)
    expect(code).to.equal('OPERATION_TIMEOUT')
    expect(one.status.members[1]).to.include({ connected: false })
    expect(one.status.members[1]?.trouble).to.match(/does not speak for peer 2/)
    expect(warnings.some(warning => warning.includes('does not speak for peer 2'))).to.equal(true)
  })
})
