import { expect } from 'chai'
import { type PeerOptions, resolvePeerOptions } from '../../../lib/host/peer-options.js'
import { hasCode } from '../../../lib/model/errors.js'
import type { Transport } from '../../../lib/transport/transport.js'

const transport = {
  address: 'memory://x',
  understands: (address: string) => address.startsWith('memory://'),
  listen() {},
  dial() {},
  close() {},
} as unknown as Transport
const complaintsOf = (options: unknown): string[] => {
  try {
    resolvePeerOptions(options as PeerOptions)
    return []
  } catch (error) {
    if (!hasCode(error, 'BAD_OPTIONS')) throw error
    return (error as Error).message.replace('BAD_OPTIONS: ', '').split('; ')
  }
}
const members = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [n + 1, `memory://${n + 1}`]))

describe('peer options', () => {
  it('need only an id and a place for the data', () => {
    const resolved = resolvePeerOptions({ id: 1, dataDir: ':memory:' })
    expect(resolved.config.members).to.deep.equal([{ id: 1, address: 'memory://alone', role: 'participant' }])
    expect(resolved.ensemble).to.equal('vivarium')
    expect(resolved.protocol).to.include({ tickMs: 2000, sessionTimeoutMinMs: 4000, sessionTimeoutMaxMs: 40_000 })
    expect(resolved.warnings).to.deep.equal([])
  })

  it('let session timeouts follow the tick', () => {
    const { protocol } = resolvePeerOptions({ id: 1, dataDir: ':memory:', tickMs: 100 })
    expect(protocol).to.include({ sessionTimeoutMinMs: 200, sessionTimeoutMaxMs: 2000 })
  })

  it('sort members and keep their roles', () => {
    const { config } = resolvePeerOptions({
      id: 2,
      dataDir: 'x',
      transport,
      members: { 10: { address: 'memory://10', role: 'observer' }, 2: 'memory://2' },
    })
    expect(config.members.map(({ id, role }) => [id, role])).to.deep.equal([
      [2, 'participant'],
      [10, 'observer'],
    ])
  })

  const table: readonly [what: string, options: unknown, ...complaints: RegExp[]][] = [
    ['no options at all', undefined, /options must be an object/],
    ['a missing id', { dataDir: 'x' }, /id is missing/],
    ['an id out of range', { id: 255, dataDir: 'x' }, /id must be a whole number from 1 to 254/],
    ['no place for the data', { id: 1 }, /one of dataDir .* and storage must be given/],
    ['a name that is no option', { id: 1, dataDir: 'x', clientsPort: 1 }, /clientsPort is not an option/],
    ['a name of Object.prototype', { id: 1, dataDir: 'x', constructor: 1 }, /constructor is not an option/],
    [
      "a member at another transport's address",
      { id: 1, dataDir: 'x', transport, members: { 1: 'memory://1', 2: 'tcp://10.0.0.2:2888' } },
      /members.2: tcp:\/\/10.0.0.2:2888 is no address of this transport, whose own is memory:\/\/x/,
    ],
    ['a wrong number', { id: 1, dataDir: 'x', tickMs: 1.5 }, /tickMs must be a whole number from 1 to 60000/],
    [
      'a wrong logger',
      { id: 1, dataDir: 'x', logger: { info() {} } },
      /logger must have the methods debug, warn, error/,
    ],
    [
      'crossed session timeouts',
      { id: 1, dataDir: 'x', sessionTimeoutMinMs: 10, sessionTimeoutMaxMs: 5 },
      /sessionTimeoutMinMs \(10\) is above sessionTimeoutMaxMs \(5\)/,
    ],
    [
      'members without this peer',
      { id: 9, dataDir: 'x', transport, members: members(3) },
      /does not name this peer \(9\)/,
    ],
    ['several members and no transport', { id: 1, dataDir: 'x', members: members(3) }, /transport is missing/],
    ['too many voters', { id: 1, dataDir: 'x', transport, members: members(9) }, /9 participants, but at most 7/],
    ['a wrong member id', { id: 1, dataDir: 'x', members: { 1: 'memory://1', x: 'memory://x' } }, /members.x: the id/],
    [
      'an id in another spelling',
      { id: 1, dataDir: 'x', members: { 1: 'm://1', '02': 'm://2' } },
      /members.02: the id/,
    ],
    [
      'a share that is none',
      { id: 1, dataDir: 'x', members: { 1: { address: 'm://1', weight: -1, group: 0.5 } } },
      /members.1: weight must be a whole number/,
      /members.1: group must be a whole number/,
      /no participant that votes/,
    ],
    [
      'an observer with a share',
      {
        id: 1,
        dataDir: 'x',
        transport,
        members: { 1: 'memory://1', 2: { address: 'memory://2', role: 'observer', weight: 2 } },
      },
      /members.2: an observer has neither weight nor group/,
    ],
    [
      'groups for some only',
      {
        id: 1,
        dataDir: 'x',
        transport,
        members: { 1: { address: 'memory://1', group: 1 }, 2: 'memory://2', 3: 'memory://3' },
      },
      /members 2, 3 have no group, but others have/,
    ],
    [
      'nobody with a weight',
      { id: 1, dataDir: 'x', members: { 1: { address: 'm://1', weight: 0 } } },
      /no participant that votes/,
    ],
    ['an address twice', { id: 1, dataDir: 'x', transport, members: { 1: 'm://1', 2: 'm://1' } }, /given twice/],
    [
      'a wrong role',
      { id: 1, dataDir: 'x', members: { 1: { address: 'm://1', role: 'leader' } } },
      /members.1: role must be/,
      /does not name this peer/,
    ],
    [
      'several mistakes, all in one error',
      { id: 0, dataDir: '', tickMs: 'fast', nonsense: true },
      /id must be/,
      /dataDir must be/,
      /tickMs must be/,
      /nonsense is not an option/,
    ],
  ]
  for (const [what, options, ...complaints] of table) {
    it(`refuse ${what}`, () => {
      const given = complaintsOf(options)
      expect(given).to.have.length(complaints.length)
      for (const [index, complaint] of complaints.entries()) expect(given[index]).to.match(complaint)
    })
  }

  it('warn of an even number of voters, and do not count observers', () => {
    const four = resolvePeerOptions({ id: 1, dataDir: 'x', transport, members: members(4) })
    expect(four.warnings).to.deep.equal(['4 voters tolerate no more failures than 3: use an odd number'])
    const uneven = { ...members(3), 4: { address: 'memory://4', weight: 2 } }
    expect(resolvePeerOptions({ id: 1, dataDir: 'x', transport, members: uneven }).warnings).to.deep.equal([])
    const observed = { ...members(3), 4: { address: 'memory://4', role: 'observer' } as const }
    expect(resolvePeerOptions({ id: 1, dataDir: 'x', transport, members: observed }).warnings).to.deep.equal([])
  })
})
