import { expect } from 'chai'
import { readProperties } from '../../../lib/cli/properties.js'
import { readZooCfg } from '../../../lib/cli/zoo-cfg.js'
import { resolvePeerOptions } from '../../../lib/host/peer-options.js'
import { hasCode } from '../../../lib/model/errors.js'

const noMyid = () => undefined
const read = (...lines: string[]) => readZooCfg(lines.join('\n'), noMyid)

function complaintOf(...lines: string[]): string {
  try {
    read(...lines)
  } catch (error) {
    expect(hasCode(error, 'BAD_OPTIONS')).to.equal(true)
    return (error as Error).message
  }
  throw new Error('nothing was wrong with it')
}

describe("Java's properties", () => {
  it('are keys and values, however they are parted; comments and empty lines are none', () => {
    const text = '# a\n! b\n\n a = 1 \r\nb:2\nc 3\nd=x=y\ne\n'
    expect([...readProperties(text)]).to.deep.equal([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
      ['d', 'x=y'],
      ['e', ''],
    ])
  })

  it('go on behind a backslash at the end of a line, and may be escaped', () => {
    const text = 'a=1,\\\n   2\nb\\=c=C:\\\\data\nd=end\\\\\ne=f'
    expect([...readProperties(text)]).to.deep.equal([
      ['a', '1,2'],
      ['b=c', 'C:\\data'],
      ['d', 'end\\'],
      ['e', 'f'],
    ])
  })

  it('are those of the last line with the key', () => {
    expect([...readProperties('a=1\na=2')]).to.deep.equal([['a', '2']])
  })
})

describe('zoo.cfg', () => {
  it('of three lines is a peer that stands alone', () => {
    const cfg = read('tickTime=2000', 'dataDir=/var/lib/zookeeper', 'clientPort=2181')
    expect(cfg).to.deep.include({ id: 1, dataDir: '/var/lib/zookeeper', quorum: undefined, warnings: [] })
    expect(cfg.options).to.deep.equal({
      tickMs: 2000,
      extendedTypesEnabled: false,
      clientPort: { port: 2181, host: '0.0.0.0' },
    })
  })

  it("has ZooKeeper's defaults where it says nothing: a tick of 3 s, session timeouts of 2 and 20 of them", () => {
    const { options } = read('dataDir=:memory:', 'minSessionTimeout=-1')
    const { protocol } = resolvePeerOptions({ id: 1, dataDir: ':memory:', ...options })
    expect([protocol.tickMs, protocol.sessionTimeoutMinMs, protocol.sessionTimeoutMaxMs]).to.deep.equal([
      3000, 6000, 60_000,
    ])
    expect(options.clientPort).to.equal(undefined)
  })

  it('takes what has a meaning here, with and without the prefix of properties', () => {
    const { options, warnings } = read(
      'dataDir=:memory:',
      'clientPort=2181',
      'clientPortAddress=127.0.0.1',
      'maxClientCnxns=7',
      'maxCnxns=70',
      'minSessionTimeout=1000',
      'maxSessionTimeout=9000',
      'jute.maxbuffer=2000000',
      'globalOutstandingLimit=50',
      '4lw.commands.whitelist=srvr, ruok',
      'zookeeper.extendedTypesEnabled=true',
      'enforceQuota=true',
      'zookeeper.DigestAuthenticationProvider.superDigest=super:D/InIHSb7yEEbrWz8b9l71RjZJU=',
      'skipACL=yes',
      'enforce.auth.enabled=true',
      'enforce.auth.schemes=digest',
      'localSessionsEnabled=true',
      'localSessionsUpgradingEnabled=true',
      'readonlymode.enabled=true',
      'znode.container.checkIntervalMs=1000',
    )
    expect(warnings).to.deep.equal([])
    expect(options).to.deep.include({
      sessionTimeoutMinMs: 1000,
      sessionTimeoutMaxMs: 9000,
      extendedTypesEnabled: true,
      enforceQuota: true,
      superDigest: 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=',
      skipAcl: true,
      enforceAuthSchemes: ['digest'],
      localSessionsEnabled: true,
      localSessionsUpgradingEnabled: true,
      readOnlyModeEnabled: true,
      containerCheckIntervalMs: 1000,
    })
    expect(options.clientPort).to.deep.equal({
      port: 2181,
      host: '127.0.0.1',
      fourLetterWords: ['srvr', 'ruok'],
      connectionsPerAddressMax: 7,
      connectionsMax: 70,
      frameBytesMax: 2_000_000,
      outstandingMax: 50,
    })
    expect(resolvePeerOptions({ id: 1, dataDir: ':memory:', ...options }).clientPort?.host).to.equal('127.0.0.1')
  })

  const three = [
    'dataDir=/data',
    'initLimit=10',
    'syncLimit=5',
    'server.1=10.0.0.1:2888:3888',
    'server.2=zk2.example:2889:3888:participant;2182',
    'server.3=[::1]:2890:3888:observer;127.0.0.1:2183',
  ]

  it('names the members: each at its first port, observers as such', () => {
    const cfg = readZooCfg(three.join('\n'), directory => {
      expect(directory).to.equal('/data')
      return '2\n'
    })
    expect(cfg.id).to.equal(2)
    expect(cfg.quorum).to.deep.equal({ host: 'zk2.example', port: 2889 })
    expect(cfg.options).to.deep.include({ initLimitTicks: 10, syncLimitTicks: 5 })
    expect(cfg.options.members).to.deep.equal({
      1: { address: 'tcp://10.0.0.1:2888', role: 'participant' },
      2: { address: 'tcp://zk2.example:2889', role: 'participant' },
      3: { address: 'tcp://[::1]:2890', role: 'observer' },
    })
    expect(cfg.options.clientPort).to.deep.equal({ port: 2182, host: '0.0.0.0' })
    const third = readZooCfg([...three, 'vivarium.myid=3'].join('\n'), noMyid)
    expect(third.options.clientPort).to.deep.equal({ port: 2183, host: '127.0.0.1' })
  })

  it('with one server line stands alone, under that id', () => {
    const cfg = read('dataDir=:memory:', 'server.5=127.0.0.1:2888:3888')
    expect([cfg.id, cfg.quorum, cfg.options.members]).to.deep.equal([5, undefined, undefined])
  })

  it('is warned of by name where it says what has no meaning here', () => {
    const { warnings } = read('dataDir=/data', 'dataLogDir=/log', 'autopurge.purgeInterval=1', 'nonsense=x')
    expect(warnings.map(warning => warning.split(':')[0])).to.deep.equal([
      'dataLogDir',
      'autopurge.purgeInterval',
      'nonsense',
    ])
  })

  it('complains of all that is wrong in one error', () => {
    const all = complaintOf('tickTime=soon', 'server.1=a:1:2', 'server.2=b:1', 'server.300=c:1:2', 'server.4=d:1:2')
    for (const part of ['dataDir is missing', 'tickTime=soon', 'server.2=b:1', 'server.300', 'initLimit', 'syncLimit'])
      expect(all).to.include(part)
    expect(complaintOf(...three)).to.include('myid is missing')
    expect(complaintOf(...three, 'vivarium.myid=9')).to.include('there is no server.9')
    expect(complaintOf(...three, 'vivarium.myid=255')).to.include('255 is none from 1 to 254')
    expect(complaintOf('dataDir=/d', 'enforce.auth.enabled=true')).to.include('enforce.auth.schemes')
  })
})
